"""Make a small store with a fact of every kind, to be read by later versions of the code.

usage: record_store.py PARCIMETRE DATA_DIR

All of it is simulated, and goes in by the public ways only: the command, and HTTP as agents speak it. The
clock of the collector stands still at each stage of four months, so that the oldest days are rolled up,
three weekly reports are published, and one of them is restated.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from compare_figures import DAY_S, SLOT_S, Command, serving

METROPOLIS = "Métropole Exemple"
CITY, IT, VILLAGE = f"{METROPOLIS}/Ville", f"{METROPOLIS}/DSI", f"{METROPOLIS}/Clairval"
HALL, ROOM, ABROAD = "Hôtel de ville", "Salle serveurs", "Antenne de Kehl"
VERSION = "0.1.0+recorded"
LATE = ("srv-2", "pdu-1")
Record = dict[str, Any]
Draw = Callable[[float, float], float]


@dataclass
class Machine:
    """A simulated device; `energy` are source, scope, quality, idle and busy watts of each counter."""

    name: str
    category: str
    secret: str
    system: Record
    energy: tuple[tuple[str, str, str, float, float], ...] = ()
    inventory: Record = field(default_factory=dict)
    serial: str | None = None
    virtual: str = "none"
    relayed: bool = False
    always_on: bool = False
    id: str = ""
    credential: str = ""

    @property
    def install_id(self) -> str:
        """An id of the installation, the same for the same name."""
        return digest(f"install {self.name}")[:32]

    def stated(self, taken_at: int) -> Record:
        """Its inventory."""
        found = {
            "taken_at": taken_at, "category": self.category, "virtual": self.virtual,
            "system": self.system | ({"serial_hash": digest(self.serial)} if self.serial else {}),
            "os": {"name": "none"} if self.relayed else {"name": "Linux", "version": "Debian GNU/Linux 12"},
        }  # fmt: skip
        return found | self.inventory

    def slots(self, first: int, last: int) -> Iterator[Record]:
        """What it did in each quarter hour: by day at work, at night asleep or off, unless always on."""
        for start in range(first, last, SLOT_S):
            draw = random.Random(f"{self.name} {start}").uniform
            hour, weekend = start % DAY_S // 3600, datetime.fromtimestamp(start, UTC).weekday() > 4
            at_work = self.always_on or (7 <= hour < 17 and not weekend)
            yield self._awake(start, draw) if at_work else self._resting(start, hour)

    def _awake(self, start: int, draw: Draw) -> Record:
        lit_s = 0 if self.always_on else int(draw(500, 900))
        away_s = 0 if self.always_on else int(draw(0, 30))
        awake_s = 900 - away_s
        busy_s = int(draw(0.05, 0.4) * awake_s)
        deciles = [awake_s - busy_s, busy_s // 2, *[0] * 6, busy_s - busy_s // 2, 0]
        load = busy_s / awake_s
        energy = [
            {"source": source, "scope": scope, "quality": quality, "duration_s": awake_s,
             "energy_j": round((idle_w + (busy_w - idle_w) * load) * draw(0.97, 1.03) * awake_s, 1)}
            for source, scope, quality, idle_w, busy_w in self.energy
        ]  # fmt: skip
        means = {
            "memory_used_mib": round(draw(2000, 6000), 1), "disk_read_kib_s": round(draw(0, 400), 2),
            "disk_write_kib_s": round(draw(0, 300), 2), "net_received_kib_s": round(draw(0, 90), 2),
            "net_sent_kib_s": round(draw(0, 30), 2),
        }  # fmt: skip
        return {
            "start": start, "display_on_s": min(lit_s, awake_s), "display_off_s": max(0, awake_s - lit_s),
            "asleep_s": away_s, "off_s": 0, "unknown_s": 0, "load_deciles_s": deciles, "energy": energy,
        } | ({} if self.relayed else means)  # fmt: skip

    @staticmethod
    def _resting(start: int, hour: int) -> Record:
        unknown_s = 300 if hour == 17 else 0
        asleep_s = 900 - unknown_s if 17 <= hour < 22 else 0
        return {
            "start": start, "display_on_s": 0, "display_off_s": 0, "asleep_s": asleep_s,
            "off_s": 900 - unknown_s - asleep_s, "unknown_s": unknown_s,
        }  # fmt: skip


def digest(text: str) -> str:
    """64 hexadecimal digits, the same for the same text."""
    return sha256(f"parcimetre recorded store {text}".encode()).hexdigest()


def second(day: str, hour: int = 0) -> int:
    """Seconds UTC of an hour of a day."""
    return int(datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp())


def monitor(name: str | None, width_mm: int) -> Record:
    """An external display, with a serial number if it has a name."""
    found = {"maker": "DEL", "product": "a0f2", "built_in": False, "name": "DELL P2422H", "week": 12,
             "year": 2022, "width_mm": width_mm, "height_mm": 296}  # fmt: skip
    return found | ({"serial_hash": digest(name)} if name else {})


CPU = {"model": "11th Gen Intel(R) Core(TM) i5-1145G7 @ 2.60GHz", "units": 1, "cores": 4, "threads": 8}
XEON = {"model": "Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz", "units": 2, "cores": 16, "threads": 32}
SMALL = {"cpus": [CPU], "memory": [{"size_mib": 8192, "form": "SODIMM"}] * 2,
         "disks": [{"size_bytes": 512_000_000_000, "kind": "ssd"}]}  # fmt: skip
LARGE = {"cpus": [XEON], "memory": [{"size_mib": 32_768, "form": "DIMM", "maker": "Samsung"}] * 8,
         "disks": [{"size_bytes": 960_000_000_000, "kind": "ssd"}] * 4}  # fmt: skip
PANEL = {"maker": "AUO", "product": "b1ae", "built_in": True, "year": 2021, "width_mm": 309, "height_mm": 174}
BATTERY = {"design_mwh": 63_000, "full_mwh": 58_200, "cycles": 214, "technology": "Li-ion"}
DENIED = {"sensor": "power.rapl", "state": "denied", "detail": "energy_uj may not be read",
          "grant": "setcap cap_dac_read_search"}  # fmt: skip
PRINTER = {"marking": "laser", "colour": True, "duplex": True, "a3": False, "speed_ipm": 47}
LAPTOP, TOWER = {"maker": "Dell Inc.", "model": "Latitude 5420"}, {"maker": "HP", "model": "ProDesk 400 G7"}
RACK = {"maker": "Dell Inc.", "model": "PowerEdge R650"}
BATTERY_W, RAPL_W = ("battery", "battery", "measured", 6.0, 22.0), ("rapl", "package", "measured", 3.0, 19.0)
SERVER_W = (("rapl", "package", "measured", 90.0, 260.0), ("rapl", "dram", "measured", 12.0, 20.0))
INLET_W = (("bmc_redfish", "wall_ac", "measured", 210.0, 420.0),)


def machines() -> list[Machine]:
    """The fleet. The gateway comes first: it speaks for those that are relayed."""
    screens = {"displays": [PANEL, monitor("screen 1", 527)], "batteries": [BATTERY]}
    two = {"displays": [monitor(None, 527), monitor(None, 527)]}
    lonely = {"displays": [monitor("screen 2", 531)]}
    return [
        Machine("srv-1", "server", "room", RACK, SERVER_W, LARGE, "srv one", always_on=True),
        Machine("srv-1-bmc", "server", "room", RACK, INLET_W, LARGE, "srv one", relayed=True, always_on=True),
        Machine("srv-2", "server", "room", RACK, SERVER_W, LARGE, "srv two", always_on=True),
        Machine("vm-1", "virtual_machine", "room", {"maker": "QEMU", "model": "Standard PC"}, (), SMALL,
                virtual="kvm", always_on=True),
        Machine("ws-1", "laptop", "hall", LAPTOP, (BATTERY_W, RAPL_W), SMALL | screens, "ws one"),
        Machine("ws-2", "desktop", "hall", TOWER, (), SMALL | two | {"outcomes": [DENIED]}, "ws two"),
        Machine("ws-3", "mini_pc", "hall", {"maker": "LENOVO", "model": "11JN", "family": "ThinkCentre M70q"},
                (RAPL_W,), SMALL | lonely, "ws three"),
        Machine("ws-4", "desktop", "hall", TOWER, (RAPL_W,), SMALL),
        Machine("ws-4-again", "desktop", "hall", TOWER, (RAPL_W,), SMALL),
        Machine("ws-5", "desktop", "hall", TOWER, (), SMALL, "ws five"),
        Machine("ws-6", "laptop", "village", LAPTOP, (BATTERY_W,), SMALL, "ws six"),
        Machine("ws-7", "laptop", "village", LAPTOP, (BATTERY_W,), SMALL | lonely, "ws seven"),
        Machine("ws-8", "all_in_one", "abroad", {"maker": "Apple Inc.", "model": "iMac21,1"}, (), SMALL,
                "ws eight"),
        Machine("prn-1", "printer", "hall", {"maker": "Brother", "model": "MFC-L8900CDW"}, (),
                {"printer": PRINTER}, "prn one", relayed=True),
        Machine("pdu-1", "pdu", "room", {"maker": "Raritan", "model": "PX3-5190R"},
                (("pdu", "wall_ac", "measured", 8.0, 8.0),), {}, "pdu one", relayed=True, always_on=True),
        Machine("sw-1", "network", "hall", {"maker": "Cisco", "model": "C9200L-24P-4G"},
                (("energy_object", "wall_ac", "measured", 55.0, 60.0),), {}, "sw one", relayed=True,
                always_on=True),
        Machine("ap-1", "network", "hall", {"maker": "HPE Aruba", "model": "AP-505"}, (), {}, "ap one",
                relayed=True, always_on=True),
    ]  # fmt: skip


def extras(machine: Machine, first: int, last: int) -> Record:
    """What a machine reports beside its slots."""
    draw = random.Random(f"{machine.name} {first}").uniform
    if machine.name == "prn-1":
        made = first // DAY_S * 40
        return {
            "printing": [
                reading(at, made + (at - first) // 1800) for at in range(first - 3600, last, DAY_S // 2)
            ]
        }
    if machine.name == "pdu-1":
        outlets = (("outlet 1", 150.0), ("outlet 2", 145.0), ("outlet 3", 310.0), ("outlet 4", 40.0))
        return {
            "feeds": [feed(start, *one, "wall_ac") for start in range(first, last, SLOT_S) for one in outlets]
        }
    if machine.name == "sw-1":
        ports = (("Gi1/0/1", 6.4), ("Gi1/0/7", 2.6))
        return {"feeds": [feed(start, *one, "poe") for start in range(first, last, SLOT_S) for one in ports]}
    if machine.relayed:
        return {}
    cost = {"cpu_s": round(draw(20, 40), 2), "peak_rss_mib": round(draw(12, 17), 1), "bytes_sent": 48_000,
            "period_s": 86_400.0, "sum_cpu_s": 300.5, "sum_bytes_sent": 400_000,
            "sum_period_s": 864_000.0}  # fmt: skip
    state = "off" if machine.name == "ws-8" else "asleep"
    gap = {"start": first - DAY_S, "duration_s": DAY_S, "state": state}
    lost = {"dropped": 3, "coarsened": 8, "refused": 1, "damaged": 0,
            "set_aside": [{"start": first, "reason": "slots[0]: the states add up to 901 s"}]}  # fmt: skip
    found: Record = {"self_cost": cost, "waiting": 2}
    if machine.name in ("ws-1", "ws-8") and datetime.fromtimestamp(first, UTC).weekday() == 4:
        found["gaps"] = [gap]
    return found | ({"losses": lost} if machine.name == "ws-2" else {})


def reading(at: int, impressions: int) -> Record:
    """A printer's counters."""
    colour = impressions // 4
    return {"at": at, "impressions": impressions, "mono": impressions - colour, "colour": colour,
            "duplex": impressions // 3 * 2, "copies": impressions // 5, "scans": impressions // 10,
            "supplies": [{"kind": "toner", "colour": "black", "level": 0.42}, {"kind": "drum"}]}  # fmt: skip


def feed(start: int, outlet: str, watts: float, scope: str) -> Record:
    """What an outlet gave in a quarter hour."""
    energy_j = round(watts * SLOT_S * random.Random(f"{outlet} {start}").uniform(0.95, 1.05), 1)
    source = "pdu" if scope == "wall_ac" else "cisco_poe"
    return {"start": start, "outlet": outlet, "scope": scope, "source": source, "quality": "measured",
            "energy_j": energy_j, "duration_s": SLOT_S}  # fmt: skip


class Recording:
    """The store on its way through the stages."""

    def __init__(self, parcimetre: Path, data_dir: Path) -> None:
        """Begin with no store."""
        self.parcimetre, self.data_dir = parcimetre, data_dir
        self.fleet = {machine.name: machine for machine in machines()}
        self.secrets: dict[str, str] = {}
        self.now = 0

    def at(self, now: int) -> None:
        """Go on to a time."""
        self.now = now

    def command(self, *words: str) -> Any:
        """Run a command at the present stage, with its answer."""
        return Command(self.parcimetre, self.data_dir, self.now).json(*words)

    def serve(self, send: Callable[[str], object] | None = None, *options: str) -> None:
        """Serve until what is sent is stored and the jobs of the start are over."""
        options = ("--organisation", METROPOLIS, *options)
        with serving(Command(self.parcimetre, self.data_dir, self.now), *options) as address:
            if send is not None:
                send(address)

    def enrol(self, address: str, names: Iterable[str]) -> None:
        """Enrol machines, each with the secret of its place."""
        for machine in map(self.fleet.__getitem__, names):
            hardware = {"install_id": machine.install_id, "virtual": machine.virtual}
            if machine.serial:
                hardware["fingerprint"] = digest(f"firmware {machine.name}")
            request = {"schema": 1, "secret": self.secrets[machine.secret], "hardware": hardware,
                       "category": machine.category, "agent_version": VERSION,
                       "hostname": machine.name, "simulated": True}  # fmt: skip
            gateway = self.fleet["srv-1"]
            is_there = machine.relayed and machine.secret == gateway.secret
            if is_there:
                request["relayed_by"] = gateway.id
            answer = post(f"{address}/v1/enrol", request, gateway.credential if is_there else None)
            machine.id, machine.credential = answer["device_id"], answer["credential"]

    def report(self, address: str, first: int, last: int, names: Iterable[str], **more: Any) -> int:
        """Report some machines' quarter hours, and more records; how many were refused."""
        return sum(self._report(address, self.fleet[name], first, last, more) for name in names)

    def _report(self, address: str, machine: Machine, first: int, last: int, more: Record) -> int:
        body: Record = {"schema": 1, "device_id": machine.id, "sent_at": self.now, "agent_version": VERSION,
                "slots": list(machine.slots(first, last)), "inventory": machine.stated(first)}  # fmt: skip
        for name, records in (extras(machine, first, last) | more).items():
            body[name] = body.get(name, []) + records if isinstance(records, list) else records
        return len(post(f"{address}/v1/reports", body, machine.credential)["refused"])


def post(url: str, body: Record, credential: str | None = None) -> Any:
    """Post JSON; ends this tool where it is refused."""
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    if credential:
        request.add_header("Authorization", f"Bearer {credential}")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise SystemExit(f"{url}: {error.read().decode()}") from error


def record(parcimetre: Path, data_dir: Path) -> None:
    """All stages, in order."""
    made = Recording(parcimetre, data_dir)
    for stage in (july, august, october, november, next_week, today):
        stage(made)
        print(f"{stage.__name__}: done")


def july(made: Recording) -> None:
    """The fleet enrols, and reports days that will be rolled up to days."""
    made.at(second("2026-07-28", 12))
    made.serve(None, "--displays", "all")
    places = (("hall", CITY, HALL, "FR"), ("room", IT, ROOM, "FR"), ("village", VILLAGE, HALL, "FR"),
              ("abroad", CITY, ABROAD, "DE"))  # fmt: skip
    for name, unit, site, zone in places:
        words = ("enrolment-secret", "create", "--org-unit", unit, "--site", site, "--zone", zone)
        made.secrets[name] = made.command(*words)["secret"]
    names = [name for name in made.fleet if name not in ("srv-1-bmc", "ws-4-again")]

    def send(address: str) -> None:
        """Everybody but those that come later."""
        made.enrol(address, names)
        made.report(address, second("2026-07-25"), made.now, names)

    made.serve(send)


def august(made: Recording) -> None:
    """Days that will be rolled up to hours; devices are merged, split, moved, retired, deleted."""
    made.at(second("2026-08-25", 12))
    names = [name for name in made.fleet if name != "ws-4"]

    def send(address: str) -> None:
        """A machine comes back under a second id, and a server is read by its BMC too."""
        made.enrol(address, ("ws-4-again", "srv-1-bmc"))
        made.report(address, second("2026-08-22"), made.now, names)

    made.serve(send)
    ids = {name: machine.id for name, machine in made.fleet.items()}
    bought = made.data_dir.with_name("bought.csv")
    bought.write_text(
        f"device,date,condition\n{ids['ws-1']},2022-03-01,new\n{ids['ws-6']},2023-05-02,reconditioned\n"
        f"{ids['srv-1']},2021-11-15,\n", encoding="utf-8",
    )  # fmt: skip
    hung = made.data_dir.with_name("outlets.csv")
    hung.write_text(
        f"feeder,outlet,device,from\n{ids['pdu-1']},outlet 1,{ids['srv-1']},\n"
        f"{ids['pdu-1']},outlet 2,{ids['srv-1']},\n{ids['pdu-1']},outlet 3,{ids['srv-2']},2026-08-01\n"
        f"{ids['sw-1']},Gi1/0/1,{ids['ap-1']},\n", encoding="utf-8",
    )  # fmt: skip
    contract = ("grid", "contract", "add", "--supplier", "Exemple Énergies", "--at-meter", "no", "--evidence",
                "GO-1", "--product")  # fmt: skip
    made.command(*contract, "Vert", "--kg-per-kwh", "0.012", "--from", "2026-01-01", "--site", HALL)
    (mix,) = made.command(*contract, "Mix", "--kg-per-kwh", "0.3", "--from", "2026-08-01", "--org-unit", IT)
    made.command("grid", "contract", "end", mix["id"], "--last-day", "2026-10-31")
    made.command("devices", "purchases", str(bought))
    made.command("outlets", "import", str(hung))
    made.command("devices", "merge", ids["ws-4-again"], ids["ws-4"])
    made.command("devices", "merge", ids["ws-2"], ids["ws-8"])
    made.command("devices", "merge", ids["ws-8"], "--undo")
    made.command("devices", "split", ids["ws-5"], "--at", "2026-08-23T08:00")
    made.command("devices", "transfer", ids["ws-3"], "--to", VILLAGE, "--from", "2026-08-24")
    made.command("devices", "retire", ids["ws-6"], "--scrapped")
    made.command("devices", "delete", ids["ws-7"], "--reason", "recorded", "--yes")
    made.command("devices", "revoke", ids["ws-8"])
    for gone in ("ws-4", "ws-6", "ws-7"):
        del made.fleet[gone]
    made.serve()


def october(made: Recording) -> None:
    """A week whose report is published, and final by the end; recipients are named."""
    made.at(second("2026-10-19", 1))
    made.command("credential-key", "rotate", "--accept-until", "2027-03-01")
    made.serve(lambda address: made.enrol(address, ("ws-5", "ws-8")))
    out = str(made.data_dir.with_name("parcimetre-out"))
    add = ("report", "schedule", "add", "--role")
    made.command(*add, "analyst", "--folder", out, "--unit", METROPOLIS, "--lang", "fr", "--format", "csv")
    made.command(*add, "viewer", "--mail", "it@example.org", "--lang", "en", "--format", "json")
    publish(made, "2026-10-16", "2026-10-19", made.fleet)


def november(made: Recording) -> None:
    """Another week; a device moves within it, and what a server took is late: the report is restated."""
    made.at(second("2026-11-11", 8))
    made.command(
        "devices", "transfer", made.fleet["ws-8"].id, "--to", VILLAGE, "--site", HALL, "--from", "2026-11-11"
    )
    publish(made, "2026-11-13", "2026-11-16", [name for name in made.fleet if name not in LATE])
    made.at(second("2026-11-17", 8))
    days = second("2026-11-13"), second("2026-11-16")
    made.serve(lambda address: made.report(address, *days, LATE))
    made.serve()


def next_week(made: Recording) -> None:
    """A third report, which compares with the one before."""
    publish(made, "2026-11-20", "2026-11-23", made.fleet)


def publish(made: Recording, first: str, monday: str, names: Iterable[str]) -> None:
    """Report days from `first` to a Monday, in the night; serve that morning, when the report is due."""
    made.at(second(monday, 1))
    days = second(first), second(monday)
    made.serve(lambda address: made.report(address, *days, names))
    made.at(second(monday, 8))
    made.serve()
    made.serve()


def today(made: Recording) -> None:
    """Open days, records that are refused, tokens, a grid's feed; old days are rolled up."""
    made.at(second("2026-11-24", 12))
    away_s = {"display_off_s": 0, "asleep_s": 0, "off_s": 0, "unknown_s": 0}
    broken = [{"start": made.now, "display_on_s": 899} | away_s,
              {"start": second("2024-01-01"), "display_on_s": 900} | away_s]  # fmt: skip

    def send(address: str) -> None:
        """Two days, and two slots that are no slots."""
        days = second("2026-11-23"), made.now
        made.report(address, *days, (name for name in made.fleet if name != "ws-1"))
        made.report(address, *days, ["ws-1"], slots=broken)

    made.serve(send)
    made.command("dead-letters", "drop", made.command("dead-letters", "list")[0]["id"])
    observed = made.data_dir.with_name("grid.csv")
    slots = range(second("2026-11-23"), made.now, SLOT_S)
    rows = (
        f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%MZ},{0.02 + at % 36_000 / 1e6:.4f}" for at in slots
    )
    observed.write_text("\n".join(["start_utc,kg_per_kwh", *rows]) + "\n", encoding="utf-8")
    made.command("grid", "import", str(observed), "--zone", "FR")
    create = ("token", "create", "--name")
    used = made.command(*create, "tableau", "--role", "analyst", "--org-unit", CITY)["token"]
    gone = made.command(*create, "former", "--role", "viewer", "--everything", "--expires", "30")
    made.command("token", "revoke", gone["id"])
    secret = ("enrolment-secret", "create", "--org-unit", CITY, "--site", HALL)
    made.command("enrolment-secret", "revoke", made.command(*secret, "--expires", "2026-12-31")["id"])
    made.serve(lambda address: read(address, used), "--keep-slots-days", "90", "--keep-hours-days", "110")
    for one in made.command("report", "schedule", "list"):
        if one["way"] == "folder":
            made.command("report", "schedule", "remove", one["id"])
    made.serve()


def read(address: str, token: str) -> None:
    """Read with a token, so that its use is noted."""
    request = Request(f"{address}/v1/footprint", headers={"Authorization": f"Bearer {token}"})
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        answer.read()


if __name__ == "__main__":
    record(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())

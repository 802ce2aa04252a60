"""Random fleets for the adversary: units, sites, devices, records, arrivals, transfers, contracts."""

import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from unittest import mock

import numpy as np
from parcimetre_agent import report
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.tokens import create_token
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint import compute
from parcimetre_server.footprint.device_footprints import cohort_footprints
from parcimetre_server.grid import supply_contracts
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch
from parcimetre_server.web.app import build

from tests.server.conftest import DAY_S, NOW, SLOT_S, TODAY, Reader

DAYS = 5
FIRST = TODAY - DAYS * DAY_S - 3600  # midnight in Paris, in winter
UNITS = ("M", "M/A", "M/B", "M/A/x", "M/A/y", "M/B/z")
SITES = {"North": "FR", "South": "FR", "East": "DE"}
PROTECTED = ("desktop", "laptop", "all_in_one")
OPEN = ("server", "printer", "network")
MOST = 13  # devices: all their subsets are tried


@dataclass
class World:
    """A collector with a random fleet, and the token of a viewer of everything."""

    context: object
    reader: Reader
    units: list[str]
    protected: set[str] = field(default_factory=set)
    first: int = FIRST
    token: str = ""


def _device(rng, i, category, first):
    """Facts of a device whose embodied impact nobody else has."""
    return report.Inventory(
        taken_at=first, category=category, virtual="none",
        system=report.System(maker="Maker", model=f"Model {rng.integers(3)}"),
        os=report.OperatingSystem("Linux", "Debian"), cpus=[report.Cpu(f"Cpu {i}", 1, 4, 8)],
        memory=[report.MemoryModule(int(rng.integers(2000, 60_000)))],
        disks=[report.Disk(int(rng.integers(10**11, 10**13)), "ssd" if rng.random() < 0.7 else "hdd")],
    )  # fmt: skip


def _slots(rng, first, arrives, measured, usual_j):
    """A record a day, on most days, of random length and energy."""
    for day in range(arrives, DAYS):
        if rng.random() < 0.15:
            continue
        awake_s = int(rng.integers(100, 900))
        joules = float(usual_j * rng.uniform(0.5, 2.0))
        energy = [report.Energy("pdu", "wall_ac", "measured", joules, 900)] if measured else []
        deciles = [awake_s, *([0] * 9)]
        at = first + day * DAY_S + int(rng.integers(96)) * SLOT_S
        yield report.Slot(at, awake_s, 0, 0, 900 - awake_s, 0, deciles, energy=energy)


def _told_apart(cohort, *about):
    """Footprints with an embodied impact that no other device has, so that sums of it say whose it is."""
    made = cohort_footprints(cohort, *about)
    factor = np.array([0.5 + np.random.default_rng(int(key, 16)).random() for key in cohort.ids])
    return replace(made, accrued=made.accrued * factor[:, None])


def _remembered():
    """What is the same for many questions, computed once for a world, which does not change."""
    known = {}

    def computed(context, query, *about):
        key = context.scope, query
        if key not in known:
            known[key] = whole(context, query, *about)
        return known[key]

    def summed(cohorts, asked, days, supply, which="all"):
        key = tuple(map(id, cohorts)), asked.names, asked.edges.tobytes(), days.edges.tobytes(), which
        if key not in known:
            known[key] = cohorts, list(sums(cohorts, asked, days, supply, which))
        return known[key][1]

    whole, sums = getattr(compute, "_compute", None), getattr(compute, "sums_of_blocks", None)
    return {"_compute": computed, "sums_of_blocks": summed} if whole and sums else {}


@contextmanager
def world(seed):
    """A world made of a seed."""
    rng = np.random.default_rng(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("parcimetre_server.base.clock.now", return_value=NOW),
        mock.patch.multiple(compute, cohort_footprints=_told_apart, **_remembered()),
    ):
        settings = Settings(Path(folder) / "data", organisation="M")
        context = open_context(settings, create=True)
        try:
            found = filled(context, rng)
            found.reader = Reader(build(context), found.token)
            yield found
        finally:
            context.store.close()


def filled(context, rng, first=FIRST):
    """A random fleet in an empty collector, with DAYS days of records from a midnight on."""
    store, then = context.store, first - 9 * DAY_S
    store.append([Fact("site", name, then, {"zone": zone}) for name, zone in SITES.items()])
    units = list(rng.choice(UNITS, int(rng.integers(2, 6)), replace=False))
    store.append([Fact("org_unit", str(path), then, {}) for path in {*UNITS}])
    n = int(rng.integers(7, MOST + 1))
    of_sites = rng.choice(list(SITES), n, p=rng.dirichlet((4, 1, 1)))
    of_units = rng.choice(units, n, p=rng.dirichlet(np.full(len(units), 1.5)))
    few = rng.choice(PROTECTED, int(rng.integers(1, 4)), replace=False)
    found = World(context, None, [str(unit) for unit in UNITS], first=first)
    measured_share = rng.choice((0.2, 0.5, 0.9))
    for i in range(n):
        category = str(rng.choice(few)) if i % 6 or rng.random() < 0.4 else OPEN[i // 6]
        key = DeviceId(f"{i:032x}")
        made = _device(rng, i, category, first)
        arrives = int(rng.integers(1, DAYS)) if rng.random() < 0.15 else 0
        usual_j = float(rng.lognormal(11, 0.7)) * (20 if rng.random() < 0.05 else 1)
        slots = list(_slots(rng, first, arrives, rng.random() < measured_share, usual_j))
        slots = slots or list(_slots(np.random.default_rng(1), first, arrives, False, usual_j))
        body = {
            "category": category, "org_unit": str(of_units[i]), "site": str(of_sites[i]),
            "hostname": f"host{i}", "simulated": False, "virtual": "none", "install_id": key,
            "enrolled_at": slots[0].start, "agent_version": "0.1.0",
        }  # fmt: skip
        facts = [Fact("device", key, then, body), Fact("inventory", key, then, asdict(made))]
        store.write([WriteBatch(key, slots, facts)])
        if category in PROTECTED:
            found.protected.add(key)
        if rng.random() < 0.15:
            at = first + int(rng.integers(1, DAYS)) * DAY_S
            body = {"org_unit": str(rng.choice(units)), "site": str(of_sites[i]), "at": at}
            store.append([Fact("transfer", key, context.now(), body)])
        if rng.random() < 0.15:
            retire(store, key, first + int(rng.integers(1, DAYS)) * DAY_S, scrapped=bool(rng.random() < 0.3))
    if rng.random() < 0.6:
        one = {"supplier": "S", "product": "P", "kg_per_kwh": "0.02", "at_meter": "yes", "evidence": "E",
               "from": "2026-01-01"}  # fmt: skip
        place = {"site": "South"} if rng.random() < 0.5 else {"org_unit": str(units[0])}
        supply_contracts.add_contracts(store, [{**one, **place}], context.zone, context.now())
    token = create_token(context, "v", "viewer", None)[1]
    found.token = token
    return found

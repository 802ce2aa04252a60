"""One device's data, whatever it is, takes no answer away from the others."""

import json
import math

import pytest
from click.testing import CliRunner
from fastapi.routing import APIRoute
from parcimetre_agent import report
from parcimetre_server.analysis.fleet_metrics import fleet_state
from parcimetre_server.analysis.left_out import all_left_out
from parcimetre_server.cli import parcimetre
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.fleet.rekeying import rekey_store
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch
from parcimetre_server.web.app import routers

from tests.server.conftest import DAY_S, NOW, SLOT_S, TODAY, enrolled, inventory, slot

HUGE = 10**400
HOSTILE, MONITOR = DeviceId("e" * 32), "f" * 32
UNIT = "Métropole/Ville"
DISPLAY = {"maker": "DEL", "product": "a0b1", "built_in": False, "serial_hash": "5" * 64}
COST = {"cpu_s": 1.0, "peak_rss_mib": 20.0, "bytes_sent": 1000, "period_s": 3600.0, "agent": "0.1.0"}


def changed(kind, key=HOSTILE, **fields):
    """Return what makes a fact of the device hostile: fields of its body to set, or to drop where None."""
    return kind, key, fields


BODIES = {
    "memory": changed("inventory", memory=[{"size_mib": HUGE}, {"size_mib": 8192}]),
    "memory as a fraction": changed("inventory", memory=[{"size_mib": 1e308}]),
    "disk": changed("inventory", disks=[{"size_bytes": HUGE, "kind": "ssd"}]),
    "display": changed("inventory", displays=[DISPLAY | {"width_mm": HUGE, "height_mm": 1}]),
    "processor": changed("inventory", cpus=[{"model": "x", "units": HUGE}]),
    "battery": changed("inventory", batteries=[{"design_mwh": HUGE}]),
    "no system": changed("inventory", system=None),
    "no operating system": changed("inventory", os=None),
    "time of the inventory": changed("inventory", taken_at="yesterday"),
    "outcomes": changed("inventory", outcomes=[5, {"state": 1}]),
    "list of nothing": changed("inventory", memory=[None], displays={"a": 1}),
    "time of enrolment": changed("device", enrolled_at="yesterday"),
    "late enrolment": changed("device", enrolled_at=HUGE),
    "no unit": changed("device", org_unit=None),
    "unit of another type": changed("device", org_unit=7),
    "no site": changed("device", site=None),
    "name of another type": changed("device", hostname=5),
    "no category": changed("device", category=None),
    "no version": changed("device", agent_version=None),
    "time of retirement": changed("device", retired_at="yesterday"),
    "no virtual": changed("device", virtual=None),
    "purchase": changed("purchase", at=HUGE),
    "purchase of another type": changed("purchase", at="yesterday"),
    "purchase without a time": changed("purchase", surprise=1),
    "short period": changed("self_cost", **COST | {"period_s": 1e-308}),
    "much processor time": changed("self_cost", **COST | {"cpu_s": 1e308, "sum_period_s": 1e-308}),
    "cost of another type": changed("self_cost", **COST | {"cpu_s": "much"}),
    "no cost": changed("self_cost", period_s=3600.0),
    "losses": changed("losses", dropped="many"),
    "huge losses": changed("losses", dropped=HUGE, coarsened=0, refused=0, damaged=0, set_aside=[]),
    "reading": changed("printing", at="yesterday", impressions=1),
    "huge reading": changed("printing", at=NOW, impressions=HUGE),
    "attached": changed("attached", at="yesterday", monitors=[MONITOR]),
    "attached to nothing": changed("attached", at=NOW, monitors=5),
    "monitor": changed("monitor", MONITOR, display=DISPLAY | {"width_mm": HUGE}, since=1, machines=[HOSTILE]),
    "monitor without machines": changed("monitor", MONITOR, display=DISPLAY, since=NOW, machines=5),
    "transfer": changed("transfer", org_unit=UNIT, site="x", at="tomorrow"),
    "transfer to a number": changed("transfer", org_unit=7, site="x", at=NOW),
    "lineage": changed("lineage", pieces=5, into=None),
    "outlet": changed("outlet", "9" * 32, feeder=HOSTILE, outlet=5, scope=1, source=None, since="now"),
    "outlet of nobody": changed("outlet", "9" * 32, outlet="1"),
}  # fmt: skip


def facts(kind, key, fields):
    """Return the facts of a device that is as it should be, but for one."""
    made = inventory("printer" if kind == "printing" else "mini_pc")  # no other device is one
    found = {(fact.kind, fact.key): fact for fact in enrolled(HOSTILE, made.category, UNIT, made)}
    body = dict(found[kind, key].body) if (kind, key) in found else {}
    body = {name: value for name, value in {**body, **fields}.items() if value is not None or name == "into"}
    found[kind, key] = Fact(kind, key, TODAY - DAY_S, body)
    return list(found.values())


def appear(store, *hostile, slots=None):
    """Write the hostile device to the store, with a day of records."""
    day = [slot(start) for start in range(TODAY - DAY_S, TODAY, SLOT_S)]
    store.write([WriteBatch(HOSTILE, day if slots is None else slots, list(hostile))])


def rows(reader, **query):
    """Return the footprint of each device but the hostile one, and who is left out."""
    asked = {"group_by": "device", "from": TODAY - 3600 - 8 * DAY_S} | query
    answer = reader.get("/v1/footprint", params=asked)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    others = [row | {"extrapolated": None} for row in told["rows"]]  # missing time is like that of others
    return {row["group"]: row for row in others if row["group"] not in (HOSTILE, MONITOR)}, told


def agree(before, after):
    """Return whether figures are the same, but for the order of sums."""
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(agree(before[name], after[name]) for name in before)
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=1e-9)
    return before == after


CORE = ("/", "/devices", "/devices.csv", "/agents", "/v1/agents", "/v1/devices", "/reports/weekly/2026-W48",
        "/v1/reports/weekly/2026-W48?format=json", "/v1/printing", "/v1/outlets", "/metrics", "/explain",
        "/v1/explain")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("hostile", BODIES.values(), ids=BODIES)
def test_a_hostile_body_changes_no_figure_of_another_device(fleet, reader, hostile):
    before, _ = rows(reader)
    appear(fleet.context.store, *facts(*hostile))
    after, told = rows(reader)
    assert agree(before, after)
    for path in CORE:
        answer = reader.get(path)
        assert answer.status_code == 200, (path, answer.text[:300])
        assert "NaN" not in answer.text, path
    known = {row["group"] for row in told["rows"]} | {one["device"] for one in told["left_out"]}
    known |= {one.device for one in all_left_out(fleet.context)}
    assert {HOSTILE, MONITOR, "9" * 32} & known


def test_a_device_with_hostile_facts_is_named_and_the_others_are_counted(fleet, reader):
    before, _ = rows(reader)
    appear(fleet.context.store, *facts(*BODIES["time of enrolment"]))
    after, told = rows(reader)
    assert agree(before, after)
    assert [one["device"] for one in told["left_out"]] == [HOSTILE]
    assert HOSTILE in reader.get("/").text
    assert HOSTILE in reader.get("/devices").text
    weekly = reader.get("/v1/reports/weekly/2026-W48?format=json").json()
    assert [one["device"] for one in weekly["left_out"]] == [HOSTILE]
    assert reader.get(f"/devices/{HOSTILE}").status_code == 422


def test_records_beyond_all_bounds_leave_out_their_device_alone(fleet, reader):
    before, _ = rows(reader)
    absurd = [report.Energy("pdu", "wall_ac", "measured", 1e308, 900)]
    appear(
        fleet.context.store,
        *enrolled(HOSTILE, "mini_pc", UNIT, inventory("mini_pc")),
        slots=[slot(start, absurd) for start in range(TODAY - DAY_S, TODAY, SLOT_S)],
    )
    after, told = rows(reader)
    assert agree(before, after)
    assert [one["device"] for one in told["left_out"]] == [HOSTILE]


def test_an_item_that_an_earlier_release_stored_is_left_out_alone(fleet, reader):
    appear(fleet.context.store, *facts(*BODIES["memory"]))
    _, told = rows(reader)
    assert HOSTILE in {row["group"] for row in told["rows"]}
    assert told["left_out"] == []
    page = reader.get(f"/devices/{HOSTILE}")
    assert page.status_code == 200
    assert "memory[0].size_mib" in page.text


@pytest.mark.slow
def test_no_route_fails_with_every_hostile_body_at_once(fleet, reader):
    _appear_all(fleet.context.store)
    routes = [route for router in routers() for route in router.routes if isinstance(route, APIRoute)]
    for route in routes:
        if "GET" not in route.methods or route.path.startswith("/login"):
            continue
        for i in range(len(BODIES)) if "device" in route.path or "{id}" in route.path else [0]:
            path = route.path
            places = {"week": "2026-W48", "zone": "FR", "name": "parcimetre.css", "device_id": f"{i:032x}",
                      "id": f"{i:032x}"}  # fmt: skip
            for name, value in places.items():
                path = path.replace(f"{{{name}}}", value)
            answer = reader.get(path)
            assert answer.status_code < 500, (path, answer.text[:300])
    before, _ = rows(reader)
    assert {fleet.laptop, fleet.server, fleet.guest} <= before.keys()


@pytest.mark.slow
def test_enrolment_and_the_start_of_a_collector_go_on_with_every_hostile_body(fleet, reader):
    _appear_all(fleet.context.store)
    rekey_store(fleet.context)
    _, text = create_secret(fleet.context, UNIT)
    hardware = {"install_id": "7" * 32, "virtual": "none", "fingerprint": "6" * 64}
    body = {"schema": 2, "secret": text, "hardware": hardware, "category": "laptop", "agent_version": "1"}
    answer = reader.post("/v1/enrol", json=body)
    assert answer.status_code == 200, answer.text
    assert fleet_state(fleet.context).in_service


def _appear_all(store):
    """Write a device for each hostile body, and a record of each."""
    for i, (kind, key, fields) in enumerate(BODIES.values()):
        own = DeviceId(f"{i:032x}")
        for fact in facts(kind, key, fields):
            renamed = json.loads(json.dumps(fact.body).replace(HOSTILE, own).replace(MONITOR, f"f{i:031x}"))
            name = own if fact.key == HOSTILE else f"f{i:031x}"
            appear_as(store, own, Fact(fact.kind, name, fact.recorded_at, renamed))


def appear_as(store, device, fact):
    """Write a fact of a hostile device, and a record."""
    store.write([WriteBatch(device, [slot(TODAY - DAY_S)], [fact])])


@pytest.mark.slow
@pytest.mark.parametrize("hostile", ["memory", "time of enrolment", "no unit", "short period"])
def test_commands_answer_and_doctor_names_the_device(fleet, hostile):
    appear(fleet.context.store, *facts(*BODIES[hostile]))
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    for asked in (
        ["footprint", *folder, "--json"],
        ["footprint", *folder, "--group-by", "device"],
        ["devices", *folder],
        ["devices", "list", *folder, "--json"],
        ["explain", *folder, "--org-unit", "Métropole", "--json"],
        ["report", "weekly", "2026-W48", *folder, "--format", "json"],
        ["outlets", *folder],
        ["sql", *folder, "select * from devices"],
    ):
        answer = CliRunner().invoke(parcimetre, asked)
        if asked[:2] == ["devices", "list"]:
            continue
        assert answer.exit_code == 0, (asked, answer.output, answer.exception)
    told = CliRunner().invoke(parcimetre, ["doctor", *folder, "--json"])
    assert HOSTILE in told.output

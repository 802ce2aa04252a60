"""Servers that report by themselves and by a gateway: one machine, which is counted once."""

from dataclasses import asdict, replace

import pytest
from parcimetre_agent import report
from parcimetre_server.analysis.device_list import list_devices as listed
from parcimetre_server.base.periods import Span
from parcimetre_server.fleet import merging
from parcimetre_server.fleet.devices import device, devices
from parcimetre_server.fleet.server_twins import join_servers
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.organisation import audit
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ..conftest import DAY_S, NOW, SLOT_S, TODAY, enrolled, inventory, slot

OWN, RELAYED, OTHER = DeviceId("1" * 32), DeviceId("2" * 32), DeviceId("3" * 32)
UNIT, GATEWAY = "Métropole/DSI", "9" * 32
WEEK = Span(TODAY - 7 * DAY_S, TODAY)
SERIAL = "5e" * 32


def machine(device_id, serial=SERIAL, unit=UNIT, energy=(), **about):
    """A server with a day of slots; with `relayed_by` it is one that a gateway tells of."""
    made = inventory("server", model="PowerEdge R640")
    made = replace(made, system=replace(made.system, serial_hash=serial))
    if about.pop("by_bmc", False):
        outcome = report.SensorOutcome("gateway.reach", "failed", "no answer")
        made = replace(made, os=report.OperatingSystem("none"), outcomes=[outcome])
    slots = [slot(start, energy) for start in range(TODAY - DAY_S, TODAY, SLOT_S)]
    facts = enrolled(device_id, "server", unit, made, **{"hostname": None, "simulated": False} | about)
    return WriteBatch(device_id, slots, facts)


@pytest.fixture
def twice(empty):
    """A server that reports by itself, then by its BMC too; which differ as a test wants."""
    empty.store.append([Fact("site", "Hôtel de Ville", TODAY - 9 * DAY_S, {"zone": "FR"})])
    wall = [report.Energy("bmc_redfish", "wall_ac", "measured", 180_000.0, 900)]

    def write(*more, **of_relayed):
        empty.store.write(
            [
                machine(OWN, hostname="db-1"),
                machine(RELAYED, energy=wall, by_bmc=True, **of_relayed),
                *more,
            ]
        )
        return empty

    return write


def total(context):
    return compute_footprint(context, FootprintQuery(WEEK)).total()


@pytest.mark.parametrize("gateway", [None, GATEWAY])
def test_a_server_that_both_tell_of_becomes_one_and_is_counted_once(twice, gateway):
    context = twice(relayed_by=gateway)
    alone = {
        key: compute_footprint(context, FootprintQuery(WEEK, device=key)).total() for key in (OWN, RELAYED)
    }
    assert total(context).value == pytest.approx(sum(one.value for one in alone.values()))
    assert join_servers(context) == 1
    after = total(context)
    assert set(devices(context.store)) == {OWN}
    assert after.energy_kwh <= max(one.energy_kwh for one in alone.values()) * 1.0001
    stages = {row.group: row.value for row in compute_footprint(context, FootprintQuery(WEEK)).rows("stage")}
    one = {
        row.group: row.value
        for row in compute_footprint(context, FootprintQuery(WEEK, device=OWN)).rows("stage")
    }
    assert stages == pytest.approx(one)
    assert join_servers(context) == 0


def test_the_joined_server_is_described_by_its_own_agent(twice):
    context = twice(enrolled_at=NOW)
    context.store.append(
        [Fact("inventory", RELAYED, NOW, context.store.latest_of("inventory", RELAYED).body)]
    )
    join_servers(context)
    found = device(context.store, OWN)
    assert (found.name, found.relayed_by, found.inventory.os.name) == ("db-1", None, "Linux")
    told = [(one.sensor, one.detail) for one in found.inventory.outcomes]
    assert told == [("gateway.reach", "no answer")]


def test_the_act_is_in_the_audit_log_and_who_undoes_it_is_not_contradicted(twice):
    context = twice()
    join_servers(context)
    acts = [(one.act, one.who) for one in audit.entries(context.store, RELAYED)]
    assert acts == [("devices merged", "collector")]
    merging.unmerge(context.store, RELAYED, NOW)
    assert join_servers(context) == 0
    assert set(devices(context.store)) == {OWN, RELAYED}


@pytest.mark.parametrize(
    ("more", "of_relayed"),
    [
        ((), {"unit": "Métropole/Ville"}),
        ((), {"serial": "0f" * 32}),
        ((), {"serial": None}),
        ((), {"simulated": True}),
        ((), {"retired_at": NOW}),
        ((machine(OTHER),), {}),
        ((machine(OTHER, by_bmc=True, relayed_by=GATEWAY),), {}),
    ],
    ids=["other unit", "other serial", "no serial", "simulated", "retired", "two agents", "two BMCs"],
)
def test_what_is_not_one_machine_without_a_doubt_is_left_to_people(more, of_relayed, twice):
    context = twice(*more, **of_relayed)
    before = set(devices(context.store))
    assert join_servers(context) == 0
    assert set(devices(context.store)) == before


def test_those_of_two_org_units_are_in_the_list_of_duplicates_with_the_command(twice, client_of):
    context = twice(unit="Métropole/Ville")
    found = {one.device.id: one.twins for one in listed(context, FootprintQuery(WEEK))}
    assert found == {OWN: (RELAYED,), RELAYED: (OWN,)}
    page = client_of(context).get("/devices?list=duplicate").text
    assert f"parcimetre devices merge {OWN[:12]} {RELAYED[:12]}" in page
    assert f"parcimetre devices merge {RELAYED[:12]}" not in page


def test_nodes_of_one_chassis_that_report_themselves_are_no_duplicates(twice):
    context = twice(machine(OTHER), serial="0f" * 32)
    assert {one.twins for one in listed(context, FootprintQuery(WEEK))} == {()}


def test_a_fleet_without_relayed_servers_is_left_alone(fleet):
    before = asdict(device(fleet.context.store, fleet.server))
    assert join_servers(fleet.context) == 0
    assert asdict(device(fleet.context.store, fleet.server)) == before

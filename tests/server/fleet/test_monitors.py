"""Monitors as devices of their own: known again wherever they go, each slot counted once."""

import json
import math
from dataclasses import asdict, replace
from datetime import date

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_agent import report
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_server.access.presence import day_of
from parcimetre_server.analysis.agent_health import fleet_agents
from parcimetre_server.analysis.device_summary import monitor_drivers
from parcimetre_server.base.periods import Span
from parcimetre_server.cli.devices import command
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.fleet.devices import devices
from parcimetre_server.fleet.displays import facts, monitors
from parcimetre_server.fleet.joins import decide, waiting
from parcimetre_server.fleet.merging import merge
from parcimetre_server.fleet.monitors import claims, of_device, spans
from parcimetre_server.fleet.monitors_at_home import not_counted, settle, store_displays_rule
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.compute import compute_footprint, footprint_rows
from parcimetre_server.footprint.contributions import GROUPINGS
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.org_unit import explain_unit
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.organisation.transfers import BadTransfer, Placement, transfer
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ..conftest import DAY_S, NOW, SLOT_S, TODAY, enrolled, inventory

MONDAY = TODAY - 8 * DAY_S  # 2026-11-16
FIRST, SECOND = DeviceId("1" * 32), DeviceId("2" * 32)
DESK = report.Display(
    "DEL", "a0d4", built_in=False, name="DELL P2419H", week=12, year=2020, width_mm=527, height_mm=296,
    serial_hash="5" * 64,
)  # fmt: skip
NAMELESS = replace(DESK, serial_hash=None)
PANEL = report.Display("LEN", "40a9", built_in=True, width_mm=309, height_mm=174)


def at(day, hour):
    """A time of the fixture's week, Monday being day 0, in Paris's winter."""
    return MONDAY + day * DAY_S + (hour - 1) * 3600


def lit(first, last, on_s=900):
    """Slots between two times with the display on, else off."""
    return [report.Slot(s, on_s, 900 - on_s, 0, 0, 0) for s in range(first, last, SLOT_S)]


def quiet(first, last):
    """Slots between two times with the machine off."""
    return [report.Slot(s, 0, 0, 0, 900, 0) for s in range(first, last, SLOT_S)]


class Desk:
    """Machines in a store, and what they show."""

    def __init__(self, context):
        self.context, self.store = context, context.store

    def machine(self, key, org_unit="Ville/DSI", category="desktop"):
        """A machine that enrolled."""
        made = inventory(category)
        self.store.append(enrolled(key, category, org_unit, made, hostname=f"pc-{key[0]}"))

    def shows(self, key, second, *displays, category="desktop", **about):
        """An inventory arrives; an admin approves a monitor of another org unit at once."""
        made = replace(inventory(category, displays=list(displays), **about), taken_at=second)
        self.store.append(list(facts(key, made, self.store, second)))
        for join in waiting(self.store):
            decide(self.store, join, "approve", second)

    def did(self, key, *slots):
        """Slots arrive."""
        self.store.write([WriteBatch(key, [slot for some in slots for slot in some])])

    @property
    def monitors(self):
        """The monitors by id."""
        return {key: found for key, found in devices(self.store).items() if found.driven_by}

    @property
    def only(self):
        """The one monitor."""
        (found,) = self.monitors.values()
        return found


@pytest.fixture
def desk(empty):
    """A store with two machines and no display yet."""
    empty.store.append([Fact("site", "Hôtel de Ville", TODAY - 9 * DAY_S, {"zone": "FR"})])
    made = Desk(empty)
    made.machine(FIRST)
    made.machine(SECOND, "Ville/Mairie")
    return made


WEEK = Span(MONDAY, MONDAY + 7 * DAY_S)


def rows(desk, group_by="device", **about):
    return {
        row.group: row
        for row in compute_footprint(desk.context, FootprintQuery(WEEK, **about)).rows(group_by)
    }


def test_a_display_moved_between_two_machines_is_one_device_and_each_half_is_told_by_its_machine(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.shows(FIRST, at(2, 12))
    desk.shows(SECOND, at(2, 13), DESK)
    desk.did(FIRST, *(lit(at(day, 8), at(day, 18)) for day in range(5)))
    desk.did(SECOND, *(lit(at(day, 8), at(day, 18)) for day in range(5)))
    told = of_device(desk.store, desk.only, WEEK)
    assert told.activity.display_on_s.sum() == (4 + 20 + 25) * 3600
    assert told.names(told.activity.start < at(2, 12)) == (FIRST,)
    assert told.names(told.activity.start >= at(2, 12)) == (SECOND,)
    assert (desk.only.org_unit, desk.only.driven_by) == ("Ville/Mairie", SECOND)


def test_two_machines_that_claim_a_display_at_once_count_it_once_as_the_one_that_lit_it_longer(desk):
    for key in (FIRST, SECOND):
        desk.shows(key, at(0, 8), DESK)
    desk.did(FIRST, lit(at(0, 8), at(0, 10), on_s=600))
    desk.did(SECOND, lit(at(0, 8), at(0, 9), on_s=300), lit(at(0, 9), at(0, 10)))
    told = of_device(desk.store, desk.only, WEEK)
    assert told.activity.display_on_s.tolist() == [600.0] * 4 + [900.0] * 4
    assert told.activity.covered_s.tolist() == [900.0] * 8


def test_a_kvm_switch_that_flaps_never_counts_a_slot_twice(desk):
    for hour in range(8, 18):
        on, off = (FIRST, SECOND) if hour % 2 else (SECOND, FIRST)
        desk.shows(off, at(0, hour))
        desk.shows(on, at(0, hour), DESK)
    for key in (FIRST, SECOND):
        desk.did(key, lit(at(0, 8), at(0, 18)))
    told = of_device(desk.store, desk.only, WEEK)
    assert len(desk.monitors) == 1
    assert told.activity.display_on_s.sum() == 10 * 3600
    assert len(set(told.activity.start.tolist())) == len(told.activity.start)
    assert set(told.names(told.activity.start > 0)) == {FIRST, SECOND}


def test_a_display_stands_by_while_its_machine_is_off_and_has_no_record_while_nobody_shows_it(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.shows(FIRST, at(1, 8))
    desk.did(FIRST, lit(at(0, 8), at(0, 18)), quiet(at(0, 18), at(1, 8)), lit(at(1, 8), at(1, 18)))
    activity = of_device(desk.store, desk.only, WEEK).activity
    assert activity.asleep_s.sum() == 14 * 3600
    assert activity.start.max() < at(1, 8)


def test_displays_without_a_serial_number_are_told_apart_by_their_place_on_their_machine():
    made = inventory("desktop", displays=[NAMELESS, NAMELESS])
    assert len(monitors(FIRST, made)) == 2
    assert not set(monitors(FIRST, made)) & set(monitors(SECOND, made))
    assert set(monitors(FIRST, replace(made, displays=[NAMELESS]))) < set(monitors(FIRST, made))


def test_two_displays_with_the_same_serial_number_on_one_machine_are_two():
    assert len(monitors(FIRST, inventory("desktop", displays=[DESK, DESK]))) == 2


def test_a_display_without_a_serial_number_leaves_service_when_it_is_unplugged_and_comes_back(desk):
    desk.shows(FIRST, at(0, 8), NAMELESS)
    desk.shows(FIRST, at(1, 8))
    assert desk.only.retired_at == at(1, 8)
    desk.shows(FIRST, at(2, 8), NAMELESS)
    assert desk.only.retired_at is None


def test_a_display_with_a_serial_number_stays_in_service_when_it_is_unplugged(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.shows(FIRST, at(1, 8))
    assert desk.only.retired_at is None


@pytest.mark.parametrize(
    ("category", "displays", "virtual"),
    [
        ("laptop", [PANEL], "none"),
        ("all_in_one", [PANEL], "none"),
        ("all_in_one", [replace(PANEL, built_in=False)], "none"),
        ("virtual_machine", [DESK], "kvm"),
        ("server", [], "none"),
    ],
    ids=("laptop", "all-in-one", "all-in-one that hides it", "virtual machine", "none"),
)
def test_a_built_in_or_drawn_display_is_no_monitor(desk, category, displays, virtual):
    desk.shows(FIRST, at(0, 8), *displays, category=category, virtual=virtual)
    assert not desk.monitors


def test_the_display_beside_an_all_in_one_is_a_monitor(desk):
    desk.shows(FIRST, at(0, 8), PANEL, DESK, category="all_in_one")
    assert desk.only.name.startswith("Dell P2419H")


def test_displays_that_could_not_be_read_change_nothing(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    made = replace(
        inventory("desktop"), outcomes=[report.SensorOutcome("inventory.displays", "failed", "no")]
    )
    assert not list(facts(FIRST, made, desk.store, at(1, 8)))


def test_an_inventory_that_shows_the_same_displays_says_nothing_new(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.shows(FIRST, at(1, 8), DESK)
    assert len(desk.store.history("attached")) == 1
    assert len(desk.store.history("monitor")) == 1


def test_a_machine_that_was_lost_when_two_reported_at_once_is_named_by_its_next_inventory(desk):
    made = replace(inventory("desktop", displays=[DESK]), taken_at=at(0, 8))
    both = [fact for key in (FIRST, SECOND) for fact in facts(key, made, desk.store, at(0, 8))]
    desk.store.append(both)
    assert desk.only.drivers == (SECOND,)
    desk.shows(FIRST, at(1, 8), DESK)
    assert set(desk.only.drivers) == {FIRST, SECOND}


def lit_for(desk, hours, key=FIRST, day=0):
    """The display is lit for so many working hours, from 8 o'clock on weekdays."""
    desk.shows(key, at(day, 8), DESK)
    while hours > 0:
        today = min(hours, 10)
        desk.did(key, lit(at(day, 8), at(day, 8) + round(today * 3600)))
        hours, day = hours - today, day + 1


@pytest.mark.parametrize(("hours", "counts"), [(19.75, False), (20, True)])
def test_a_display_that_one_machine_saw_counts_from_twenty_working_hours_on(desk, hours, counts):
    lit_for(desk, hours)
    assert (desk.only.id in rows(desk)) is counts
    assert not_counted(desk.context, [desk.only]) == ({} if counts else {desk.only.id: "seen_at_home"})


def test_evenings_and_weekends_are_no_working_hours(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.did(FIRST, *(lit(at(day, 18), at(day, 24)) for day in range(5)), lit(at(5, 0), at(7, 0)))
    assert not_counted(desk.context, [desk.only]) == {desk.only.id: "seen_at_home"}


def test_a_display_that_two_machines_saw_is_the_fleet_s(desk):
    lit_for(desk, 1)
    lit_for(desk, 1, SECOND, day=1)
    assert desk.only.id in rows(desk)


@pytest.mark.parametrize(("rule", "hours", "counts"), [("all", 1, True), ("none", 30, False)])
def test_the_operator_chooses_whether_displays_count(desk, rule, hours, counts):
    lit_for(desk, hours)
    desk.context = replace(desk.context, settings=replace(desk.context.settings, displays=rule))
    assert (desk.only.id in rows(desk)) is counts


def test_commands_count_by_the_rule_that_was_served_with(desk):
    lit_for(desk, 1)
    store_displays_rule(replace(desk.context, settings=replace(desk.context.settings, displays="all")))
    assert desk.only.id in rows(desk)


def test_what_was_once_known_to_be_the_fleet_s_is_not_looked_at_again(desk):
    lit_for(desk, 20)
    assert settle(desk.context) == 1
    assert settle(desk.context) == 0
    assert desk.store.latest("monitor")[desk.only.id].body["settled"]
    desk.shows(SECOND, at(4, 12), DESK)
    assert desk.store.latest("monitor")[desk.only.id].body["settled"]


def test_one_day_of_a_monitor_worked_by_hand(desk):
    """Dell P2419H, 35.8 kWh a year on its sheet: (35.8 / 8.76 - 0.65 x 0.3) / 0.35 W on, 0.3 W in standby."""
    desk.shows(FIRST, at(0, 0), DESK)
    desk.shows(SECOND, at(0, 0), DESK)
    desk.did(FIRST, quiet(at(0, 0), at(0, 8)), lit(at(0, 8), at(0, 16)), quiet(at(0, 16), at(1, 0)))
    day = Span(at(0, 0), at(1, 0))
    on_w = (35.8 / 8.76 - 0.65 * 0.3) / 0.35
    (row,) = footprint_rows(desk.context, FootprintQuery(day, device=desk.only.id))
    assert row.energy_kwh == pytest.approx((8 * on_w + 16 * 0.3) / 1000, rel=1e-9)
    made = compute_footprint(desk.context, FootprintQuery(day, device=desk.only.id)).rows("stage")
    by_stage = {stage.group: stage.value for stage in made}
    year_s = 365.25 * DAY_S
    assert by_stage[Stage.MANUFACTURING] == pytest.approx(392.385 / 6.6 * DAY_S / year_s, rel=1e-9)
    assert (row.coverage, row.measured_share) == (1.0, 0.0)


def test_the_tree_of_a_monitor_gives_its_figure_and_names_the_machines_that_told_it(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.shows(FIRST, at(1, 8))
    desk.shows(SECOND, at(1, 8), DESK)
    for day, key in enumerate((FIRST, SECOND)):
        desk.did(key, lit(at(day, 8), at(day, 18)))
    explained = explain_device(desk.context, desk.only.id, WEEK, Criterion.GWP)
    assert explained.term.value == pytest.approx(rows(desk)[desk.only.id].value, rel=1e-12)
    tellers = {term.detail for term in walk(explained.term) if term.label == "time"}
    assert tellers == {"pc-1", "pc-2"}


def test_an_org_unit_s_tree_holds_its_monitors(desk):
    lit_for(desk, 20)
    explained = explain_unit(desk.context, "Ville", WEEK, Criterion.GWP)
    assert desk.only.id in {term.ref for term in explained.term.inputs}


def test_a_monitor_belongs_where_its_machine_does_though_another_unit_s_machine_told_its_slots(desk):
    lit_for(desk, 30)
    desk.shows(FIRST, at(3, 8))
    desk.shows(SECOND, at(3, 8), DESK)
    desk.did(SECOND, lit(at(3, 8), at(3, 9)))
    found = rows(desk, org_unit="Ville/Mairie")
    assert set(found) == {SECOND, desk.only.id}
    assert found[desk.only.id].energy_kwh == pytest.approx(rows(desk)[desk.only.id].energy_kwh)


def test_a_monitor_s_span_is_that_of_its_claims(desk):
    desk.shows(FIRST, at(0, 9), DESK)
    desk.did(FIRST, lit(at(0, 8), at(0, 12)))
    assert spans(desk.store, [desk.only])[desk.only.id] == (at(0, 9), at(0, 12) - SLOT_S)


def test_a_monitor_can_be_retired(desk):
    lit_for(desk, 20)
    retire(desk.store, desk.only.id, NOW)
    assert desk.only.retired_at == NOW


@pytest.mark.parametrize("group_by", GROUPINGS)
def test_groups_add_up_to_the_total_with_monitors_in_them(desk, group_by):
    lit_for(desk, 30)
    found = compute_footprint(desk.context, FootprintQuery(WEEK))
    total = found.total()
    assert math.fsum(row.value or 0.0 for row in found.rows(group_by)) == pytest.approx(total.value, rel=1e-9)
    assert math.fsum(row.energy_kwh for row in found.rows(group_by)) == pytest.approx(total.energy_kwh)


MOVES = st.lists(
    st.tuples(st.sampled_from([FIRST, SECOND]), st.integers(0, 6 * 24), st.booleans(), st.booleans()),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_whatever_moves_where_no_slot_counts_twice_and_devices_add_up(empty, tmp_path_factory, moves):
    folder = tmp_path_factory.mktemp("moves")
    asked = replace(
        empty, settings=replace(empty.settings, displays="all"), store=open_store(folder, create=True)
    )
    desk = Desk(asked)
    for key in (FIRST, SECOND):
        desk.machine(key)
        desk.did(key, lit(at(0, 8), at(3, 8)))
    for key, hour, one, other in sorted(moves, key=lambda move: move[1]):
        shown = [display for display, there in ((DESK, one), (NAMELESS, other)) if there]
        desk.shows(key, at(0, hour), *shown)
    found = compute_footprint(asked, FootprintQuery(WEEK))
    for figure in found.single_devices:
        assert (figure.covered_s <= 3 * DAY_S).all()
    assert math.fsum(row.value for row in found.rows("device")) == pytest.approx(
        found.total().value, rel=1e-9
    )


def test_claims_of_a_machine_do_not_overlap(desk):
    for hour in range(8, 12):
        desk.shows(FIRST, at(0, hour), *([DESK] if hour % 2 else []))
    (held,) = claims(desk.store, [desk.only]).values()
    assert [(claim.first, claim.last) for claim in held[:1]] == [(at(0, 9), at(0, 10))]


def test_a_report_s_inventory_makes_its_displays_devices(desk):
    made = replace(inventory("desktop", displays=[DESK, DESK]), taken_at=NOW)
    sent = asdict(report.Report(1, FIRST, NOW, "0.1.0", inventory=made))
    arrival = accept_report(json.dumps(sent).encode(), FIRST, desk.store, NOW).arrival
    desk.store.write([arrival])
    assert {monitor.driven_by for monitor in desk.monitors.values()} == {FIRST}
    assert len(desk.monitors) == 2


def test_the_api_tells_what_drove_a_monitor_and_why_it_is_not_counted(desk, client_of):
    lit_for(desk, 1)
    reader = client_of(desk.context)
    (listed,) = reader.get("/v1/devices", params={"category": "monitor"}).json()["items"]
    told = reader.get(f"/v1/devices/{listed['id']}").json()
    midnight = day_of(at(0, 8), desk.context.zone)
    assert (listed["not_counted"], listed["first_slot"]) == ("seen_at_home", midnight)
    assert told["drivers"] == [{"id": FIRST, "name": "pc-1", "first": midnight, "last": None}]
    assert told["agent"] is None


def test_pages_show_a_monitor_with_its_machines_and_those_that_are_left_out(desk, client_of):
    lit_for(desk, 1)
    reader = client_of(desk.context)
    page = reader.get(f"/devices/{desk.only.id}").text
    assert "This display is excluded from totals: not counted (seen at home)." in page
    assert f'<a href="/devices/{FIRST}">pc-1</a>' in page
    assert f'<a href="/devices/{desk.only.id}">{desk.only.name}</a>' in reader.get("/").text


def test_a_monitor_is_no_agent(desk):
    lit_for(desk, 1)
    assert {agent.device for agent in fleet_agents(desk.context).agents} == {FIRST, SECOND}


def test_the_command_lists_monitors_with_their_state(desk, monkeypatch):
    lit_for(desk, 1)
    monkeypatch.setenv("COLUMNS", "200")
    words = ["--category", "monitor", "--data-dir", str(desk.context.settings.data_dir)]
    answer = CliRunner().invoke(command, words, env={"LC_ALL": "C"}, catch_exceptions=False)
    assert "not counted (seen at home)" in answer.output


THIRD = DeviceId("3" * 32)


def test_a_monitor_of_two_machines_that_are_one_is_driven_by_the_one_and_told_by_both(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    desk.shows(FIRST, at(2, 12))
    desk.shows(SECOND, at(2, 13), DESK)
    for machine in (FIRST, SECOND):
        desk.did(machine, *(lit(at(day, 8), at(day, 18)) for day in range(5)))
    before = of_device(desk.store, desk.only, WEEK).activity.display_on_s.sum()
    merge(desk.store, FIRST, SECOND, NOW)
    assert (desk.only.driven_by, desk.only.org_unit) == (FIRST, "Ville/DSI")
    assert of_device(desk.store, desk.only, WEEK).activity.display_on_s.sum() == before
    assert [driver.id for driver in monitor_drivers(desk.context, desk.only)] == [FIRST, FIRST]
    term = explain_device(desk.context, desk.only.id, WEEK, Criterion.GWP).term
    assert recompute(term) == pytest.approx(rows(desk)[desk.only.id].value, rel=1e-12)


def test_a_monitor_changes_its_org_unit_on_the_day_on_which_its_machine_does(desk):
    desk.store.append([Fact("org_unit", unit, MONDAY, {}) for unit in ("Ville/DSI", "Ville/Mairie")])
    desk.shows(FIRST, at(0, 8), DESK)
    desk.did(FIRST, *(lit(at(day, 8), at(day, 18)) for day in range(5)))
    whole, day = rows(desk)[desk.only.id], date(2026, 11, 18)
    transfer(
        desk.store,
        FIRST,
        Placement("Ville/DSI", "Hôtel de Ville"),
        "Ville/Mairie",
        None,
        day,
        desk.context.zone,
        NOW,
    )
    by_unit = {unit: rows(desk, org_unit=unit) for unit in ("Ville/DSI", "Ville/Mairie")}
    assert [found[desk.only.id].energy_kwh / whole.energy_kwh for found in by_unit.values()] == [
        pytest.approx(share, abs=0.05) for share in (2 / 5, 3 / 5)
    ]
    assert sum(found[desk.only.id].value for found in by_unit.values()) == pytest.approx(
        whole.value, rel=1e-12
    )
    with pytest.raises(BadTransfer, match="monitor"):
        transfer(
            desk.store, desk.only.id, Placement("a", "b"), "Ville/DSI", None, day, desk.context.zone, NOW
        )


def test_deleting_a_machine_takes_its_name_off_monitors_and_the_monitors_that_only_it_showed(desk):
    desk.machine(THIRD)
    other = replace(DESK, serial_hash="6" * 64)
    desk.shows(FIRST, at(0, 8), DESK, other)
    desk.shows(SECOND, at(2, 13), DESK)
    assert len(desk.monitors) == 2
    delete(desk.store, FIRST, "asked for", NOW)
    assert desk.only.drivers == (SECOND,)
    left = b"".join(file.read_bytes() for file in desk.context.settings.data_dir.rglob("*") if file.is_file())
    assert FIRST.encode() not in left


def test_a_monitor_that_was_deleted_is_named_by_no_machine(desk):
    desk.shows(FIRST, at(0, 8), DESK)
    gone = desk.only.id
    delete(desk.store, gone, "asked for", NOW)
    assert not desk.monitors
    assert gone not in str(desk.store.history("attached"))

"""Published reports: once, restated when late records move a figure, and the same when computed again."""

from dataclasses import replace
from datetime import date

import pytest
from parcimetre_agent.report import Slot
from parcimetre_server.base.periods import week_span
from parcimetre_server.organisation.transfers import Placement, transfer
from parcimetre_server.reports import publishing, schedules
from parcimetre_server.reports.publishing import due_week, publish, republish
from parcimetre_server.reports.stored import NotPublished, publication, publications
from parcimetre_server.reports.verification import figures_of, verify
from parcimetre_server.store.records import Fact, WriteBatch

from tests.server.conftest import DAY_S, SLOT_S, enrolled, inventory, slot

WEEK, WHOLE = "2026-W47", (None, "admin")


@pytest.fixture
def out(fleet):
    """The fleet with its past week published."""
    assert len(publish(fleet.context, WEEK)) == 1
    return fleet


def late(fleet, hours):
    """Records of the silent device that come after everything, so many hours of the published week."""
    first = week_span(WEEK, fleet.context.zone).first + 2 * DAY_S
    slots = [slot(start) for start in range(first, first + hours * 3600, SLOT_S)]
    fleet.context.store.write([WriteBatch(fleet.silent, slots)])


def test_a_report_is_published_once(out):
    assert publish(out.context, WEEK) == []
    assert len(out.context.store.history("report")) == 1


def test_a_week_without_devices_has_no_report(empty):
    assert publish(empty, WEEK) == []


def test_org_units_are_published_for_those_who_asked_in_time(out):
    for at, unit in ((1, "Métropole/Ville"), (out.now, "Métropole/DSI")):
        schedules.add(out.context.store, at, unit, "mail", "a@b.example", "fr", ["pdf"], "admin")
    made = publish(out.context, WEEK)
    assert [one.target for one in made] == [("Métropole/Ville", "admin")]


@pytest.mark.parametrize(
    ("day", "hour", "week"),
    [("2026-11-23", 6, "2026-W46"), ("2026-11-23", 7, "2026-W47"), ("2026-11-29", 23, "2026-W47"),
     ("2026-10-26", 6, "2026-W42"), ("2026-10-26", 7, "2026-W43"), ("2027-01-04", 7, "2026-W53")],
)  # fmt: skip
def test_a_report_is_due_on_monday_at_seven_local_time_summer_or_winter(fleet, day, hour, week):
    from datetime import datetime

    zone = fleet.context.zone
    at = int(datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=zone).timestamp())
    assert due_week(at, zone) == week


def test_a_published_report_is_the_same_when_it_is_computed_again(out):
    found = verify(out.context, WEEK, WHOLE)
    assert found.differences == ()
    assert figures_of(publication(out.context.store, WEEK, WHOLE).report)


def test_verifying_asks_for_a_report_that_was_published(fleet):
    with pytest.raises(NotPublished, match="report list"):
        verify(fleet.context, WEEK, WHOLE)


def test_verifying_uses_the_settings_of_then(out):
    dearer = replace(out.context, settings=replace(out.context.settings, eur_per_kwh=1.0))
    assert verify(dearer, WEEK, WHOLE).differences == ()


def test_verifying_names_each_figure_that_differs_and_that_records_came(out):
    late(out, 10)
    found = verify(out.context, WEEK, WHOLE)
    assert found.late
    assert "total.energy_kwh" in {one.where for one in found.differences}


def test_late_records_that_move_a_figure_by_over_one_percent_make_another_edition(out, clock_at):
    before = publication(out.context.store, WEEK, WHOLE)
    late(out, 20)
    clock_at(out.now + DAY_S)
    (made,) = republish(out.context)
    assert made.revision == 2
    told = {moved.what: moved for moved in made.report.restated.moved}
    assert told["category"].group == "desktop"
    for moved in made.report.restated.moved:
        assert abs(moved.after - moved.before) > 0.01 * moved.before
    assert made.report.restated.published_at == before.published_at
    assert republish(out.context) == []
    assert verify(out.context, WEEK, WHOLE).differences == ()


def test_a_transfer_that_is_stated_late_makes_another_edition(out):
    moved(out)
    assert verify(out.context, WEEK, WHOLE).late
    (made,) = republish(out.context)
    assert made.revision == 2
    assert {one.what for one in made.report.restated.moved} >= {"org_unit"}
    assert "total" not in {one.what for one in made.report.restated.moved}
    assert republish(out.context) == []
    assert verify(out.context, WEEK, WHOLE).differences == ()


def test_late_records_that_move_nothing_by_one_percent_change_no_report(out):
    first = week_span(WEEK, out.context.zone).first
    out.context.store.write([WriteBatch(out.silent, [slot(first, awake_s=0, off_s=900)])])
    assert republish(out.context) == []
    assert publication(out.context.store, WEEK, WHOLE).revision == 1


def test_without_new_records_nothing_is_computed_again(out, monkeypatch):
    monkeypatch.setattr(publishing, "recompute", None)
    assert republish(out.context) == []


def test_after_four_weeks_a_report_is_final_and_is_not_restated_any_more(out, clock_at):
    assert publication(out.context.store, WEEK, WHOLE).report.state == "provisional"
    clock_at(out.now + 28 * DAY_S)
    assert republish(out.context) == []
    assert publication(out.context.store, WEEK, WHOLE).report.state == "final"
    late(out, 20)
    assert republish(out.context) == []


def test_the_factor_set_of_then_is_asked_for_by_its_name(out):
    fact = out.context.store.latest("report").popitem()[1]
    gone = {**fact.body, "report": {**fact.body["report"], "factor_set": "gone"}}
    out.context.store.append([Fact("report", fact.key, out.now, gone)])
    with pytest.raises(publishing.FactorSetGone, match="Install the version"):
        verify(out.context, WEEK, WHOLE)
    late(out, 20)
    assert republish(out.context) == []


def test_editions_come_back_from_the_store_as_they_were_told(out):
    (found,) = publications(out.context.store)
    assert found.report == publishing.rounded(found.report)
    assert sum(row.value for row in found.report.by_unit) == pytest.approx(found.report.total.value)


def moved(fleet):
    """The server goes to another commune in the middle of the week."""
    store, here = fleet.context.store, Placement("Métropole/DSI", "Hôtel de Ville")
    store.append([Fact("org_unit", "Métropole/Ville", 1, {})])
    day = date(2026, 11, 18)
    transfer(store, fleet.server, here, "Métropole/Ville", None, day, fleet.context.zone, fleet.now)


def moved_left_on(fleet):
    """A desktop that is on day and night goes there as well, with its monitor."""
    moved(fleet)
    store, key, monitor = fleet.context.store, "e" * 32, "f" * 32
    first = week_span(WEEK, fleet.context.zone).first
    idle = [Slot(at, 900, 0, 0, 0, 0, [900, *[0] * 9]) for at in range(first, first + 7 * DAY_S, SLOT_S)]
    display = {"maker": "DEL", "product": "a0b1", "built_in": False, "width_mm": 509, "height_mm": 286}
    seen = {"display": display, "machines": [key], "since": first, "retired_at": None, "scrapped": False,
            "settled": True}  # fmt: skip
    attached = [
        Fact("attached", key, first, {"at": first, "monitors": [monitor]}),
        Fact("monitor", monitor, first, seen),
    ]
    facts = enrolled(key, "desktop", "Métropole/DSI", inventory("desktop"))
    store.write([WriteBatch(key, idle, [*facts, *attached])])
    stay, day = Placement("Métropole/DSI", "Hôtel de Ville"), date(2026, 11, 19)
    transfer(store, key, stay, "Métropole/Ville", None, day, fleet.context.zone, fleet.now)


@pytest.mark.parametrize("role", ["admin", "analyst", "viewer"])
@pytest.mark.parametrize(
    "before",
    [lambda _: None, moved, moved_left_on],
    ids=["at rest", "a device moved", "a desktop moved with its monitor"],
)
def test_reports_of_org_units_are_the_same_when_each_is_computed_alone(fleet, role, before):
    before(fleet)
    for unit in (None, "Métropole", "Métropole/Ville", "Métropole/Ville/Mairie", "Métropole/DSI"):
        schedules.add(fleet.context.store, 1, unit, "mail", "a@b.example", "fr", [], role)
    made = publish(fleet.context, WEEK)
    assert len(made) == (5 if role == "admin" else 6)
    for one in made:
        assert verify(fleet.context, WEEK, one.target).differences == ()


def test_who_has_a_desktop_now_is_told_that_it_was_left_on_and_who_had_it_is_not(fleet):
    moved_left_on(fleet)
    for unit in ("Métropole/Ville", "Métropole/DSI"):
        schedules.add(fleet.context.store, 1, unit, "mail", "a@b.example", "fr", [], "analyst")
    told = {one.target[0]: one.report for one in publish(fleet.context, WEEK)}
    left_on = {unit: [one.kind for one in report.actions] for unit, report in told.items()}
    assert left_on["Métropole/Ville"] == ["left_on"]
    assert "left_on" not in left_on["Métropole/DSI"]
    assert {"desktop", "monitor"} <= {row.group for row in told["Métropole/Ville"].by_category}


@pytest.mark.parametrize(("role", "told"), [("admin", {"guest-1"}), ("analyst", set())])
def test_a_host_name_is_told_to_admins_who_have_the_device_now(fleet, role, told):
    store, day = fleet.context.store, date(2026, 11, 19)
    store.append([Fact("org_unit", "Métropole/DSI", 1, {})])
    store.append([Fact("device", fleet.server, 2, {
        **store.latest_of("device", fleet.server).body, "hostname": "left-1"})])  # fmt: skip
    stay = Placement("Métropole/DSI", "Hôtel de Ville")
    store.append([Fact("org_unit", "Métropole/Ville", 1, {})])
    transfer(store, fleet.server, stay, "Métropole/Ville", None, day, fleet.context.zone, fleet.now)
    transfer(store, fleet.guest, Placement("Métropole/Ville", "Hôtel de Ville"), "Métropole/DSI", None, day,
             fleet.context.zone, fleet.now)  # fmt: skip
    schedules.add(store, 1, "Métropole/DSI", "mail", "a@b.example", "fr", [], role)
    report = publish(fleet.context, WEEK)[-1].report
    names = {named.name for named, _ in report.greatest}
    assert len(names) == 3
    assert names & {"left-1", "guest-1"} == told

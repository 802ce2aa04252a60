"""Where action pays: what was left on at night, servers that idle, models that draw more than others."""

import pytest
from parcimetre_agent import report
from parcimetre_server.analysis.idle_use import outside_hours
from parcimetre_server.base.periods import week_span
from parcimetre_server.base.scope import Scope
from parcimetre_server.reports.weekly import compute_week, weekly_report
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import SLOT_S, TODAY, enrolled, inventory

WEEK, UNIT = "2026-W47", "Métropole/Ville"


def idle(start, busy_s=0):
    """A slot awake, idle but for some seconds of full load."""
    return report.Slot(start, 900, 0, 0, 0, 0, [900 - busy_s, *([0] * 8), busy_s])


def arrive(context, n, category, hours, busy_s=0, letter="e", model="Latitude 5420"):
    """Some devices that are awake in some hours of each day of the week."""
    span = week_span(WEEK, context.zone)
    made = inventory(category, model=model)
    for i in range(n):
        key = DeviceId(f"{letter * 16}{i:016d}")
        starts = [s for s in range(span.first, span.last, SLOT_S) if (s - span.first) // 3600 % 24 in hours]
        facts = enrolled(key, category, UNIT, made, hostname=f"{category}-{i}")
        context.store.write([WriteBatch(key, [idle(start, busy_s) for start in starts], facts)])


@pytest.fixture
def context(empty):
    """A collector that knows the site of its devices."""
    empty.store.append([Fact("site", "Hôtel de Ville", TODAY, {"zone": "FR"})])
    return empty


def test_hours_outside_are_nights_and_weekends_of_the_organisation(context):
    span = week_span("2026-W43", context.zone)  # summer time ends on its Sunday
    outside = outside_hours(span, context.zone)
    assert len(outside) == 7 * 96 + 4
    assert (~outside).sum() == 5 * 13 * 4


def test_what_is_idle_at_night_counts_beyond_sleeping_and_costs_its_price(context):
    arrive(context, 6, "desktop", range(24))
    (action,) = weekly_report(context, WEEK).actions
    assert (action.kind, action.subject, action.devices) == ("left_on", UNIT, 6)
    total = weekly_report(context, WEEK).total.energy_kwh
    hours_outside = 7 * 24 - 5 * 13
    assert 0.8 * hours_outside / 168 < action.energy_kwh / total < hours_outside / 168
    assert action.eur == pytest.approx(0.19 * action.energy_kwh)
    assert action.gwp_kgco2e > 0


def test_who_works_at_night_or_in_office_hours_left_nothing_on(context):
    arrive(context, 3, "desktop", range(22, 24), busy_s=300)
    arrive(context, 3, "laptop", range(8, 18), letter="f")
    weekdays = [one for one in weekly_report(context, WEEK).actions if one.category == "desktop"]
    assert weekdays == []


def test_a_server_that_idles_all_week_is_named_and_a_busy_one_is_not(context):
    arrive(context, 1, "server", range(24))
    arrive(context, 1, "server", range(24), busy_s=600, letter="f")
    (action,) = weekly_report(context, WEEK).actions
    assert (action.kind, action.name) == ("idle_server", "server-0")


def test_models_that_draw_more_than_their_category_are_told_by_what_is_beyond_the_median(context):
    arrive(context, 6, "desktop", range(9, 17), busy_s=200)
    arrive(context, 2, "desktop", range(9, 17), busy_s=900, letter="f", model="Precision 7820 Tower")
    (action,) = [one for one in weekly_report(context, WEEK).actions if one.kind == "above_usual"]
    assert action.subject == "Dell Inc. Precision 7820 Tower"
    assert action.ratio > 1.3
    rows = {one.device.id[0]: one.awake.energy_kwh for one in compute_week(context, WEEK).idle_patterns}
    assert action.energy_kwh == pytest.approx(2 * (rows["f"] - rows["e"]))


def test_habits_are_the_same_from_slots_that_are_new_to_the_figures_and_from_known_ones(context):
    arrive(context, 20, "desktop", range(24))
    first = compute_week(context, WEEK).idle_patterns
    assert compute_week(context, WEEK).idle_patterns == first
    arrive(context, 1, "desktop", range(24), letter="f")
    *others, last = compute_week(context, WEEK).idle_patterns
    assert tuple(others) == first
    assert (last.left_on, last.awake) == (first[0].left_on, first[0].awake)


def test_viewers_are_told_of_five_devices_and_more_of_the_whole_scope_only(context):
    arrive(context, 6, "desktop", range(24))
    arrive(context, 4, "mini_pc", range(24), letter="f")
    seen = weekly_report(context.within(Scope(None, "viewer")), WEEK).actions
    assert [(one.category, one.devices, one.subject, one.name) for one in seen] == [("desktop", 6, "", "")]
    part = weekly_report(context.within(Scope("Métropole", "viewer")), WEEK, UNIT)
    assert part.actions == ()


def test_host_names_are_for_admins(context):
    arrive(context, 1, "server", range(24))
    (seen,) = weekly_report(context.within(Scope(None, "analyst")), WEEK).actions
    assert "server-0" not in seen.name

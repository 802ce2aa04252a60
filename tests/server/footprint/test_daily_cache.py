"""Sums of days that are kept: they give what the slots give, and end with what they rest on."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.grid.observations import GridObservation
from parcimetre_server.access.context import new_daily_totals
from parcimetre_server.base.periods import DAY_S, SLOT_S, Span
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.fleet.devices import device, devices
from parcimetre_server.fleet.merging import merge, split
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.contributions import GROUPINGS
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.grid.observations import store_observations
from parcimetre_server.organisation.transfers import Placement, transfer
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ..conftest import enrolled, inventory, slot

NUMBERS = ("energy_kwh", "value", "low", "high", "coverage", "measured_share")
often = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def week(fleet):
    return Span(fleet.today - 7 * DAY_S, fleet.today)


def rows_of(context, query, group_by="device"):
    """The rows from sums of days, however few the devices."""
    return compute_footprint(context, query, few=0).rows(group_by)


def from_slots(context, query, group_by="device"):
    """The rows without any sum of days."""
    return compute_footprint(context, query, few=10**9).rows(group_by)


def same(one, other):
    assert [(row.group, row.period) for row in one] == [(row.group, row.period) for row in other]
    for ours, theirs in zip(one, other, strict=True):
        for name in NUMBERS:
            wanted = getattr(theirs, name)
            close = None if wanted is None else pytest.approx(wanted, rel=1e-12, abs=1e-300)
            assert getattr(ours, name) == close, name
        if theirs.extrapolated is not None:
            assert dataclasses.astuple(ours.extrapolated) == pytest.approx(
                dataclasses.astuple(theirs.extrapolated), rel=1e-12
            )
        assert (ours.extrapolated is None) == (theirs.extrapolated is None)


@often
@given(
    st.sampled_from(GROUPINGS),
    st.sampled_from(list(Criterion)),
    st.sampled_from(["total", "day", "week", "month"]),
    st.integers(0, 8 * 96),
    st.integers(1, 4 * 96),
)
def test_sums_of_days_give_what_the_slots_give(fleet, group_by, criterion, interval, first, count):
    begin = fleet.today - 8 * DAY_S + first * SLOT_S
    query = FootprintQuery(Span(begin, begin + count * SLOT_S), criterion, interval)
    wanted = from_slots(fleet.context, query, group_by)
    same(rows_of(fleet.context, query, group_by), wanted)
    same(rows_of(fleet.context, query, group_by), wanted)


def test_a_week_that_was_computed_is_not_read_again(fleet, monkeypatch):
    query = FootprintQuery(week(fleet))
    wanted = rows_of(fleet.context, query)
    monkeypatch.setattr(fleet.context.store, "activities", lambda *_: pytest.fail("slots were read"))
    assert rows_of(fleet.context, query) == wanted


def test_an_org_unit_s_question_keeps_what_is_known_of_the_others(fleet, monkeypatch):
    wanted = rows_of(fleet.context, FootprintQuery(week(fleet)))
    rows_of(fleet.context, FootprintQuery(week(fleet), org_unit="Métropole/DSI"))
    monkeypatch.setattr(fleet.context.store, "activities", lambda *_: pytest.fail("slots were read"))
    assert rows_of(fleet.context, FootprintQuery(week(fleet))) == wanted


@pytest.mark.parametrize("days_ago", [6, 1, 0])
def test_a_slot_that_arrives_late_counts_at_once(fleet, days_ago):
    query = FootprintQuery(Span(fleet.today - 7 * DAY_S, fleet.now // SLOT_S * SLOT_S + SLOT_S))
    before = rows_of(fleet.context, query)
    late = [slot(fleet.today - days_ago * DAY_S + hour * 3600) for hour in (1, 5)]
    fleet.context.store.write([WriteBatch(fleet.laptop, late)])
    after = rows_of(fleet.context, query)
    assert after != before
    same(after, from_slots(fleet.context, query))


def test_a_slot_that_covers_more_replaces_its_part_of_the_sum(fleet):
    at = fleet.today - 2 * DAY_S + 3 * 3600
    fleet.context.store.write([WriteBatch(fleet.laptop, [slot(at, awake_s=300)])])
    fleet.context.store.tidy(fleet.now)
    query = FootprintQuery(week(fleet))
    rows_of(fleet.context, query)
    fleet.context.store.write([WriteBatch(fleet.laptop, [slot(at, awake_s=800)])])
    same(rows_of(fleet.context, query), from_slots(fleet.context, query))


def test_another_inventory_is_computed_anew(fleet):
    query = FootprintQuery(week(fleet))
    before = rows_of(fleet.context, query)
    made = dataclasses.replace(inventory("server", model="PowerEdge R640"), memory=[])
    fact = Fact("inventory", fleet.laptop, fleet.now, dataclasses.asdict(made))
    fleet.context.store.append([fact])
    after = rows_of(fleet.context, query)
    assert after != before
    same(after, from_slots(fleet.context, query))


def test_a_correction_of_the_grid_counts_at_once(fleet):
    query = FootprintQuery(week(fleet))
    before = rows_of(fleet.context, query)
    start = fleet.today - 3 * DAY_S + 10 * 3600
    store_observations(fleet.context.store, "FR", [GridObservation(start, "feed", kg_per_kwh=0.5)], fleet.now)
    after = rows_of(fleet.context, query)
    assert after != before
    same(after, from_slots(fleet.context, query))


def test_a_new_device_joins_those_that_are_alike(fleet):
    query = FootprintQuery(week(fleet))
    rows_of(fleet.context, query)
    facts = enrolled(DeviceId("e" * 32), "server", "M", inventory("server", model="PowerEdge R640"))
    slots = [slot(fleet.today - 2 * DAY_S + i * SLOT_S) for i in range(96)]
    fleet.context.store.write([WriteBatch(DeviceId("e" * 32), slots, facts)])
    same(rows_of(fleet.context, query), from_slots(fleet.context, query))


def test_devices_are_as_the_latest_facts_say(fleet):
    store = fleet.context.store
    assert devices(store)[fleet.laptop].zone == "FR"
    body = store.latest_of("device", fleet.laptop).body
    store.append([Fact("device", fleet.laptop, fleet.now, {**body, "hostname": "moved"})])
    assert devices(store)[fleet.laptop].hostname == "moved"
    store.append([Fact("site", "Hôtel de Ville", fleet.now, {"zone": "DE"})])
    assert {device.zone for device in devices(store).values()} == {"DE"}
    facts, mark = store.newer(["site", "device"], 0)
    assert [fact.kind for fact in facts[-2:]] == ["device", "site"]
    assert store.newer(["site", "device"], mark) == ([], mark)


def test_what_is_kept_stays_within_its_bounds(fleet):
    small = dataclasses.replace(fleet.context, daily_totals=new_daily_totals(most_bytes=4000))
    wanted = from_slots(small, FootprintQuery(week(fleet)))
    for _ in range(2):
        same(rows_of(small, FootprintQuery(week(fleet))), wanted)
    assert 0 < small.daily_totals.weight <= 4000


def test_the_greatest_devices_are_those_of_all_rows(fleet):
    found = compute_footprint(fleet.context, FootprintQuery(week(fleet)))
    ordered = sorted(found.rows("device"), key=lambda row: row.value, reverse=True)
    shown = found.greatest_devices(2)
    assert [row.group for row in shown] == [row.group for row in ordered[:2]]
    assert [row.value for row in shown] == pytest.approx([row.value for row in ordered[:2]])
    assert len(found.in_service()) == len(ordered)


def test_the_store_s_coverage_is_that_of_its_records(fleet):
    day = fleet.today // DAY_S - 1
    coverage = fleet.context.store.coverage(day - 1, day)
    for i, which in enumerate(coverage.devices):
        for row, of_day in zip(coverage.covered_s[:, i], (day - 1, day), strict=True):
            known = fleet.context.store.activity(which, of_day * DAY_S, (of_day + 1) * DAY_S)
            assert row == np.sum(known.covered_s)


def merged(fleet):
    merge(fleet.context.store, fleet.server, fleet.guest, fleet.now)


def parted(fleet):
    split(fleet.context.store, fleet.server, fleet.today - 3 * DAY_S, fleet.now)


def moved(fleet):
    store, here = fleet.context.store, device(fleet.context.store, fleet.server)
    store.append([Fact("org_unit", "Autre", fleet.now, {})])
    day = datetime.fromtimestamp(fleet.today - 3 * DAY_S, UTC).date()
    before = Placement(here.org_unit, here.site)
    transfer(store, fleet.server, before, "Autre", None, day, fleet.context.zone, fleet.now)


def deleted(fleet):
    delete(fleet.context.store, fleet.server, "asked for", fleet.now)


@pytest.mark.parametrize("act", [merged, parted, moved, deleted])
@pytest.mark.parametrize("interval", ["total", "day"])
def test_what_becomes_of_a_device_changes_figures_that_are_remembered_at_once(fleet, act, interval):
    query = FootprintQuery(week(fleet), interval=interval)
    before = rows_of(fleet.context, query)
    rows_of(fleet.context, query, "org_unit")
    act(fleet)
    after = rows_of(fleet.context, query)
    assert (after != before) == (act is not moved)
    same(after, from_slots(fleet.context, query))
    by_unit = rows_of(fleet.context, query, "org_unit")
    same(by_unit, from_slots(fleet.context, query, "org_unit"))
    total = sum(row.value for row in rows_of(fleet.context, query))
    assert sum(row.value for row in by_unit) == pytest.approx(total, rel=1e-12)

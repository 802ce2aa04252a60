"""Figures of a fleet: what they add up to, what they leave out, and what they never invent."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import EMBODIED, Criterion, Stage
from parcimetre_factors.service_life.amortisation import life_end
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.base.query_cost import TooManyRows
from parcimetre_server.fleet import devices
from parcimetre_server.fleet.hardware import hardware
from parcimetre_server.footprint.compute import compute_footprint, footprint_rows
from parcimetre_server.footprint.contributions import GROUPINGS
from parcimetre_server.footprint.device_footprints import service_start
from parcimetre_server.footprint.hardware_model import hardware_models
from parcimetre_server.footprint.query import FootprintQuery


@pytest.fixture
def week(fleet):
    """The seven days before the fixture's present, up to the end of the open slot."""
    return Span(fleet.today - 6 * DAY_S, fleet.now // SLOT_S * SLOT_S + SLOT_S)


def only(rows):
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("criterion", list(Criterion))
@pytest.mark.parametrize("interval", ["hour", "day", "total"])
@pytest.mark.parametrize("group_by", GROUPINGS)
def test_groups_and_periods_add_up_to_the_total(fleet, week, group_by, interval, criterion):
    found = compute_footprint(fleet.context, FootprintQuery(week, criterion, interval))
    total = only(compute_footprint(fleet.context, FootprintQuery(week, criterion)).rows())
    rows = found.rows(group_by)
    assert math.fsum(row.value or 0.0 for row in rows) == pytest.approx(total.value or 0.0, rel=1e-9)
    assert math.fsum(row.energy_kwh for row in rows) == pytest.approx(total.energy_kwh, rel=1e-9)


def test_intervals_hold_the_value(fleet, week):
    for row in compute_footprint(fleet.context, FootprintQuery(week)).rows("device"):
        assert row.low <= row.value <= row.high


def test_errors_common_to_many_devices_stay_common(fleet, week):
    rows = compute_footprint(fleet.context, FootprintQuery(week)).rows("device")
    total = only(footprint_rows(fleet.context, FootprintQuery(week)))
    independent = math.sqrt(sum((row.high - row.low) ** 2 for row in rows))
    assert independent < total.high - total.low <= sum(row.high - row.low for row in rows) * 1.01


def test_a_silent_device_accrues_its_embodied_impact_and_lowers_coverage(fleet, week):
    row = only(footprint_rows(fleet.context, FootprintQuery(week, device=fleet.silent)))
    assert (row.energy_kwh, row.coverage, row.measured_share) == (0.0, 0.0, None)
    assert row.value > 0


def test_embodied_impact_is_straight_line_up_to_now(fleet, week):
    fortnight = Span(week.first, week.last + 7 * DAY_S)
    past, future = (embodied(fleet, span) for span in (week, fortnight))
    day = embodied(fleet, Span(week.first, week.first + DAY_S))
    assert past == pytest.approx(future)
    assert past / day == pytest.approx((fleet.now - week.first) / DAY_S)


def embodied(fleet, span):
    rows = compute_footprint(fleet.context, FootprintQuery(span, device=fleet.silent)).rows("stage")
    return sum(row.value or 0.0 for row in rows if row.group != Stage.USE)


def test_nothing_accrues_after_the_end_of_life(fleet, week, clock_at):
    found = fleet.context.store.spans()[fleet.silent][0]
    device = (
        compute_footprint(fleet.context, FootprintQuery(week, device=fleet.silent)).single_devices[0].device
    )
    end = life_end(
        found, hardware_models(fleet.context.factors).of(hardware(device)).embodied.life_years.value
    )
    clock_at(end + 30 * DAY_S)
    later = (end + 10 * DAY_S) // SLOT_S * SLOT_S
    row = only(footprint_rows(fleet.context, FootprintQuery(Span(later, later + DAY_S), device=fleet.silent)))
    assert row.value == 0.0
    assert row.coverage == 0.0


def test_nothing_is_said_of_the_time_before_a_device_came(fleet):
    long_ago = fleet.today - 30 * DAY_S
    assert footprint_rows(fleet.context, FootprintQuery(Span(long_ago, long_ago + DAY_S))) == []


def test_an_open_slot_counts_for_what_it_has_seen(fleet):
    opened = fleet.now // SLOT_S * SLOT_S
    row = only(
        footprint_rows(fleet.context, FootprintQuery(Span(opened, opened + SLOT_S), device=fleet.guest))
    )
    assert row.coverage == pytest.approx(400 / (fleet.now - opened))


def test_energy_counted_at_the_wall_is_taken_as_it_is(fleet, week):
    row = only(footprint_rows(fleet.context, FootprintQuery(week, device=fleet.server)))
    slots = (fleet.now // SLOT_S * SLOT_S - week.first) // SLOT_S
    assert row.energy_kwh == pytest.approx(slots * 180_000 / 3.6e6)
    assert row.measured_share == 1.0


def test_each_slot_is_grouped_under_the_power_source_that_won(fleet, week):
    rows = compute_footprint(fleet.context, FootprintQuery(week, device=fleet.laptop)).rows("power_source")
    shares = {row.group: row.measured_share for row in rows}
    assert shares["battery"] == 1.0
    assert 0 < shares["components"] < 1
    assert shares["embodied"] is None


def test_a_stage_without_factor_is_absent_and_not_zero(fleet, week):
    for criterion in Criterion:
        found = compute_footprint(fleet.context, FootprintQuery(week, criterion))
        for device in found.single_devices:
            rows = {row.group: row for row in found.rows("stage")}
            for stage in device.absent:
                assert stage in rows[stage].absent
            known = {stage for _, stage in device.model.embodied.by_stage if stage in EMBODIED}
            assert all(rows[stage].value is not None for stage in known if stage not in device.absent)


def test_simulated_devices_are_never_passed_off_as_real(fleet, week):
    rows = {
        row.group: row.simulated
        for row in compute_footprint(fleet.context, FootprintQuery(week)).rows("device")
    }
    assert rows[fleet.guest] is True
    assert rows[fleet.laptop] is False
    assert only(footprint_rows(fleet.context, FootprintQuery(week))).simulated == "partly"


def test_an_org_unit_stands_for_its_subtree(fleet, week):
    rows = compute_footprint(fleet.context, FootprintQuery(week, org_unit="Métropole/Ville")).rows("device")
    assert {row.group for row in rows} == {fleet.laptop, fleet.guest}


def test_org_units_below_another_take_in_their_subtrees(fleet, week):
    rows = compute_footprint(fleet.context, FootprintQuery(week)).rows("org_unit", below="Métropole")
    assert [row.group for row in rows] == ["Métropole/DSI", "Métropole/Ville"]


def test_every_row_names_its_factor_set(fleet, week):
    assert only(footprint_rows(fleet.context, FootprintQuery(week))).factor_set == fleet.context.factors.id


def test_an_answer_without_end_is_refused_with_the_fix(fleet, week):
    found = compute_footprint(fleet.context, FootprintQuery(week, interval="slot"))
    with pytest.raises(TooManyRows, match="choose a longer interval"):
        found.rows("device", max_rows=100)


def test_a_fleet_of_nothing_has_an_empty_total(empty):
    total = compute_footprint(empty, FootprintQuery(Span(0, DAY_S))).total()
    assert (total.value, total.energy_kwh, total.coverage) == (None, 0.0, None)


@pytest.mark.parametrize(
    ("enrolled_at", "expected"),
    [(-DAY_S, 0), (300, 300), (SLOT_S, 0), (9 * DAY_S, 0)],
    ids=["before", "within the first slot", "at its end", "records older than the enrolment"],
)
def test_a_device_serves_from_its_enrolment_within_its_first_slot(fleet, enrolled_at, expected):
    laptop = devices.device(fleet.context.store, fleet.laptop)
    found = replace(laptop, enrolled_at=fleet.today + enrolled_at)
    assert service_start(found, fleet.today) == fleet.today + expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(quarter=st.integers(1, 7 * 96 - 1))
def test_splitting_a_period_changes_nothing(fleet, quarter):
    whole = Span(fleet.today - 6 * DAY_S, fleet.today + DAY_S)
    cut = whole.first + quarter * SLOT_S
    parts = (Span(whole.first, cut), Span(cut, whole.last))
    one, *halves = (
        {row.group: row for row in footprint_rows(fleet.context, FootprintQuery(span), "device")}
        for span in (whole, *parts)
    )
    for group, row in one.items():
        split = [half[group] for half in halves if group in half]
        assert math.fsum(half.value for half in split) == pytest.approx(row.value)
        assert math.fsum(half.energy_kwh for half in split) == pytest.approx(row.energy_kwh)

"""What time without a record is taken to have used: by whose record, and how much wider it makes a figure."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import load_factor_set
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.footprint.compute import compute_footprint, footprint_rows
from parcimetre_server.footprint.contributions import GROUPINGS
from parcimetre_server.footprint.extrapolation import find_missing_time
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.footprint.uncertainty import bounds

FACTORS = load_factor_set()
WEEK_S = 7 * DAY_S
USE = ("losses.fr",)


def week(fleet):
    return Span(fleet.today - WEEK_S, fleet.today)


def only(rows):
    (row,) = rows
    return row


def test_a_device_s_own_record_stands_for_its_missing_time(fleet):
    rows = footprint_rows(fleet.context, FootprintQuery(week(fleet), device=fleet.laptop), "stage")
    use = next(row for row in rows if row.group == "use")
    assert use.coverage == pytest.approx(9 / 24)  # it reports from 8 to 17 hours
    assert use.extrapolated.energy_kwh == pytest.approx(use.energy_kwh * 24 / 9)
    assert use.extrapolated.value == pytest.approx(use.value * 24 / 9)
    assert use.extrapolated.low < use.extrapolated.value < use.extrapolated.high


def test_a_whole_record_has_nothing_to_add(fleet):
    row = only(footprint_rows(fleet.context, FootprintQuery(week(fleet), device=fleet.server)))
    assert row.coverage == 1
    told = row.extrapolated
    assert (told.energy_kwh, told.value, told.low, told.high) == pytest.approx(
        (row.energy_kwh, row.value, row.low, row.high)
    )


def test_nothing_stands_for_a_device_that_is_silent_and_alone(fleet):
    assert (
        only(footprint_rows(fleet.context, FootprintQuery(week(fleet), device=fleet.silent))).extrapolated
        is None
    )


def test_the_fleet_stands_for_a_silent_device_whose_category_is_silent(fleet):
    found = compute_footprint(fleet.context, FootprintQuery(week(fleet)))
    rows = {row.group: row for row in found.rows("device")}
    energy_j = sum(figure.energy_j.sum() for figure in found.single_devices)
    covered_s = sum(figure.covered_s.sum() for figure in found.single_devices)
    silent = rows[fleet.silent]
    assert silent.energy_kwh == 0
    assert silent.extrapolated.energy_kwh == pytest.approx(energy_j / covered_s * WEEK_S / 3.6e6)


@pytest.mark.parametrize("group_by", GROUPINGS)
@pytest.mark.parametrize("interval", ["total", "day"])
def test_groups_add_up_to_the_total(fleet, group_by, interval):
    found = compute_footprint(fleet.context, FootprintQuery(week(fleet), Criterion.GWP, interval))
    rows, totals = found.rows(group_by), found.rows()
    for of in ("energy_kwh", "value"):
        parts = sum(getattr(row.extrapolated, of) for row in rows if row.value is not None)
        assert parts == pytest.approx(sum(getattr(row.extrapolated, of) for row in totals))


@given(st.integers(0, 96), st.integers(0, 96), st.floats(0.01, 100))
def test_more_coverage_never_widens_the_interval(one, other, joules):
    less, more = sorted((one, other))
    widths = [high - low for low, high in (interval_of(slots, joules) for slots in (less, more))]
    assert widths[1] <= widths[0] * (1 + 1e-9)


def day_of(name, slots, joules):
    """A device's figure of a day of which so many quarter hours have a record."""
    use = np.array([[joules * slots]])
    return SimpleNamespace(
        device=SimpleNamespace(id=name, category="laptop"),
        energy_j=use,
        use_by_errors={USE: use},
        covered_s=np.array([slots * 900.0]),
        expected_s=np.array([96 * 900.0]),
    )


def interval_of(slots, joules):
    """95 % of a day at the same power all day, of which so many quarter hours of 96 have a record.

    Another device of its category has a whole record, at the same power: it stands for one with hardly any.
    """
    ours, other = day_of("a", slots, joules), day_of("b", 96, joules)
    lacking = find_missing_time([ours, other])[0].use_of_sources(slice(None))
    parts = {USE: ours.energy_j[0]}
    for errors, amount in lacking.by_errors.items():
        parts[errors] = amount
    assert sum(amount[0] for amount in parts.values()) == pytest.approx(joules * 96)
    ((low, high),) = bounds([parts], 1, FACTORS)
    return low[0], high[0]

"""The usual quarter hours of a month: how they are made, and that slots without a feed follow them."""

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.grid.intensity import PROFILE_TIER, intensity, intensity_term, losses
from parcimetre_factors.grid.month_profile import month_profiles
from parcimetre_factors.grid.observations import GridObservation, collect_observations
from parcimetre_factors.tables.check import faults_of_one
from parcimetre_factors.tables.factor_set import FactorSet

OCTOBER = int(datetime(2023, 10, 1, tzinfo=UTC).timestamp())
DAY_S, SLOT_S = 86_400, 900


def month(days=31, slots=96, scales=(1.0,)):
    """A month in which quarter hour q costs (100 + q) g, the days scaled in turn."""
    return collect_observations(
        GridObservation(
            OCTOBER + day * DAY_S + q * SLOT_S,
            "test",
            kg_per_kwh=(0.1 + q / 1000) * scales[day % len(scales)],
        )
        for day in range(days)
        for q in range(slots)
    )


def made(factors, readings):
    return list(month_profiles("FR", readings, factors, "that of the feed", "2023-11-02"))


def with_rows(factors, *months):
    """The set with the rows of months behind the shipped profile, as an overlay puts them."""
    rows = (*factors.table("grid_profile"), *(row for month in months for row in month.rows))
    tables = {**factors.tables, "grid_profile": rows}
    return FactorSet("months", MappingProxyType(tables), factors.facts, factors.sources)


def at(factors, *moment):
    """Intensity and tier of one slot, per kWh produced."""
    starts = np.array([int(datetime(*moment, tzinfo=UTC).timestamp())])
    slots = intensity("FR", starts, factors)
    assert intensity_term("FR", int(starts[0]), factors).value == pytest.approx(slots.kg_per_kwh[0])
    return slots.kg_per_kwh[0] / losses("FR", factors, "gwp").value, slots


def test_each_quarter_hour_is_the_mean_of_its_days(factors):
    (october,) = made(factors, month(scales=(1.1, 0.9)))
    ratio = (16 * 1.1 + 15 * 0.9) / 31
    means = [row.value for row in october.rows[:96]]
    assert (october.name, october.days, len(october.rows)) == ("2023-10", 31, 97)
    assert means == pytest.approx([(0.1 + q / 1000) * ratio for q in range(96)], rel=1e-5)


def test_the_error_holds_the_spread_of_the_days(factors):
    even, uneven = (made(factors, month(scales=scales))[0].rows[-1] for scales in ((1.0,), (1.5, 0.5)))
    assert even.low > uneven.low
    assert uneven.high > 1.9  # half the mean is a factor of 2, were the factors without error
    assert even.high == pytest.approx((1.18 / 0.85) ** 0.5, rel=0.1)  # what a published value may be off


def test_rows_keep_to_the_rules_of_the_tables(factors):
    (october,) = made(factors, month())
    assert [fault for row in october.rows for fault in faults_of_one(row)] == []


@pytest.mark.parametrize(
    "readings", [month(days=19), month(slots=71), month(days=2)], ids=["19 days", "short days", "2 days"]
)
def test_too_little_makes_no_profile(factors, readings):
    assert [found.rows for found in made(factors, readings)] == [()]


def test_a_slot_of_that_month_follows_it_and_another_month_does_not(factors):
    known = with_rows(factors, *made(factors, month()))
    value, slots = at(known, 2023, 10, 12, 6, 15)
    assert value == pytest.approx(0.125)
    assert slots.tier.tolist() == [PROFILE_TIER]
    assert "grid_profile.fr.2023-10.error" in slots.errors
    assert at(known, 2023, 11, 12, 6, 15)[0] == at(factors, 2023, 11, 12, 6, 15)[0]


def test_years_without_a_profile_of_their_own_take_the_latest_before_them_else_the_first(factors):
    (october,) = made(factors, month())
    later = replace(
        october, rows=tuple(replace(row, id=f"{row.id}.25", year=2025, value=0.2) for row in october.rows)
    )
    known = with_rows(factors, later, october)
    years = {year: at(known, year, 10, 3)[0] for year in (2022, 2023, 2024, 2025, 2026)}
    assert years == pytest.approx({2022: 0.1, 2023: 0.1, 2024: 0.1, 2025: 0.2, 2026: 0.2})


def test_an_incomplete_month_of_a_table_is_passed_over(factors):
    (october,) = made(factors, month())
    known = with_rows(factors, replace(october, rows=october.rows[1:]))
    assert at(known, 2023, 10, 12)[0] == at(factors, 2023, 10, 12)[0]


def test_the_tree_of_a_slot_names_the_row_of_its_quarter_hour(factors):
    known = with_rows(factors, *made(factors, month()))
    term = intensity_term("FR", OCTOBER + 40 * SLOT_S, known)
    assert term.inputs[0].factor == "grid_profile.fr.2023-10.40"
    assert recompute(term) == term.value


def test_an_observed_slot_still_wins(factors):
    known = with_rows(factors, *made(factors, month()))
    slots = intensity(
        "FR",
        np.array([OCTOBER]),
        known,
        collect_observations([GridObservation(OCTOBER, "test", kg_per_kwh=0.04)]),
    )
    assert slots.kg_per_kwh == pytest.approx([0.04 * losses("FR", factors, "gwp").value])

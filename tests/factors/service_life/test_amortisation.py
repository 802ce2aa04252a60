"""Embodied impact spread over the service life, by quarter hours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.errors import BadLife
from parcimetre_factors.explanation.term import leaf, recompute
from parcimetre_factors.service_life.amortisation import (
    SLOTS_PER_YEAR,
    Policy,
    active_hours,
    life_end,
    per_unit,
)

START = 1_700_000_100


def kg(value):
    return leaf("manufacturing", value, "kg CO2 eq", "given")


def years(value):
    return leaf("service life", value, "year", "policy")


def per_slot(whole, life):
    return per_unit(Policy.SERVICE_LIFE, whole, life, hours(2000))


def hours(value):
    return leaf("active hours in a year", value, "hour/year", "factor")


@given(st.floats(0.01, 1e4), st.floats(0.5, 20))
def test_all_slots_of_the_life_together_carry_the_whole(total, life):
    slot = per_slot(kg(total), years(life))
    slots = (life_end(START, life) - START) / 900
    assert slot.value * slots == pytest.approx(total, rel=1e-6)
    assert recompute(slot) == slot.value


def test_twice_the_life_is_half_a_slot_s_share():
    once, twice = (per_slot(kg(300), years(life)).value for life in (4, 8))
    assert once == pytest.approx(2 * twice)


def test_a_year_s_share_of_a_four_year_life_is_a_quarter():
    slot = per_slot(kg(400), years(4))
    assert slot.value * SLOTS_PER_YEAR.value == pytest.approx(100)
    assert slot.unit == "kg CO2 eq/slot"


def test_the_life_ends_after_its_years_of_365_and_a_quarter_days():
    assert life_end(START, 4) == START + (4 * 365 + 1) * 86_400


@pytest.mark.parametrize("life", [0, -1])
def test_a_life_that_is_not_positive_is_refused(life):
    with pytest.raises(BadLife, match="must be positive"):
        per_slot(kg(1), years(life))


def test_the_year_of_purchase_carries_the_whole():
    once = per_unit(Policy.PURCHASE_YEAR, kg(400), years(4), hours(2000))
    assert (once.value, once.unit) == (400, "kg CO2 eq/year")


def test_the_active_hours_of_a_life_together_carry_the_whole():
    hour = per_unit(Policy.ACTIVE_HOUR, kg(400), years(4), hours(2000))
    assert hour.value * 4 * 2000 == pytest.approx(400)
    assert hour.unit == "kg CO2 eq/hour"
    assert recompute(hour) == hour.value


def test_hours_are_those_of_the_category_or_of_any_other(factors):
    assert active_hours("laptop", factors).value == 2628
    assert active_hours("drone", factors).factor == "life.hours.other"

"""Impact of a kilowatt-hour: the slot's own, else the profile of the day, else the year."""

from datetime import UTC, datetime

import numpy as np
import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.errors import UnknownZone
from parcimetre_factors.explain import recompute
from parcimetre_factors.grid import PROFILE_TIER, SLOT_TIER, YEAR_TIER, intensity, intensity_term, zones

SLOT_S, DAY = 900, 96


def at(*moment):
    """Seconds UTC of a date."""
    return int(datetime(*moment, tzinfo=UTC).timestamp())


def day(*date):
    """The starts of all quarter hours of a day."""
    return at(*date) + SLOT_S * np.arange(DAY, dtype=np.int64)


def found(zone, starts, factors, *more):
    """The slots, which must have a factor."""
    slots = intensity(zone, starts, factors, *more)
    assert slots is not None
    return slots


def test_france_and_at_least_a_dozen_others_are_known(factors):
    assert "FR" in zones(factors)
    assert len(zones(factors)) >= 12
    assert len(set(zones(factors))) == len(zones(factors))


def test_every_zone_has_a_plausible_year(factors):
    for zone in zones(factors):
        kg = found(zone, day(2024, 3, 1), factors).kg_per_kwh
        assert 0.02 < kg.mean() < 1.0


def test_a_zone_without_a_profile_has_the_mean_of_its_year(factors):
    slots = found("DE", day(2023, 6, 1), factors)
    assert set(slots.tier) == {YEAR_TIER}
    assert set(slots.kg_per_kwh) == {factors.get("grid.de.2023.gwp").value}
    assert slots.errors == ("grid.de.2023.gwp",)


def test_france_follows_the_day(factors):
    slots = found("FR", day(2023, 6, 1), factors)
    assert set(slots.tier) == {PROFILE_TIER}
    assert slots.kg_per_kwh.min() < slots.kg_per_kwh.max()
    assert "grid_profile.fr.error" in slots.errors


def test_the_profile_of_a_day_averages_to_the_year_within_one_in_ten_thousand(factors):
    mean = found("FR", day(2024, 6, 1), factors).kg_per_kwh.mean()
    assert mean == pytest.approx(factors.get("grid.fr.2024.gwp").value, rel=1e-4)


def test_an_observed_slot_wins_and_its_neighbours_stay(factors):
    starts = day(2024, 6, 1)
    plain = found("FR", starts, factors)
    slots = found("FR", starts, factors, {int(starts[40]): 0.031, at(2020, 1, 1): 9.0})
    assert slots.kg_per_kwh[40] == 0.031
    assert slots.tier[40] == SLOT_TIER
    others = np.arange(DAY) != 40
    assert (slots.kg_per_kwh[others] == plain.kg_per_kwh[others]).all()
    assert (slots.tier[others] == PROFILE_TIER).all()


def test_each_slot_takes_its_own_year(factors):
    starts = np.array([at(2022, 12, 31, 23, 45), at(2023, 1, 1)])
    old, new = (factors.get(f"grid.de.{year}.gwp").value for year in (2022, 2023))
    assert found("DE", starts, factors).kg_per_kwh.tolist() == [old, new]


@pytest.mark.parametrize("date", [(2025, 1, 1), (2031, 7, 1)])
def test_later_dates_take_the_last_year_known(factors, date):
    last = factors.get("grid.de.2024.gwp").value
    assert set(found("DE", day(*date), factors).kg_per_kwh) == {last}


def test_earlier_dates_take_the_first_year_known(factors):
    assert set(found("DE", day(2010, 1, 1), factors).kg_per_kwh) == {factors.get("grid.de.2022.gwp").value}


def test_metals_come_from_the_mix_of_2011_by_year(factors):
    slots = found("FR", day(2024, 6, 1), factors, None, Criterion.ADPE)
    assert set(slots.tier) == {YEAR_TIER}
    assert set(slots.kg_per_kwh) == {factors.get("grid.fr.2011.adpe").value}


def test_a_criterion_without_a_factor_is_none_and_not_zero(factors):
    assert intensity("FR", day(2024, 6, 1), factors, criterion=Criterion.PE) is None
    with pytest.raises(UnknownZone, match="FR knows pe"):
        intensity_term("FR", at(2024, 6, 1), factors, criterion=Criterion.PE)


@pytest.mark.parametrize(
    "call", [lambda f: intensity("XX", day(2024, 6, 1), f), lambda f: intensity_term("XX", 0, f)]
)
def test_an_unknown_zone_is_refused_and_the_known_ones_named(factors, call):
    with pytest.raises(UnknownZone, match=r"'XX' is no grid zone.*known: .*FR"):
        call(factors)


@pytest.mark.parametrize("zone", ["FR", "DE"])
@pytest.mark.parametrize("observed", [None, {at(2024, 6, 1, 12): 0.04}], ids=["factors", "observed"])
def test_the_tree_of_a_slot_gives_the_slot_s_value(factors, zone, observed):
    starts = day(2024, 6, 1)
    slots = found(zone, starts, factors, observed)
    for start, kg in zip(starts.tolist(), slots.kg_per_kwh.tolist(), strict=True):
        term = intensity_term(zone, start, factors, observed)
        assert term.value == recompute(term) == kg
        assert term.unit == "kg CO2 eq/kWh"

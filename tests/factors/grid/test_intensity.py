"""Impact of a kilowatt-hour: the slot's own, else the profile of the day, else the year."""

from datetime import UTC, datetime

import numpy as np
import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.errors import UnknownZone
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.grid.intensity import (
    PROFILE_TIER,
    SLOT_TIER,
    YEAR_TIER,
    intensity,
    intensity_term,
    latest_year,
    losses,
    zones,
)
from parcimetre_factors.grid.observations import GridObservation, collect_observations

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


def published(values):
    """Intensities as a publisher states them, by slot."""
    return collect_observations(GridObservation(start, "test", kg_per_kwh=kg) for start, kg in values.items())


def at_meter(factors, zone, year):
    """A year's kWh, with what is lost on the way."""
    return factors.get(f"grid.{zone.lower()}.{year}.gwp").value * losses(zone, factors, Criterion.GWP).value


def test_losses_are_the_zone_s_own_or_the_general_ones_and_none_where_factors_count_them(factors):
    assert [losses(zone, factors, Criterion.GWP).id for zone in ("FR", "DE")] == ["losses.fr", "losses.other"]
    assert losses("FR", factors, Criterion.ADPE) is None
    assert latest_year("DE", factors)[0] == at_meter(factors, "DE", 2024)


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
    assert set(slots.kg_per_kwh) == {at_meter(factors, "DE", 2023)}
    assert slots.errors == ("grid.de.2023.gwp", "losses.other")


def test_france_follows_the_day(factors):
    slots = found("FR", day(2023, 6, 1), factors)
    assert set(slots.tier) == {PROFILE_TIER}
    assert slots.kg_per_kwh.min() < slots.kg_per_kwh.max()
    assert "grid_profile.fr.error" in slots.errors


def test_the_profile_of_a_day_averages_to_the_year_within_one_in_ten_thousand(factors):
    mean = found("FR", day(2024, 6, 1), factors).kg_per_kwh.mean()
    assert mean == pytest.approx(at_meter(factors, "FR", 2024), rel=1e-4)


def test_an_observed_slot_wins_and_its_neighbours_stay(factors):
    starts = day(2024, 6, 1)
    plain = found("FR", starts, factors)
    slots = found("FR", starts, factors, published({int(starts[40]): 0.031, at(2020, 1, 1): 2.0}))
    assert slots.kg_per_kwh[40] == pytest.approx(0.031 * losses("FR", factors, Criterion.GWP).value)
    assert slots.tier[40] == SLOT_TIER
    others = np.arange(DAY) != 40
    assert (slots.kg_per_kwh[others] == plain.kg_per_kwh[others]).all()
    assert (slots.tier[others] == PROFILE_TIER).all()


def test_each_slot_carries_the_errors_of_its_own_evidence(factors):
    starts = day(2024, 6, 1)
    mix = GridObservation(int(starts[1]), "test", {"nuclear": 30.0, "gas": 10.0})
    slots = found(
        "FR",
        starts[:3],
        factors,
        collect_observations([mix, *published({int(starts[0]): 0.05}).readings.values()]),
    )
    carried = [{errors for errors, values in slots.parts.items() if values[i]} for i in range(3)]
    assert carried == [
        {("grid.published.error", "losses.fr")},
        {("fuel.nuclear.gwp", "losses.fr"), ("fuel.gas.gwp", "losses.fr")},
        {("grid.fr.2024.gwp", "grid_profile.fr.error", "losses.fr")},
    ]
    assert sum(slots.parts.values()) == pytest.approx(slots.kg_per_kwh)


def test_a_value_at_the_meter_gets_no_losses(factors):
    start = at(2024, 6, 1)
    readings = collect_observations([GridObservation(start, "own", kg_per_kwh=0.0123, at_meter=True)])
    assert found("FR", np.array([start]), factors, readings).kg_per_kwh == [0.0123]
    assert intensity_term("FR", start, factors, readings).value == 0.0123


def test_an_origin_without_a_factor_is_taken_to_be_like_the_rest(factors):
    start = at(2024, 6, 1)
    both = collect_observations([GridObservation(start, "test", {"nuclear": 50.0, "imports": 50.0})])
    alone = collect_observations([GridObservation(start, "test", {"nuclear": 1.0})])
    starts = np.array([start])
    assert found("FR", starts, factors, both).kg_per_kwh == found("FR", starts, factors, alone).kg_per_kwh
    assert "left out" in intensity_term("FR", start, factors, both).inputs[0].inputs[0].inputs[0].note


@pytest.mark.parametrize(
    "flows", [{}, {"solar": -3.0}, {"imports": 7.0}], ids=["none", "negative", "unknown"]
)
def test_a_slot_in_which_nothing_known_flows_is_a_gap(factors, flows):
    starts = day(2024, 6, 1)[:1]
    slots = found(
        "FR", starts, factors, collect_observations([GridObservation(int(starts[0]), "test", flows)])
    )
    assert slots.tier.tolist() == [PROFILE_TIER]
    assert slots.kg_per_kwh == found("FR", starts, factors).kg_per_kwh


def test_the_later_of_two_readings_counts(factors):
    start = at(2024, 6, 1)
    readings = [
        GridObservation(start, "test", kg_per_kwh=0.5),
        GridObservation(start + 1, "test", kg_per_kwh=0.1),
    ]
    slots = found("DE", np.array([start]), factors, collect_observations(readings))
    assert slots.kg_per_kwh == pytest.approx([0.1 * losses("DE", factors, Criterion.GWP).value])


def test_each_slot_takes_its_own_year(factors):
    starts = np.array([at(2022, 12, 31, 23, 45), at(2023, 1, 1)])
    old, new = (at_meter(factors, "DE", year) for year in (2022, 2023))
    assert found("DE", starts, factors).kg_per_kwh.tolist() == [old, new]


@pytest.mark.parametrize("date", [(2025, 1, 1), (2031, 7, 1)])
def test_later_dates_take_the_last_year_known(factors, date):
    last = at_meter(factors, "DE", 2024)
    assert set(found("DE", day(*date), factors).kg_per_kwh) == {last}


def test_earlier_dates_take_the_first_year_known(factors):
    assert set(found("DE", day(2010, 1, 1), factors).kg_per_kwh) == {at_meter(factors, "DE", 2022)}


def test_metals_come_from_the_mix_of_2011_by_year(factors):
    slots = found("FR", day(2024, 6, 1), factors, None, Criterion.ADPE)
    assert set(slots.tier) == {YEAR_TIER}
    assert set(slots.kg_per_kwh) == {factors.get("grid.fr.2011.adpe").value}


def test_a_criterion_without_a_factor_is_none_and_not_zero(factors):
    assert intensity("FR", day(2024, 6, 1), factors, criterion=Criterion.PE) is None
    with pytest.raises(UnknownZone, match="FR gives pe"):
        intensity_term("FR", at(2024, 6, 1), factors, criterion=Criterion.PE)


@pytest.mark.parametrize(
    "call", [lambda f: intensity("XX", day(2024, 6, 1), f), lambda f: intensity_term("XX", 0, f)]
)
def test_an_unknown_zone_is_refused_and_the_known_ones_named(factors, call):
    with pytest.raises(UnknownZone, match=r"grid zone 'XX' has no factors. Known zones: .*FR"):
        call(factors)


@pytest.mark.parametrize("zone", ["FR", "DE"])
@pytest.mark.parametrize(
    "readings",
    [
        [],
        [GridObservation(at(2024, 6, 1, 12), "test", kg_per_kwh=0.04)],
        [
            GridObservation(
                at(2024, 6, 1, 12), "test", {"gas": 7.0, "solar": 5.0}, {"ES": 3.0, "XX": 1.0, "IT": -2.0}
            )
        ],
    ],
    ids=["factors", "published", "mix"],
)
def test_the_tree_of_a_slot_gives_the_slot_s_value(factors, zone, readings):
    starts = day(2024, 6, 1)
    slots = found(zone, starts, factors, collect_observations(readings))
    for start, kg in zip(starts.tolist(), slots.kg_per_kwh.tolist(), strict=True):
        term = intensity_term(zone, start, factors, collect_observations(readings))
        assert term.value == recompute(term) == pytest.approx(kg, rel=1e-12)
        assert term.unit == "kg CO2 eq/kWh"

"""French production by fuel, on RTE's own rows (tests/data/grid/ORIGIN.md)."""

import csv
from pathlib import Path

import pytest
from parcimetre_factors.eco2mix import FUELS, intensity_of

ROWS = Path(__file__).parents[1] / "data/grid/eco2mix.csv"


@pytest.fixture
def rows():
    with ROWS.open(newline="") as text:
        return list(csv.DictReader(text))


def test_a_quarter_hour_worked_by_hand(factors, rows):
    """1,240.68 t/h over 45,294 MW: each fuel's MW times its published factor, on the sheet of paper."""
    kg = (
        347 * 0.65 + 11 * 0.82 + 1221 * 0.49 + 37433 * 0.00513 + 3061 * 0.0107 + 2547 * 0.011 + 0 * 0.045
        + 674 * 0.23
    )  # fmt: skip
    mw = 347 + 11 + 1221 + 37433 + 3061 + 2547 + 674
    assert (round(kg, 2), mw) == (1240.68, 45294)
    assert intensity_of(rows[0], factors) == pytest.approx(kg / mw)


def test_life_cycle_intensity_is_above_the_direct_one_that_rte_states(factors, rows):
    for row in rows:
        assert intensity_of(row, factors) > float(row["taux_co2"]) / 1000 * 0.95


def test_intensity_ranks_quarter_hours_as_rte_does(factors, rows):
    by_rte = sorted(rows, key=lambda row: float(row["taux_co2"]))
    assert intensity_of(by_rte[0], factors) < intensity_of(by_rte[-1], factors)


@pytest.mark.parametrize(("column", "fuel"), FUELS.items(), ids=FUELS)
def test_one_fuel_alone_has_its_own_factor(factors, column, fuel):
    row = dict.fromkeys(FUELS, "0") | {column: "500"}
    assert intensity_of(row, factors) == pytest.approx(factors.get(f"fuel.{fuel}.gwp").value)


def test_plants_that_take_power_and_pumping_and_exchanges_do_not_count(factors, rows):
    plain = intensity_of(rows[0], factors)
    changed = rows[0] | {"solaire": "-12", "pompage": "-5000", "ech_physiques": "9000", "consommation": ""}
    assert intensity_of(changed, factors) == plain


def test_a_fuel_without_a_figure_counts_as_none(factors, rows):
    assert intensity_of(rows[0] | {"solaire": ""}, factors) == intensity_of(rows[0], factors)


def test_a_quarter_hour_without_production_is_refused(factors):
    with pytest.raises(ValueError, match="no production"):
        intensity_of(dict.fromkeys(FUELS, "0"), factors)

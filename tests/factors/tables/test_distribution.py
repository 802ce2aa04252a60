"""What a range means: derived from a standard deviation, drawn as its distribution says, or refused."""

import csv
import hashlib
import io
import math
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.tables.distribution import DISTRIBUTIONS, contradiction, range_of
from parcimetre_factors.tables.factor_set import COLUMNS, FactorSet, load_factor_set
from parcimetre_factors.uncertainty.amounts import Amount
from parcimetre_factors.uncertainty.monte_carlo import interval

unhurried = settings(max_examples=30, deadline=None)
values = st.floats(1e-3, 1e6)
widths = st.floats(0.02, 0.9)


def one(factors, value, low, high, distribution):
    """A set of one factor, and the interval of itself alone."""
    factor = replace(
        factors.get("category.laptop.gwp"), value=value, low=low, high=high, distribution=distribution
    )
    alone = FactorSet("one", MappingProxyType({"categories": (factor,)}), {}, {})
    return interval([Amount(value, (factor.id,))], alone)


@unhurried
@given(value=values, spread=st.floats(1.05, 20))
def test_draws_of_a_log_normal_have_their_95_percent_between_low_and_high(factors, value, spread):
    low, high = one(factors, value, value / spread, value * spread, "lognormal")
    assert math.log(low / value) == pytest.approx(-math.log(spread), rel=0.1)
    assert math.log(high / value) == pytest.approx(math.log(spread), rel=0.1)


@unhurried
@given(value=values, share=widths)
def test_draws_of_a_normal_have_their_95_percent_between_low_and_high(factors, value, share):
    low, high = one(factors, value, value * (1 - share), value * (1 + share), "normal")
    assert low == pytest.approx(value * (1 - share), abs=0.1 * share * value)
    assert high == pytest.approx(value * (1 + share), abs=0.1 * share * value)


@unhurried
@given(value=values, share=widths)
def test_draws_of_a_uniform_leave_a_fortieth_of_the_range_at_each_end(factors, value, share):
    low, high = one(factors, value, value * (1 - share), value * (1 + share), "uniform")
    assert low == pytest.approx(value * (1 - 0.95 * share), abs=0.04 * share * value)
    assert high == pytest.approx(value * (1 + 0.95 * share), abs=0.04 * share * value)
    assert value * (1 - share) <= low <= high <= value * (1 + share)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_factor_without_range_is_drawn_as_a_point(factors, distribution):
    assert one(factors, 3.0, 3.0, 3.0, distribution) == (3.0, 3.0)


@given(value=values, rel_sd=st.floats(0.01, 2))
def test_a_log_normal_of_a_stated_deviation_has_that_deviation(value, rel_sd):
    """Mean and variance of a log-normal, from its median and the sd of its logarithm."""
    low, high = range_of(value, rel_sd, "lognormal")
    sigma = math.log(high / low) / (2 * 1.959964)
    mean, sd = math.exp(sigma**2 / 2), math.exp(sigma**2 / 2) * math.sqrt(math.exp(sigma**2) - 1)
    assert sd / mean == pytest.approx(rel_sd)
    assert math.sqrt(low * high) == pytest.approx(value)


def test_a_normal_of_a_stated_deviation_is_as_wide_as_it(factors):
    low, high = range_of(100, 0.1, "normal")
    assert (low, high) == pytest.approx((80.4, 119.6), abs=0.01)


CONTRADICTIONS = {
    "a log-normal that reaches 0": ((1, 0, 2, "lognormal"), "cannot have low = 0"),
    "fixed with a range": ((1, 0.5, 2, "fixed"), "is fixed but has a range from"),
    "a normal off its middle": ((1, 0.5, 4, "normal"), "not the middle"),
    "a uniform off its middle": ((1, 0.5, 4, "uniform"), "not the middle"),
    "a relative error of nothing": ((0, -1, 1, "normal"), "the value is 0"),
    "a distribution nobody knows": (
        (1, 0.5, 2, "triangular"),
        "unknown distribution 'triangular'. Give one of: lognormal, normal",
    ),
}


@pytest.mark.parametrize(("stated", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_range_that_contradicts_its_distribution_is_named(stated, said):
    assert said in contradiction(*stated)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS[:3])
def test_a_symmetric_range_above_zero_is_any_distribution_s(distribution):
    assert contradiction(1.0, 0.96, 1.04, distribution) is None


ROW = {
    "id": "component.test.gwp", "subject": "test", "stage": "manufacturing", "criterion": "gwp", "value": "2",
    "low": "", "high": "", "range_basis": "source", "unit": "kg CO2 eq", "per": "server", "zone": "",
    "year": "2021", "source": "uba-94-2021", "locator": "somewhere", "note": "", "rel_sd": "",
    "distribution": "",
}  # fmt: skip


def written(tables, **change):
    """A table of a row that may state a deviation and a distribution."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ROW, lineterminator="\n")
    writer.writeheader()
    writer.writerow(ROW | change)
    (tables / "own.csv").write_text(text.getvalue())
    return load_factor_set(tables).get("component.test.gwp")


def test_low_and_high_follow_from_a_stated_deviation(tables):
    factor = written(tables, rel_sd="0.25")
    assert (factor.low, factor.high) == pytest.approx(range_of(2, 0.25, "lognormal"))
    assert factor.distribution == "lognormal"


def test_a_table_needs_no_columns_for_low_and_high_where_it_has_the_deviation(tables):
    columns = [name for name in (*COLUMNS, "rel_sd") if name not in ("low", "high")]
    row = ",".join((ROW | {"rel_sd": "0.25"})[name] for name in columns)
    (tables / "own.csv").write_text(",".join(columns) + "\n" + row + "\n")
    assert load_factor_set(tables).get("component.test.gwp").low < 2


def test_a_stated_distribution_is_kept(tables):
    assert written(tables, low="1", high="3", distribution="uniform").distribution == "uniform"


BAD = {
    "both deviation and range": (
        {"rel_sd": "0.2", "low": "1", "high": "3"},
        "rel_sd and low and high: remove one",
    ),
    "both deviation and one end": ({"rel_sd": "0.2", "low": "1"}, "rel_sd and low: remove one"),
    "no range at all": ({}, "no range: give low and high, or rel_sd"),
    "one end only": ({"low": "1"}, "no range: give low and high, or rel_sd"),
    "unknown distribution": (
        {"low": "1", "high": "3", "distribution": "triangular"},
        "unknown distribution 'triangular'. Give one of: lognormal",
    ),
    "a log-normal that reaches 0": ({"low": "0", "high": "3"}, "cannot have low = 0"),
    "a deviation in percent sign": ({"rel_sd": "25%"}, "could not convert"),
    "a negative deviation": ({"rel_sd": "-0.2"}, r"not a share of the value \(example: 0.25 for 25 %\)"),
    "a deviation of no number": ({"rel_sd": "nan"}, "not a share of the value"),
    "a deviation of a uniform": ({"rel_sd": "0.2", "distribution": "uniform"}, "give low and high"),
    "a log-normal of nothing": ({"value": "0", "rel_sd": "0.2"}, "cannot have the value"),
    "a negative log-normal": ({"value": "-2", "rel_sd": "0.2"}, "cannot have the value"),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD)
def test_a_row_whose_range_contradicts_itself_is_refused_with_its_place(tables, change, said):
    with pytest.raises(BadFactorRow, match=rf"own\.csv line 2: .*({said})"):
        written(tables, **change)


def test_every_shipped_factor_is_drawn_as_before(factors):
    """The log-normal that a range has always meant: exp(z sd), z of the id's own seed."""
    factor = factors.get("category.laptop.gwp")
    assert factor.distribution == "lognormal"
    seed = int.from_bytes(hashlib.sha256(factor.id.encode()).digest()[:8], "big")
    drawn = factor.value * np.exp(np.random.default_rng(seed).standard_normal(2000) * factor.rel_sd)
    assert interval([Amount(factor.value, (factor.id,))], factors) == pytest.approx(
        np.quantile(drawn, (0.025, 0.975)), rel=1e-12
    )

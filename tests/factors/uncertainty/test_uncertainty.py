"""95 % intervals: seeded, shared between figures, true to the factors' ranges."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.explanation.term import leaf, product, quotient, total
from parcimetre_factors.hardware.description import Cpu, Hardware, Memory
from parcimetre_factors.uncertainty.amounts import Amount, amounts
from parcimetre_factors.uncertainty.monte_carlo import interval

MADE = Criterion.GWP, Stage.MANUFACTURING


def width(bounds, value):
    """Relative width of an interval."""
    return (bounds[1] - bounds[0]) / value


def laptops(factors, n):
    """Ids of the manufacturing factors of n products, each with an error of its own and a like range."""
    alike = [f for f in factors.table("products") if f.stage == "manufacturing" and 0.1 < f.rel_sd < 0.3]
    return [str(factor.id) for factor in alike[:n]]


def test_the_same_figure_has_the_same_interval_twice(factors):
    parts = [Amount(3.0, ("category.laptop.gwp", "life.laptop")), Amount(2.0, ("grid.fr.2024.gwp",))]
    assert interval(parts, factors) == interval(list(parts), factors)


def test_the_order_of_parts_does_not_matter(factors):
    parts = [Amount(3.0, ("category.laptop.gwp",)), Amount(2.0, ("grid.fr.2024.gwp",))]
    assert interval(parts[::-1], factors) == pytest.approx(interval(parts, factors))


def test_a_factor_alone_gets_its_own_stated_range(factors):
    """2,000 draws find a 2.5 % quantile within a few percent of the spread."""
    factor = factors.get("category.laptop.gwp")
    low, high = interval([Amount(factor.value, (factor.id,))], factors)
    assert math.log(high / low) == pytest.approx(math.log(factor.high / factor.low), rel=0.1)


def test_an_error_that_all_devices_share_does_not_shrink_with_their_number(factors):
    one = interval([Amount(1.0, ("grid.fr.2024.gwp",))], factors)
    thousand = interval([Amount(1.0, ("grid.fr.2024.gwp",))] * 1000, factors)
    assert width(thousand, 1000) == pytest.approx(width(one, 1))


def test_errors_of_their_own_average_out(factors):
    names = laptops(factors, 100)
    one = max(width(interval([Amount(1.0, (name,))], factors), 1) for name in names[:5])
    hundred = width(interval([Amount(1.0, (name,)) for name in names], factors), 100)
    assert hundred < one / 5


def test_a_wider_factor_gives_a_wider_interval(factors):
    names = ("grid.fr.2024.gwp", "category.laptop.gwp", "category.other.gwp")
    spreads = [factors.get(name).rel_sd for name in names]
    widths = [width(interval([Amount(1.0, (name,))], factors), 1) for name in names]
    assert spreads == sorted(spreads)
    assert widths == sorted(widths)


def test_a_second_error_widens_the_interval(factors):
    one = interval([Amount(1.0, ("category.laptop.gwp",))], factors)
    both = interval([Amount(1.0, ("category.laptop.gwp", "life.laptop"))], factors)
    assert width(both, 1) > width(one, 1)


def test_what_carries_no_error_is_a_point(factors):
    assert interval([Amount(2.0), Amount(3.0)], factors) == (5.0, 5.0)
    assert interval([], factors) == (0.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(range(8))), max_size=12))
def test_the_interval_always_holds_the_value(factors, drawn):
    names = laptops(factors, 8)
    parts = [Amount(value, (names[i],)) for value, i in drawn]
    low, high = interval(parts, factors)
    assert low <= sum(part.value for part in parts) <= high


def test_a_sum_is_taken_apart_and_a_product_multiplied_out():
    a, b, c = (
        leaf(name, value, "1", "factor", factor=name) for name, value in (("a", 2.0), ("b", 3.0), ("c", 4.0))
    )
    tree = product("(a + b) c / b", "1", (total("a + b", "1", (a, b)), quotient("c / b", "1", (c, b))))
    found = sorted((amount.value, amount.errors) for amount in amounts(tree))
    assert found == [(pytest.approx(8 / 3), ("a", "c", "b")), (pytest.approx(4.0), ("b", "c", "b"))]


@pytest.mark.parametrize(
    "hardware",
    [
        Hardware("laptop", "Dell Inc.", "Latitude 5420"),
        Hardware("server", cpus=(Cpu(None, 2, 16),), memory=(Memory(32, 8),)),
        Hardware("virtual_machine", cpus=(Cpu(None, 1, 2, 4),), virtual=True),
        Hardware("toaster"),
    ],
    ids=lambda hardware: hardware.category,
)
def test_the_amounts_of_a_tree_add_up_to_it_and_name_factors_that_exist(factors, hardware):
    term = embodied(hardware, factors).by_stage[MADE]
    found = amounts(term)
    assert math.fsum(amount.value for amount in found) == pytest.approx(term.value)
    assert all(error in factors.factors for amount in found for error in amount.errors)
    low, high = interval(found, factors)
    assert low < term.value < high


@given(st.floats(0.01, 1000), st.floats(0.1, 100), st.floats(0.1, 100))
def test_bounds_scale_with_the_amounts(factors, times, made, used):
    """Twice the devices and twice the use have twice the bounds."""
    parts = [Amount(made, ("category.laptop.gwp",)), Amount(used, ("grid.fr.2024.gwp",))]
    more = [Amount(part.value * times, part.errors) for part in parts]
    assert interval(more, factors) == pytest.approx([times * bound for bound in interval(parts, factors)])


@given(st.floats(0.1, 100), st.floats(0.01, 0.99))
def test_a_period_cut_in_two_has_the_bounds_of_the_whole(factors, used, share):
    errors = ("grid.fr.2024.gwp",)
    cut = [Amount(used * share, errors), Amount(used * (1 - share), errors)]
    assert interval(cut, factors) == pytest.approx(interval([Amount(used, errors)], factors))

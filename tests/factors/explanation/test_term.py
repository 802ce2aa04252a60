"""Trees of terms: the value of a tree is what its leaves give."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.explanation.term import (
    LEAVES,
    evaluate,
    leaf,
    product,
    quotient,
    recompute,
    total,
    walk,
)
from parcimetre_factors.grid.intensity import intensity_term, zones
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory
from parcimetre_factors.power.model import component_remainder, power_model

leaves = st.builds(lambda value: leaf("x", value, "1", "given"), st.floats(0.1, 10))
some = {"min_size": 1, "max_size": 4}
trees = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.lists(below, **some).map(lambda terms: total("sum", "1", tuple(terms))),
        st.lists(below, **some).map(lambda terms: product("product", "1", tuple(terms))),
        st.tuples(below, below).map(lambda terms: quotient("quotient", "1", terms)),
    ),
    max_leaves=20,
)
processors = st.sampled_from(
    [None, "Intel Xeon Gold 6130", "AMD EPYC 7543", "Intel Core i5-8250U", "Unknown"]
)
devices = st.builds(
    Hardware,
    category=st.sampled_from(
        ["laptop", "desktop", "server", "mini_pc", "printer", "virtual_machine", "toaster"]
    ),
    year=st.none() | st.integers(1995, 2040),
    cpus=st.lists(
        st.builds(Cpu, processors, st.integers(1, 4), st.none() | st.integers(1, 128)), max_size=2
    ).map(tuple),
    memory=st.lists(st.builds(Memory, st.floats(0.5, 128), st.integers(1, 32)), max_size=2).map(tuple),
    disks=st.lists(st.builds(Disk, st.sampled_from(["ssd", "hdd"]), st.floats(16, 20_000)), max_size=3).map(
        tuple
    ),
    case=st.sampled_from(["rack", "blade", "tower"]),
)


@given(trees)
def test_any_tree_recomputes_to_its_value_to_the_last_digit(tree):
    assert recompute(tree) == tree.value


@given(devices)
def test_whatever_the_engine_says_of_a_device_recomputes(factors, hardware):
    terms = [
        *embodied(hardware, factors).by_stage.values(),
        *power_model(hardware, factors).terms().values(),
        component_remainder(hardware, factors),
    ]
    for term in terms:
        assert math.isfinite(term.value)
        assert recompute(term) == term.value


@given(devices)
def test_every_factor_that_a_tree_names_exists(factors, hardware):
    for term in embodied(hardware, factors).by_stage.values():
        named = [below for below in walk(term) if below.operation == "factor"]
        assert named
        assert all(below.factor in factors.factors for below in named)


def test_a_factor_s_leaf_has_the_factor_s_value(factors):
    terms = [intensity_term(zone, 0, factors) for zone in zones(factors)]
    for below in (below for term in terms for below in walk(term)):
        if below.operation == "factor":
            assert below.value == factors.get(below.factor).value


def test_walking_visits_parents_first_and_everything_once():
    a, b = (leaf(name, 1.0, "1", "given") for name in "ab")
    tree = total("whole", "1", (total("part", "1", (a,)), b))
    assert [term.label for term in walk(tree)] == ["whole", "part", "a", "b"]


@pytest.mark.parametrize("operation", sorted(LEAVES))
def test_a_leaf_is_not_computed(operation):
    with pytest.raises(ValueError, match="is a leaf"):
        evaluate(operation, [])

"""What must hold for any hardware and any amounts: figures scale, add up, and invent nothing."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.criteria import UNITS, Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory
from parcimetre_factors.tables.factor_set import load_factor_set
from parcimetre_factors.uncertainty.amounts import Amount, amounts
from parcimetre_factors.uncertainty.monte_carlo import interval

FACTORS = load_factor_set()
CATEGORIES = (
    "laptop",
    "desktop",
    "all_in_one",
    "mini_pc",
    "server",
    "monitor",
    "printer",
    "projector",
    "other",
    "spaceship",
)
MADE = Criterion.GWP, Stage.MANUFACTURING
ERRORS = ("grid.fr.2024.gwp", "category.laptop.gwp", "life.laptop", "power.laptop.error")
CPUS = st.builds(
    Cpu, st.sampled_from([None, "Intel Xeon Gold 6130"]), st.integers(1, 4), st.integers(1, 64), st.none()
)
MEMORY = st.builds(Memory, st.sampled_from([4, 8, 16, 64]), st.integers(1, 24))
DISKS = st.builds(Disk, st.sampled_from(["ssd", "hdd"]), st.integers(100, 20_000), st.integers(1, 24))
HARDWARE = st.builds(
    Hardware,
    st.sampled_from(CATEGORIES),
    st.sampled_from([None, "Dell Inc."]),
    st.sampled_from([None, "Latitude 5420", "PowerEdge R740", "Precision 14 5470"]),
    cpus=st.lists(CPUS, max_size=2).map(tuple),
    memory=st.lists(MEMORY, max_size=2).map(tuple),
    disks=st.lists(DISKS, max_size=2).map(tuple),
    screen_inch=st.one_of(st.none(), st.floats(1, 200)),
    weight_kg=st.one_of(st.none(), st.floats(0.01, 5000)),
    kind=st.sampled_from([None, "workstation", "thin_client", "household", "unheard of"]),
    virtual=st.booleans(),
)
AMOUNTS = st.lists(
    st.builds(Amount, st.floats(0.001, 1e6), st.lists(st.sampled_from(ERRORS), unique=True).map(tuple)),
    min_size=1,
    max_size=8,
)


@given(HARDWARE)
def test_parts_of_any_hardware_add_up_to_the_whole(hardware):
    for (criterion, _), term in embodied(hardware, FACTORS).by_stage.items():
        assert term.unit == UNITS[criterion]
        assert math.fsum(part.value for part in term.inputs) == pytest.approx(term.value)
        assert recompute(term) == pytest.approx(term.value)
        assert math.fsum(amount.value for amount in amounts(term)) == pytest.approx(term.value)


@given(HARDWARE)
def test_no_stage_of_any_hardware_is_zero(hardware):
    """A criterion or stage that no source gives is not among them."""
    found = embodied(hardware, FACTORS).by_stage
    assert found
    assert all(term.value > 0 for term in found.values())
    assert any(criterion == Criterion.GWP for criterion, _ in found)


@given(HARDWARE)
def test_every_number_of_the_tables_in_a_tree_is_the_factor_that_it_names(hardware):
    for tree in embodied(hardware, FACTORS).by_stage.values():
        for term in walk(tree):
            if term.operation == "factor":
                assert term.value == FACTORS.get(term.factor).value


@given(st.integers(1, 24), st.integers(2, 10))
def test_parts_scale_with_their_number(modules, times):
    one, many = (
        embodied(Hardware("server", cpus=(Cpu(None, 1, 8, None),), memory=(Memory(16, n),)), FACTORS)
        for n in (modules, modules * times)
    )
    for key, term in one.by_stage.items():
        of_one, of_many = (
            next(part.value for part in whole.inputs if part.label == "memory")
            for whole in (term, many.by_stage[key])
        )
        assert of_many == pytest.approx(times * of_one)


@given(st.sampled_from(["laptop", "desktop", "mini_pc"]), st.integers(1, 8), st.integers(2, 10))
def test_a_client_s_parts_scale_with_their_number_and_its_rest_does_not(category, modules, times):
    few, many = (
        embodied(
            Hardware(
                category, cpus=(Cpu(None, 1, 8),), memory=(Memory(16, n),), disks=(Disk("ssd", 512),),
                screen_inch=14,
            ),
            FACTORS,
        ).by_stage[MADE]
        for n in (modules, modules * times)
    )  # fmt: skip
    parts, more = ({part.label: part.value for part in term.inputs} for term in (few, many))
    assert more.pop("memory") == pytest.approx(times * parts.pop("memory"))
    assert more == parts


@given(AMOUNTS, st.floats(0.001, 1e4))
def test_an_interval_scales_with_what_it_is_of(parts, times):
    low, high = interval(parts, FACTORS)
    scaled = interval([replace(part, value=part.value * times) for part in parts], FACTORS)
    assert scaled == pytest.approx((low * times, high * times))


@given(AMOUNTS, st.floats(0.01, 0.99))
def test_an_amount_split_in_two_has_the_same_interval(parts, share):
    split = [replace(part, value=part.value * each) for part in parts for each in (share, 1 - share)]
    assert interval(split, FACTORS) == pytest.approx(interval(parts, FACTORS))


@given(st.floats(0, 0.95), st.floats(0.05, 1))
def test_more_measured_energy_never_widens_the_interval(measured, more):
    """The same energy, a greater share of it counted: the model's error goes, the grid's stays."""
    after = measured + (1 - measured) * more
    before, then = (width_when(share) for share in (measured, after))
    assert then <= before * (1 + 1e-9)


def width_when(share):
    """Width of the interval of 100 kWh of which a share is measured."""
    low, high = interval(
        [
            Amount(100 * share, ("grid.fr.2024.gwp",)),
            Amount(100 * (1 - share), ("grid.fr.2024.gwp", "power.laptop.error")),
        ],
        FACTORS,
    )
    return high - low

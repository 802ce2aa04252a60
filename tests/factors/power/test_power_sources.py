"""Which power source wins in a slot, and what is left to the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.activity import Activity, MeasuredEnergy
from parcimetre_factors.explanation.term import leaf
from parcimetre_factors.power.power_sources import INDEX, LOAD_STATES, POWER_SOURCES, select_power_source
from parcimetre_factors.power.power_supply import SupplyEfficiency
from parcimetre_factors.tables.factor_set import FactorId

WATTS = {piece: leaf("power", float(i + 1), "W", "modelled") for i, piece in enumerate(LOAD_STATES)}


def activity(measured=(), display_on_s=900, asleep_s=0, load=True):
    """One slot, awake with the display on, half of it in the lowest decile."""
    load_s = np.zeros((1, 10))
    if load:
        load_s[0, :2] = display_on_s / 2
    column = {"display_on_s": display_on_s, "display_off_s": 0, "asleep_s": asleep_s, "off_s": 0}
    arrays = {name: np.array([float(seconds)]) for name, seconds in column.items()}
    return Activity(start=np.array([0]), load_deciles_s=load_s, measured=tuple(measured), **arrays)


def counter(scope, energy_j=900.0, duration_s=900.0, quality="measured", source="x"):
    return MeasuredEnergy(source, scope, quality, np.array([energy_j]), np.array([duration_s]))


@pytest.mark.parametrize("scope", ["wall_ac", "psu_dc", "platform", "battery"])
def test_a_counter_of_the_whole_device_leaves_nothing_to_the_model(scope):
    chosen = select_power_source(activity([counter(scope, 1234.0)]), WATTS)
    assert POWER_SOURCES[chosen.source[0]].name == scope
    assert chosen.energy_j[0] == chosen.measured_j[0] == 1234.0


def test_the_ladder_is_the_documented_one():
    names = [source.name for source in POWER_SOURCES]
    assert names == ["wall_ac", "psu_dc", "platform", "battery", "components", "load_model", "state_model"]


def test_scopes_that_overlap_are_never_added_up():
    every = [counter(s, 100.0) for s in ("package", "dram", "platform", "battery", "wall_ac", "psu_dc")]
    assert select_power_source(activity(every), WATTS).energy_j[0] == 100.0


def test_processor_counters_are_joined_by_the_modelled_rest_of_the_device():
    chosen = select_power_source(activity([counter("package", 500.0), counter("dram", 50.0)]), WATTS)
    display, remainder = WATTS["display"].value, WATTS["remainder"].value
    assert POWER_SOURCES[chosen.source[0]].name == "components"
    assert chosen.measured_j[0] == 550.0
    assert chosen.energy_j[0] == pytest.approx(550.0 + 900 * (display + remainder))


def test_memory_alone_is_no_measure_of_a_device():
    chosen = select_power_source(activity([counter("dram", 50.0)]), WATTS)
    assert POWER_SOURCES[chosen.source[0]].name == "load_model"
    assert chosen.measured_j[0] == 0.0


def test_what_a_counter_missed_of_the_time_awake_is_modelled():
    half = select_power_source(activity([counter("wall_ac", 1000.0, duration_s=450.0)]), WATTS)
    modelled = select_power_source(activity(), WATTS)
    assert half.energy_j[0] == pytest.approx(1000.0 + modelled.energy_j[0] / 2)


def test_a_counter_covers_the_time_awake_before_the_time_asleep():
    chosen = select_power_source(
        activity([counter("battery", 1000.0, 300.0)], display_on_s=300, asleep_s=600), WATTS
    )
    assert chosen.energy_j[0] == pytest.approx(1000.0 + 600 * WATTS["asleep"].value)


def test_without_load_the_states_alone_are_modelled():
    assert select_power_source(activity(load=False), WATTS).source[0] == INDEX["state_model"]
    assert select_power_source(activity(load=True), WATTS).source[0] == INDEX["load_model"]


def test_of_two_sources_of_a_scope_the_better_quality_wins():
    both = [
        counter("battery", 900.0, quality="vendor_estimate", source="b"),
        counter("battery", 700.0, source="a"),
    ]
    assert select_power_source(activity(both), WATTS).energy_j[0] == 700.0


def test_energy_that_its_source_modelled_is_not_called_measured():
    chosen = select_power_source(activity([counter("platform", 700.0, quality="modelled")]), WATTS)
    assert (chosen.energy_j[0], chosen.measured_j[0]) == (700.0, 0.0)


def test_a_virtual_machine_is_only_modelled_whatever_it_counts():
    chosen = select_power_source(activity([counter("package"), counter("platform")]), WATTS, virtual=True)
    assert POWER_SOURCES[chosen.source[0]].name == "load_model"
    assert chosen.measured_j[0] == 0.0


SUPPLY = SupplyEfficiency(
    "external", 100.0, (0.5, 0.6, 0.8, 0.9), 0.9, FactorId("power.supply.external.error")
)


@pytest.mark.parametrize(
    ("scope", "energy_j", "efficiency", "errors"),
    [
        ("wall_ac", 9000.0, 1.0, ()),
        ("platform", 9000.0, 0.5, ("power.supply.external.error",)),  # 10 W of 100
        ("psu_dc", 45_000.0, 0.8, ("power.supply.external.error",)),  # 50 W
        ("platform", 31_500.0, 0.7, ("power.supply.external.error",)),  # 35 W
        ("battery", 9000.0, 0.8 * 0.9, ("power.supply.external.error", "power.supply.battery")),
        ("package", 9000.0, 0.8, ("power.supply.external.error",)),
    ],
)
def test_what_is_counted_behind_a_supply_is_brought_to_the_wall(scope, energy_j, efficiency, errors):
    chosen = select_power_source(activity([counter(scope, energy_j)]), WATTS, supply=SUPPLY)
    [reading] = chosen.readings
    assert reading.counted_j[0] == energy_j
    assert chosen.counted_j[0] == pytest.approx(energy_j / efficiency)
    assert {key: value[0] for key, value in chosen.counted_by_errors.items()} == {
        errors: pytest.approx(energy_j / efficiency)
    }


@given(
    awake=st.integers(0, 900),
    counted=st.integers(1, 900),
    scope=st.sampled_from(["wall_ac", "package", "battery"]),
)
def test_counted_and_modelled_time_never_exceed_the_slot(awake, counted, scope):
    chosen = select_power_source(activity([counter(scope, 1.0, counted)], awake, 900 - awake), WATTS)
    whole = chosen.modelled_s[0, :10].sum() + chosen.modelled_s[0, [11, 12]].sum() + counted
    assert whole == pytest.approx(900)

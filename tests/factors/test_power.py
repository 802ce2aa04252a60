"""Power by load and state: relations that hold for any device, and figures worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.activity import Activity
from parcimetre_factors.explain import recompute
from parcimetre_factors.hardware import Cpu, Disk, Hardware, Memory
from parcimetre_factors.power import component_remainder, power_model
from parcimetre_factors.server_power import server_watts

I5 = Cpu("Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", 1, 4, 8)
DEVICES = {
    "laptop": Hardware("laptop", cpus=(I5,)),
    "laptop of an unknown processor": Hardware("laptop"),
    "desktop": Hardware("desktop", cpus=(Cpu("Intel Core i7-8700K"),)),
    "all-in-one": Hardware("all_in_one"),
    "mini PC": Hardware("mini_pc"),
    "server": Hardware("server", year=2019, cpus=(Cpu("Xeon Gold 6130", 2, 16),), memory=(Memory(32, 12),)),
    "server of nothing known": Hardware("server"),
    "old server full of memory": Hardware("server", year=2007, memory=(Memory(64, 48),)),
    "virtual machine": Hardware("virtual_machine", cpus=(Cpu(None, 1, 2, 4),), virtual=True),
    "unheard of": Hardware("toaster"),
}  # fmt: skip
any_device = pytest.mark.parametrize("hardware", DEVICES.values(), ids=DEVICES)
seconds = st.floats(0, 900)


def activity(display_on=0.0, display_off=0.0, asleep=0.0, off=0.0, load=None):
    """One slot; without load, none was measured."""
    deciles = np.zeros((1, 10)) if load is None else np.array([load], float)
    states = (np.array([value]) for value in (display_on, display_off, asleep, off))
    return Activity(np.array([0]), *states, deciles)


@any_device
def test_more_load_never_takes_less(factors, hardware):
    watts = [term.value for term in power_model(hardware, factors).decile_w]
    assert watts == pytest.approx(sorted(watts), rel=1e-12)
    assert watts[0] > 0


@any_device
def test_asleep_and_off_take_less_than_awake(factors, hardware):
    model = power_model(hardware, factors)
    assert 0 <= model.off_w.value <= model.asleep_w.value < model.decile_w[0].value


@any_device
def test_a_display_that_is_on_never_takes_less_than_one_that_is_off(factors, hardware):
    model = power_model(hardware, factors)
    on, off = activity(display_on=900.0), activity(display_off=900.0)
    assert model.energy_j(on)[0] >= model.energy_j(off)[0]
    assert model.energy_j(on)[0] - model.energy_j(off)[0] == pytest.approx(900 * model.display_w.value)


@any_device
def test_every_term_recomputes_and_is_in_watts(factors, hardware):
    terms = power_model(hardware, factors).terms()
    assert set(terms) == {*(f"decile{i}" for i in range(10)), "display", "asleep", "off"}
    for term in terms.values():
        assert term.unit == "W"
        assert recompute(term) == term.value


@any_device
def test_the_model_s_own_error_is_a_factor_with_a_range(factors, hardware):
    assert factors.get(power_model(hardware, factors).error).rel_sd > 0


@any_device
def test_what_counters_do_not_see_is_less_than_the_whole_device_and_never_negative(factors, hardware):
    rest = component_remainder(hardware, factors)
    assert 0 <= rest.value < power_model(hardware, factors).decile_w[0].value
    assert recompute(rest) == rest.value


@pytest.mark.parametrize("category", ["monitor", "printer", "network", "tablet", "phone"])
def test_what_only_has_a_yearly_mean_takes_it_in_every_state(factors, category):
    model = power_model(Hardware(category), factors)
    watts = factors.get(f"power.{category}.mean").value
    assert {term.value for term in (*model.decile_w, model.asleep_w, model.off_w)} == {watts}


def test_a_laptop_s_watts_are_those_worked_by_hand(factors):
    """Idle, plus 15 W of TDP times the published curve between 0, 10 and 50 %, less its start."""
    idle = factors.get("power.laptop.idle").value
    watts = power_model(DEVICES["laptop"], factors).decile_w
    assert watts[0].value == pytest.approx(idle + 15 * ((0.12 + 0.32) / 2 - 0.12))
    assert watts[1].value == pytest.approx(idle + 15 * (0.32 + (0.75 - 0.32) * 5 / 40 - 0.12))


@pytest.mark.parametrize(("load", "watts_index"), [("idle", 0), ("full", -1)])
def test_a_server_is_near_the_regression_at_its_ends(factors, load, watts_index):
    decile_w = power_model(DEVICES["server"], factors).decile_w
    at_end, other = decile_w[watts_index].value, decile_w[-1 - watts_index].value
    by_regression = server_watts(load, DEVICES["server"], factors).value
    assert abs(at_end - by_regression) < 0.15 * abs(at_end - other)


def test_disks_beyond_the_first_add_their_watts_at_any_load(factors):
    bare = DEVICES["server"]
    full = replace(bare, disks=(Disk("ssd", 480, 2), Disk("hdd", 4000, 8)))
    for less, more in zip(
        power_model(bare, factors).decile_w, power_model(full, factors).decile_w, strict=True
    ):
        assert more.value - less.value == pytest.approx(8 + 8 * 6.4)


def test_a_larger_server_takes_more(factors):
    small, large = (Hardware("server", cpus=(Cpu(None, n, 16),), memory=(Memory(32, 8 * n),)) for n in (1, 2))
    for less, more in zip(
        power_model(small, factors).decile_w, power_model(large, factors).decile_w, strict=True
    ):
        assert more.value > less.value


def test_time_awake_without_a_measured_load_counts_as_idle(factors):
    model = power_model(DEVICES["laptop"], factors)
    assert model.energy_j(activity(display_off=900.0)) == pytest.approx(900 * model.decile_w[0].value)


def test_time_in_no_known_state_takes_nothing(factors):
    assert power_model(DEVICES["laptop"], factors).energy_j(activity())[0] == 0


@given(st.lists(seconds, min_size=13, max_size=13), st.floats(0, 50))
def test_energy_is_linear_in_seconds(factors, times, times_more):
    asleep, off, on, *load = times
    awake = sum(load)
    once = activity(on, awake, asleep, off, load)
    more = activity(on * times_more, awake * times_more, asleep * times_more, off * times_more,
                    [value * times_more for value in load])  # fmt: skip
    model = power_model(DEVICES["laptop"], factors)
    assert model.energy_j(more)[0] == pytest.approx(times_more * model.energy_j(once)[0], rel=1e-9, abs=1e-6)


@given(asleep=seconds, off=seconds, awake=seconds, decile=st.integers(0, 9))
def test_energy_is_the_sum_over_states(factors, asleep, off, awake, decile):
    load = [awake if i == decile else 0.0 for i in range(10)]
    model = power_model(DEVICES["desktop"], factors)
    whole = model.energy_j(activity(0.0, awake, asleep, off, load))
    parts = (activity(0.0, awake, load=load), activity(asleep=asleep), activity(off=off))
    assert whole == pytest.approx(sum(model.energy_j(part)[0] for part in parts))

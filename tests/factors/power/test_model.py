"""Power by load and state: relations that hold for any device, and figures worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.activity import Activity
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory
from parcimetre_factors.power.model import component_remainder, power_model, watts_at
from parcimetre_factors.power.servers import server_watts
from parcimetre_factors.uncertainty.monte_carlo import interval

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
    model = power_model(hardware, factors)
    for watts in model.terms().values():
        for amount in model.amounts(watts):
            assert not watts.value or any(factors.get(error).rel_sd > 0 for error in amount.errors)


@any_device
def test_what_counters_do_not_see_is_less_than_the_whole_device_and_never_negative(factors, hardware):
    rest = component_remainder(hardware, factors)
    assert 0 <= rest.value < power_model(hardware, factors).decile_w[0].value
    assert recompute(rest) == rest.value


@pytest.mark.parametrize("category", ["printer", "network", "tablet", "phone"])
def test_what_only_has_a_yearly_mean_takes_it_in_every_state(factors, category):
    model = power_model(Hardware(category), factors)
    watts = factors.get(f"power.{category}.mean").value
    assert {term.value for term in (*model.decile_w, model.asleep_w, model.off_w)} == {watts}


def test_a_laptop_s_watts_are_those_worked_by_hand(factors):
    """Idle without the display, plus 15 W of TDP by the published curve, at the wall of a 65 W adapter.

    The test's mean is of 75 % of the time with the display on, which is 31 % of the watts with it on.
    """
    on = factors.get("power.laptop.idle").value / (1 - 0.31 * 0.25)
    model = power_model(DEVICES["laptop"], factors)
    assert model.display_w.value == pytest.approx(0.31 * on)
    assert model.decile_w[0].value == pytest.approx(0.69 * on + 15 * ((0.12 + 0.32) / 2 - 0.12) / 0.89)
    assert model.decile_w[1].value == pytest.approx(
        0.69 * on + 15 * (0.32 + (0.75 - 0.32) * 5 / 40 - 0.12) / 0.89
    )


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


def test_the_model_s_own_sheet_goes_before_its_class(factors):
    """The sheet of the Latitude 5420 states 21.35 kWh: (21.35 / 8.76 - 0.25 off - 0.35 asleep) / 0.40."""
    model = power_model(Hardware("laptop", "Dell Inc.", "Latitude 5420", cpus=(I5,)), factors)
    in_the_test = (21.35 / 8.76 - 0.25 * 0.5 - 0.35 * 0.8) / 0.40
    assert model.display_w.value == pytest.approx(0.31 * in_the_test / (1 - 0.31 * 0.25))
    assert model.errors == ("power.laptop.sheet.error",)
    assert factors.get(model.errors[0]).rel_sd < factors.get("power.laptop.error").rel_sd


def test_a_sheet_since_2021_is_of_the_newer_test(factors):
    """OptiPlex 7090 Micro, June 2021: 39.15 kWh, 15 % off, 45 % asleep, 40 % awake by version 8."""
    idle = watts_at(0, Hardware("mini_pc", "Dell Inc.", "OptiPlex 7090"), factors).value
    assert idle == pytest.approx((39.15 / 8.76 - 0.15 * 0.5 - 0.45 * 2) / 0.40)


def test_a_name_that_is_nearly_the_sheet_s_adds_its_error(factors):
    model = power_model(Hardware("laptop", "Dell Inc.", "Lattitude 5420"), factors)
    assert model.errors == ("power.laptop.sheet.error", "match.fuzzy.error")


def test_a_sheet_that_no_device_could_have_is_not_used(factors):
    """The Latitude 7350's 7.4 kWh a year leave 1.1 W for a laptop with its display on."""
    assert factors.get("power.tec.laptop.dell-latitude-7350").quality == "disputed"
    model = power_model(Hardware("laptop", "Dell Inc.", "Latitude 7350"), factors)
    assert model.errors == ("power.laptop.error",)


def test_a_sheet_of_another_kind_of_device_is_not_used(factors):
    assert power_model(Hardware("desktop", "Dell Inc.", "Latitude 5420"), factors).errors == (
        "power.desktop.error",
    )


@pytest.mark.parametrize(
    ("category", "model", "kind"),
    [
        ("desktop", "Precision Tower 7820", "workstation"),
        ("desktop", "HP Z4 G4 Workstation", "workstation"),
        ("desktop", "Precision 3650 Tower", "desktop"),
        ("desktop", "HP t640 Thin Client", "thin_client"),
        ("mini_pc", "Wyse 5070", "thin_client"),
        ("laptop", "Precision 7560", "laptop"),
        ("desktop", None, "desktop"),
        ("toaster", "Z4", "other"),
    ],
)
def test_workstations_and_thin_clients_are_told_by_their_names(factors, category, model, kind):
    assert power_model(Hardware(category, None, model), factors).evidence == kind


def test_a_monitor_takes_its_watts_while_its_display_is_on(factors):
    """What its sheet states is of 35 % of the year on, 65 % asleep at 0.3 W."""
    sheet = factors.get("power.tec.monitor.dell-p2419h-monitor").value
    model = power_model(Hardware("monitor", "Dell", "P2419H"), factors)
    on = (sheet / 8.76 - 0.65 * 0.3) / 0.35
    assert model.energy_j(activity(display_on=900.0))[0] == pytest.approx(900 * on)
    assert model.energy_j(activity(display_off=900.0))[0] == pytest.approx(900 * 0.3)
    assert model.energy_j(activity(off=900.0))[0] == pytest.approx(900 * 0.2)


def test_a_larger_monitor_takes_more(factors):
    small, usual, large = (
        watts_at(0, Hardware("monitor", screen_inch=inch), factors).value for inch in (19, 24, 34)
    )
    assert small < usual < large
    assert usual == watts_at(0, Hardware("monitor"), factors).value


def test_a_processor_s_counters_and_the_rest_are_the_idle_of_the_whole(factors):
    """At idle the counters see 12 % of 65 W; at the wall that is more, and with the rest it is idle again."""
    desktop = Hardware("desktop")
    counted = 0.12 * 65 / 0.85
    assert component_remainder(desktop, factors).value + counted == pytest.approx(
        watts_at(0, desktop, factors).value
    )


def test_the_error_of_a_server_follows_its_load(factors):
    model = power_model(DEVICES["server"], factors)
    shares = []
    for watts in (model.decile_w[0], model.decile_w[-1]):
        idle = sum(a.value for a in model.amounts(watts) if "power.server.idle.error" in a.errors)
        shares.append(idle / watts.value)
    assert shares[0] > 0.5 > shares[1]
    low, high = interval(model.amounts(model.decile_w[-1]), factors)
    idle_low, idle_high = interval(model.amounts(model.decile_w[0]), factors)
    assert (high - low) / model.decile_w[-1].value < (idle_high - idle_low) / model.decile_w[0].value


@pytest.mark.parametrize("category", ["pdu", "ups"])
def test_what_passes_electricity_on_takes_none_of_its_own(category, factors):
    passing = Hardware(category)
    model = power_model(passing, factors)
    assert {term.value for term in model.terms().values()} == {0.0}
    assert watts_at(50, passing, factors).value == 0.0
    assert component_remainder(passing, factors).value == 0.0
    assert model.errors == ()

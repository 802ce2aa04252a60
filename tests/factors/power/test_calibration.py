"""Calibration of a model on battery: what it rests on, how wide it is, and for whom it holds."""

import math
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from parcimetre_factors.activity import Activity, MeasuredEnergy
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.hardware.description import Hardware
from parcimetre_factors.power.calibration import BatterySession, calibrate, calibration_of, session
from parcimetre_factors.power.model import client, power_model
from parcimetre_factors.power.power_supply import supply
from parcimetre_factors.tables.factor_set import FactorId

HOUR = 3600.0
T14 = Hardware("laptop", "LENOVO", "ThinkPad T14 Gen 2")


def sessions(*ratios, hours=10.0):
    """One device a ratio, at 8 W by its model."""
    return [BatterySession(ratio * 8 * hours * HOUR, 8 * hours * HOUR, hours * HOUR) for ratio in ratios]


@pytest.fixture
def adopted(factors):
    """The set with a calibration of the T14."""
    by = replace(
        factors.get("power.laptop.error"), id=FactorId("power.calibration.t14"), value=1.3, low=1.1, high=1.5,
        subject="Lenovo|ThinkPad T14 Gen 2",
    )  # fmt: skip
    tables = dict(factors.tables) | {"client_power": (*factors.table("client_power"), by)}
    return replace(factors, tables=MappingProxyType(tables))


def on_battery(energy_j, duration_s=900.0, awake_s=900.0):
    """Slots with the display on, counted by the battery."""
    n = len(energy_j)
    load = np.zeros((n, 10))
    load[:, 0] = awake_s
    column = np.zeros(n)
    counted = MeasuredEnergy("battery", "battery", "measured", np.array(energy_j), np.full(n, duration_s))
    return Activity(np.arange(n) * 900, column + awake_s, column, column, column, load, (counted,))


def test_the_ratio_is_the_geometric_mean_over_devices():
    found = calibrate(sessions(0.5, 1.0, 2.0))
    assert found.ratio == pytest.approx(1.0)
    assert (found.devices, found.hours) == (3, 30.0)


def test_the_range_is_that_of_one_more_device_by_student():
    """ln of the ratios is -0.1, 0, 0.1: sd 0.1, and 4.303 for two degrees of freedom."""
    found = calibrate(sessions(*(math.exp(x) for x in (-0.1, 0.0, 0.1))))
    spread = 4.303 * 0.1 * math.sqrt(1 + 1 / 3)
    assert found.high == pytest.approx(math.exp(spread))
    assert found.low == pytest.approx(math.exp(-spread))


def test_the_error_of_the_supply_stays_however_many_devices_agree():
    found = calibrate(sessions(*[1.2] * 50), supply_sd=0.03)
    assert found.high / found.ratio == pytest.approx(math.exp(1.96 * 0.03))


def test_more_devices_make_it_narrower():
    few, many = (calibrate(sessions(*[0.9, 1.0, 1.1] * times)) for times in (1, 10))
    assert many.high / many.low < few.high / few.low


@pytest.mark.parametrize(
    "told",
    [
        [],
        sessions(1.0, 1.1),
        sessions(1.0, 1.1, 1.2, hours=6.0),
        [*sessions(1.0, 1.1, hours=30.0), *sessions(1.2, hours=0.9)],
        sessions(20.0, 21.0, 22.0),
    ],
    ids=["none", "two devices", "18 hours", "the third under an hour", "not credible"],
)
def test_too_little_or_incredible_sessions_calibrate_nothing(told):
    assert calibrate(told) is None


def test_sessions_in_any_order_give_the_same():
    told = sessions(0.8, 1.0, 1.3, 0.9)
    assert calibrate(told) == calibrate(list(reversed(told)))


def test_a_session_is_at_the_wall_of_the_plugged_in_device(factors):
    """7,200 J in a quarter hour are 8 W, 12 % of a 65 W adapter: 0.79 plus a quarter of the way to 0.85."""
    adapter = supply(T14, factors)
    activity = on_battery([7200.0])
    found = session(activity, client(T14, factors).energy_j(activity), adapter)
    efficiency = 0.79 + 0.06 * (8 / 65 * 100 - 10) / 10
    assert found.measured_j == pytest.approx(7200 / efficiency)
    assert found.modelled_j == pytest.approx(client(T14, factors).energy_j(activity)[0])
    assert found.seconds == 900


def test_slots_that_the_battery_counted_in_part_are_left_out(factors):
    activity = on_battery([3000.0, 3000.0], duration_s=400.0)
    assert session(activity, np.ones(2), supply(T14, factors)).seconds == 0


def test_a_device_without_a_battery_has_no_session(factors):
    activity = replace(on_battery([1.0]), measured=())
    assert session(activity, np.ones(1), supply(T14, factors)) == BatterySession(0.0, 0.0, 0.0)


def test_a_calibrated_model_takes_the_ratio_awake_and_its_error(adopted):
    plain, found = client(T14, adopted), power_model(T14, adopted)
    for name, watts in found.terms().items():
        ratio = 1.0 if name in ("asleep", "off") else 1.3
        assert watts.value == pytest.approx(ratio * plain.terms()[name].value)
        assert recompute(watts) == watts.value
    assert found.errors == ("power.calibration.t14",)


@pytest.mark.parametrize("model", ["ThinkPad T14 Gen 1", "ThinkPad T14s Gen 2", None])
def test_a_calibration_never_holds_for_another_model(adopted, model):
    other = Hardware("laptop", "LENOVO", model)
    assert calibration_of(other, adopted) is None
    assert power_model(other, adopted) == client(other, adopted)


def test_the_shipped_set_calibrates_nothing(factors):
    assert calibration_of(T14, factors) is None
    assert power_model(T14, factors) == client(T14, factors)

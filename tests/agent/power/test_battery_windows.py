"""The battery of a Windows machine counts only while it alone feeds it, and only what can be."""

import struct
from typing import Any

import pytest
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok, Outcome
from parcimetre_agent.metering.counters import Counter, grown_j
from parcimetre_agent.power import battery_windows
from parcimetre_agent.windows.battery import INTERFACE

TAG, INFORMATION, STATUS = 0x294040, 0x294044, 0x29404C
SYSTEM, RELATIVE, SHORT_TERM = 0x80000000, 0x40000000, 0x20000000
ON_LINE, DISCHARGING, CHARGING = 1, 2, 4


def _battery(drivers: Any, capabilities: int = SYSTEM) -> None:
    drivers.lists[INTERFACE] = ["battery"]
    basic = struct.pack("<I4s4s6I", capabilities, b"\1", b"LiP\0", 52_500, 47_000, 700, 3000, 0, 143)
    drivers.answers |= {("battery", TAG): struct.pack("<I", 7), ("battery", INFORMATION): basic}
    _state(drivers)


def _state(drivers: Any, state: int = DISCHARGING, left_mwh: int = 31_000, rate_mw: int = -8_400) -> None:
    drivers.answers["battery", STATUS] = struct.pack("<IIIi", state, left_mwh, 11_800, rate_mw)


def _read(drivers: Any, line: int = 255, flags: int = 255) -> Outcome[list[Counter]]:
    """Asked on a machine whose power status is not known, unless the test says."""
    return battery_windows.read(drivers, lambda: bytes([line, flags]) + bytes(10))


def test_energy_taken_out_grows_as_the_gauge_falls(drivers: Any) -> None:
    _battery(drivers)
    before = _read(drivers)
    _state(drivers, left_mwh=30_930)
    after = _read(drivers)
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert grown_j(before.value[0], after.value[0], 30.0) == pytest.approx(0.070 * 3600)


@pytest.mark.parametrize("left_mwh", [30_300, 3_100], ids=["ten times the rate", "a tenth of the charge"])
def test_jump_of_the_gauge_is_not_believed(drivers: Any, left_mwh: int) -> None:
    _battery(drivers)
    before = _read(drivers)
    _state(drivers, left_mwh=left_mwh)
    after = _read(drivers)
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert grown_j(before.value[0], after.value[0], 30.0) is None


@pytest.mark.parametrize("state", [ON_LINE, ON_LINE | CHARGING, ON_LINE | DISCHARGING, CHARGING, 0])
def test_nothing_counts_on_mains_or_while_charging(drivers: Any, state: int) -> None:
    _battery(drivers)
    _state(drivers, state)
    assert isinstance(_read(drivers), NoData)


@pytest.mark.parametrize(
    ("left_mwh", "rate_mw"),
    [(0xFFFFFFFF, -8_400), (0, -8_400), (90_000, -8_400), (31_000, 8_400)],
    ids=["unknown", "nothing", "more energy than its capacity", "charges while discharging"],
)
def test_driver_that_contradicts_itself_has_failed(drivers: Any, left_mwh: int, rate_mw: int) -> None:
    _battery(drivers)
    _state(drivers, left_mwh=left_mwh, rate_mw=rate_mw)
    assert isinstance(_read(drivers), Failed)


def test_percent_is_no_energy_and_a_ups_no_battery_of_the_machine(drivers: Any) -> None:
    _battery(drivers, SYSTEM | RELATIVE)
    assert isinstance(_read(drivers), Failed)
    _battery(drivers, SYSTEM | SHORT_TERM)
    assert isinstance(_read(drivers), NoData)


def test_empty_bay_is_no_battery_and_a_closed_one_is_denied(drivers: Any) -> None:
    drivers.lists[INTERFACE] = ["battery"]
    assert isinstance(_read(drivers), NoData)
    drivers.answers["battery", TAG] = PermissionError(13, "denied", "battery")
    assert isinstance(_read(drivers), Denied)


@pytest.mark.parametrize(
    ("line", "flags", "outcome"),
    [(1, 8, NoData), (0, 128, NoData), (0, 1, Ok), (255, 255, Ok)],
    ids=["on mains", "no battery", "on battery", "not known"],
)
def test_no_driver_is_asked_on_mains(drivers: Any, line: int, flags: int, outcome: type) -> None:
    _battery(drivers)
    assert isinstance(_read(drivers, line, flags), outcome)

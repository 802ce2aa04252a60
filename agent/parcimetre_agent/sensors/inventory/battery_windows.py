"""Batteries that power the machine: capacity when new and now, cycles, chemistry."""

from __future__ import annotations

from typing import Any

from ...base.outcome import NoData, Ok, Outcome, from_os_error
from ...identification.names import clipped
from ...power.battery_windows import GRANT
from ...report import Battery
from ...windows.battery import BatteryDescription, BatteryGauge, gauges
from ...windows.devices import Devices
from ..machine import Machine


def read(_machine: Machine, devices: Devices | None = None) -> Outcome[dict[str, Any]]:
    """One entry per battery; a UPS on the desk is none of the machine's."""
    try:
        described = [(gauge, gauge.describe()) for gauge in gauges(devices or Devices())]
    except OSError as error:
        return from_os_error(error, GRANT)
    batteries = [_battery(gauge, seen) for gauge, seen in described if seen is not None and seen.in_system]
    return Ok({"batteries": batteries[:8]}) if batteries else NoData("no battery")


def _battery(gauge: BatteryGauge, seen: BatteryDescription) -> Battery:
    return Battery(
        design_mwh=seen.design_mwh,
        full_mwh=seen.full_mwh,
        cycles=seen.cycles,
        technology=clipped(seen.chemistry),
        maker=clipped(gauge.maker()),
        model=clipped(gauge.model()),
    )

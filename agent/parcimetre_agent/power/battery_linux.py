"""Energy drawn from the battery: the whole machine's, but only while it feeds it alone.

The gauge's remaining energy is a counter that runs down; taken negative it is one that runs up. A fall much
faster than the gauge's own rate is a recalibration, and is not believed.
"""

from __future__ import annotations

from ..base.outcome import Failed, NoData, Ok, Outcome
from ..machine import sysfs
from ..metering.counters import Counter, gauge_ceiling_w

SOURCE, QUALITY = "battery", "measured"
J_PER_UWH = 3.6e-3


def read(root: str = "/sys/class/power_supply") -> Outcome[list[Counter]]:
    """A counter per battery while all of the power comes from batteries, else no data."""
    supplies = sysfs.entries(root)
    batteries = [name for name in supplies if is_system_battery(root, name)]
    if not batteries:
        return NoData("no battery")
    if any(_is_mains_on(root, name) for name in supplies):
        return NoData("on mains")
    if "Discharging" not in [sysfs.text(root, name, "status") for name in batteries]:
        return NoData("no battery is discharging")
    readings = [_counter(root, name) for name in batteries]
    counters = [counter for counter in readings if counter is not None]
    if len(counters) < len(batteries):
        return Failed("a battery does not state its remaining energy")
    return Ok(counters)


def is_system_battery(root: str, name: str) -> bool:
    """Whether a supply is a battery of the machine; a mouse has one too."""
    return sysfs.text(root, name, "type") == "Battery" and sysfs.text(root, name, "scope") != "Device"


def _is_mains_on(root: str, name: str) -> bool:
    kind = sysfs.text(root, name, "type")
    return kind in ("Mains", "USB", "Wireless") and (sysfs.integer(root, name, "online") or 0) > 0


def _counter(root: str, name: str) -> Counter | None:
    left_uwh = remaining_uwh(root, name)
    if left_uwh is None:
        return None
    ceiling_w = gauge_ceiling_w(_rate_w(root, name) or 0.0)
    return Counter(SOURCE, "battery", QUALITY, name, -left_uwh * J_PER_UWH, 0.0, ceiling_w)


def remaining_uwh(root: str, name: str) -> float | None:
    """Remaining energy in microwatt-hours, from charge and voltage where the gauge counts charge."""
    energy_uwh = sysfs.integer(root, name, "energy_now")
    if energy_uwh is not None:
        return float(energy_uwh)
    charge_uah = sysfs.integer(root, name, "charge_now")
    voltage_uv = sysfs.integer(root, name, "voltage_min_design") or sysfs.integer(root, name, "voltage_now")
    if charge_uah is None or voltage_uv is None:
        return None
    return charge_uah * voltage_uv / 1e6


def _rate_w(root: str, name: str) -> float | None:
    power_uw = sysfs.integer(root, name, "power_now")
    if power_uw is not None:
        return power_uw / 1e6
    current_ua = sysfs.integer(root, name, "current_now")
    voltage_uv = sysfs.integer(root, name, "voltage_now")
    if current_ua is None or voltage_uv is None:
        return None
    return current_ua * voltage_uv / 1e12

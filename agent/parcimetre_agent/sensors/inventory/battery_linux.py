"""Batteries that power the machine: capacity when new and now, cycles, chemistry."""

from __future__ import annotations

from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...machine import sysfs
from ...power.battery_linux import is_system_battery
from ...report import Battery
from ..machine import Machine


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """One entry per battery; those of mice and headsets are none of the machine's."""
    root = machine.path("sys/class/power_supply")
    names = [name for name in sysfs.entries(root) if is_system_battery(root, name)]
    if not names:
        return NoData("no battery")
    return Ok({"batteries": [_battery(root, name) for name in names][:8]})


def _battery(root: str, name: str) -> Battery:
    cycles = sysfs.integer(root, name, "cycle_count")
    return Battery(
        design_mwh=_mwh(root, name, "full_design"),
        full_mwh=_mwh(root, name, "full"),
        cycles=cycles if cycles is not None and 0 < cycles < 100_000 else None,
        technology=clipped(sysfs.text(root, name, "technology")),
        maker=clipped(sysfs.text(root, name, "manufacturer")),
        model=clipped(sysfs.text(root, name, "model_name")),
    )


def _mwh(root: str, name: str, what: str) -> int | None:
    """Energy in mWh, from charge and design voltage where the gauge counts charge."""
    energy_uwh = sysfs.integer(root, name, f"energy_{what}")
    if energy_uwh is None:
        charge_uah = sysfs.integer(root, name, f"charge_{what}")
        voltage_uv = sysfs.integer(root, name, "voltage_min_design")
        if charge_uah is None or voltage_uv is None:
            return None
        energy_uwh = charge_uah * voltage_uv // 1_000_000
    return max(0, energy_uwh // 1000)

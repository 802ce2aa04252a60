"""Displays that are plugged in, as their EDID in the registry states them; serial numbers as keyed hashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification import edid
from ...report import Display
from ...windows.devices import Devices
from ...windows.displays import attached, targets
from ...windows.registry import Registry
from ..displays import reported_display
from ..machine import Machine

MONITORS = "{4d36e96e-e325-11ce-bfc1-08002be10318}"
DEVICES = r"SYSTEM\CurrentControlSet\Enum"
_LONGEST_PANEL_MM = 480


def read(
    _machine: Machine,
    devices: Devices | None = None,
    registry: Registry | None = None,
    shown: Callable[[], list[bytes]] = targets,
) -> Outcome[dict[str, Any]]:
    """One entry per connected display; the registry alone would keep every display ever seen."""
    known = registry or Registry()
    within = dict(one for one in map(attached, shown()) if one is not None)
    found = (_display(known, name, within) for name in _present(devices or Devices(), known))
    displays = [display for display in found if display is not None]
    return Ok({"displays": displays[:16]}) if displays else NoData("no display shows an EDID")


def _present(devices: Devices, registry: Registry) -> list[str]:
    """Instance names of connected displays; a started device has the volatile key Control."""
    try:
        names = devices.present(MONITORS)
    except OSError:
        names = []
    if names:
        return names
    return [
        f"DISPLAY\\{model}\\{instance}"
        for model in registry.keys(f"{DEVICES}\\DISPLAY")
        for instance in registry.keys(f"{DEVICES}\\DISPLAY\\{model}")
        if "Control" in registry.keys(f"{DEVICES}\\DISPLAY\\{model}\\{instance}")
    ]


def _display(registry: Registry, name: str, within: dict[str, bool]) -> Display | None:
    raw = registry.values(f"{DEVICES}\\{name}\\Device Parameters").get("EDID")
    seen = edid.parse(raw) if isinstance(raw, bytes) else None
    if seen is None:
        return None
    return reported_display(seen, within.get(name.upper(), _is_panel(seen)))


def _is_panel(seen: edid.Edid) -> bool:
    """Where Windows does not answer (never to a service): panels are small and have no name to show."""
    return seen.name is None and 0 < (seen.width_mm or 0) < _LONGEST_PANEL_MM

"""Displays that are plugged in, as their EDID states them. Serial numbers leave as keyed hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification import edid
from ...machine import sysfs
from ...report import Display
from ..displays import reported_display
from ..machine import Machine

_BUILT_IN = ("eDP", "LVDS", "DSI")


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """One entry per connected display; a laptop's own panel is marked as built in."""
    root = machine.path("sys/class/drm")
    connected = [name for name in sysfs.entries(root) if sysfs.text(root, name, "status") == "connected"]
    found = (_display(root, name) for name in connected)
    displays = [display for display in found if display is not None]
    return Ok({"displays": displays[:16]}) if displays else NoData("no display shows an EDID")


def _display(root: str, name: str) -> Display | None:
    try:
        seen = edid.parse(Path(root, name, "edid").read_bytes())
    except OSError:
        return None
    if seen is None:
        return None
    connector = name.partition("-")[2]
    return reported_display(seen, connector.startswith(_BUILT_IN))

"""Version of macOS, and the architecture of the machine. No list of software."""

from __future__ import annotations

import platform
from typing import Any

from ...base.outcome import Ok, Outcome
from ...identification.names import clipped
from ...report import OperatingSystem
from ..machine import Machine


def read(_machine: Machine) -> Outcome[dict[str, Any]]:
    """As the system states it."""
    version = clipped(platform.mac_ver()[0])
    return Ok({"os": OperatingSystem("macOS", version, clipped(platform.machine()))})

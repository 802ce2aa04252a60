"""Memory modules from the SMBIOS table, which Windows shows to everybody; else the total."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from ...base.outcome import Ok, Outcome
from ...report import MemoryModule
from ...windows.firmware import table as windows_table
from .. import firmware
from ..machine import Machine


def read(_machine: Machine, table: Callable[[], bytes] = windows_table) -> Outcome[dict[str, Any]]:
    """One entry per module, or one of the form "total" where the firmware names none."""
    modules: list[MemoryModule] = []
    with suppress(OSError):
        modules = firmware.modules(table())
    return Ok({"memory": modules[:256] or [firmware.total(psutil.virtual_memory().total / 1_048_576)]})

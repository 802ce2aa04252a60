"""Mains or battery in one cheap call (GetSystemPowerStatus), before any driver is asked."""

from __future__ import annotations

import ctypes

from .library import last_error, library

_STATUS_BYTES = 12
_ON_LINE, _NO_BATTERY, _UNKNOWN = 1, 128, 255


def power_status() -> bytes:
    """A SYSTEM_POWER_STATUS. Raises OSError."""
    answer = ctypes.create_string_buffer(_STATUS_BYTES)
    if not library("kernel32").GetSystemPowerStatus(answer):
        raise last_error()
    return answer.raw


def without_battery(answer: bytes) -> str | None:
    """Why no battery feeds the machine now; None when one may."""
    if len(answer) < 2:
        return None
    line, flags = answer[0], answer[1]
    if flags & _NO_BATTERY and flags != _UNKNOWN:
        return "no battery"
    return "on mains" if line == _ON_LINE else None

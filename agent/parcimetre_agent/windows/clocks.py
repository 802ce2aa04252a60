"""Clocks of Windows that count from the boot, and the number of the boot."""

from __future__ import annotations

import ctypes

from .library import last_error, library

_PER_S = 10_000_000
_BOOT_NUMBER = 0x7FFE02C4
"""BootId of KUSER_SHARED_DATA (ntddk.h): a page at the same place in every process, only to be read."""


def awake_s() -> float:
    """Seconds since the boot without sleep and hibernation."""
    ticks = ctypes.c_uint64()
    if not library("kernel32").QueryUnbiasedInterruptTime(ctypes.byref(ticks)):
        raise last_error()
    return ticks.value / _PER_S


def since_boot_s() -> float:
    """Seconds since the boot, sleep and hibernation included."""
    ticks = ctypes.c_uint64()
    try:
        library("kernelbase").QueryInterruptTime(ctypes.byref(ticks))
    except AttributeError:
        count = library("kernel32").GetTickCount64
        count.restype = ctypes.c_uint64
        return float(count() / 1000)
    return ticks.value / _PER_S


def boot_id() -> str:
    """The number of this boot, one higher at each; waking from sleep or hibernation is no boot."""
    return str(ctypes.c_uint32.from_address(_BOOT_NUMBER).value)

"""Energy of NVIDIA graphics adapters since their driver was loaded (Volta and later), through NVML.

Opening NVML wakes an adapter that sleeps, so one that the kernel has put to sleep is left alone, and so are
all of a Windows machine with a battery, where this cannot be known. NVML is closed after each reading.
"""
# ruff: noqa: PTH110, PTH118

from __future__ import annotations

import os
import sys
from typing import Any

from ..base.outcome import Denied, Failed, NoData, Ok, Outcome
from ..machine import sysfs
from ..metering.counters import Counter

SOURCE, QUALITY = "nvml", "measured"
EVERY_S = 300
GRANT = "let the agent open /dev/nvidiactl and /dev/nvidia0: docs/en/agent.md#nvml"
CEILING_W = 2000.0
LIBRARY = "libnvidia-ml.so.1"
_NVIDIA, _DISPLAY_CLASS = "0x10de", "0x03"
_SUCCESS, _NOT_SUPPORTED, _NO_PERMISSION = 0, 3, 4


def read(root: str = "/sys/bus/pci/devices") -> Outcome[list[Counter]]:
    """A counter per adapter that counts energy."""
    absent = _windows_reason() if sys.platform == "win32" else _sysfs_reason(root)
    if absent:
        return NoData(absent)
    import ctypes

    try:
        nvml = ctypes.CDLL(_library())
    except OSError:
        return NoData("NVIDIA's driver is not installed")
    code = nvml.nvmlInit_v2()
    if code != _SUCCESS:
        return _fault(code, "nvmlInit_v2")
    try:
        return _counters(ctypes, nvml)
    finally:
        nvml.nvmlShutdown()


def _sysfs_reason(root: str) -> str | None:
    """Why NVML is not to be opened on this machine; None when it may be."""
    adapters = [
        slot
        for slot in sysfs.entries(root)
        if sysfs.text(root, slot, "vendor") == _NVIDIA
        and (sysfs.text(root, slot, "class") or "").startswith(_DISPLAY_CLASS)
    ]
    if not adapters:
        return "no NVIDIA graphics adapter"
    if any(sysfs.text(root, slot, "power", "runtime_status") == "suspended" for slot in adapters):
        return "the graphics adapter is asleep, and asking would wake it"
    return None


def _windows_reason() -> str | None:
    import psutil

    if not os.path.exists(_library()):
        return "NVIDIA's driver is not installed"
    if psutil.sensors_battery() is not None:
        return "asking may wake a laptop's second graphics adapter"
    return None


def _library() -> str:
    if sys.platform == "win32":
        return os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvml.dll")
    return LIBRARY


def _counters(ctypes: Any, nvml: Any) -> Outcome[list[Counter]]:
    """Every adapter's counter; an older one that has none is left out."""
    count, counters = ctypes.c_uint(), []
    code = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    if code != _SUCCESS:
        return _fault(code, "nvmlDeviceGetCount_v2")
    for index in range(count.value):
        handle, energy_mj = ctypes.c_void_p(), ctypes.c_ulonglong()
        code = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle))
        if code == _SUCCESS:
            code = nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy_mj))
        if code == _NOT_SUPPORTED:
            continue
        if code != _SUCCESS:
            return _fault(code, "nvmlDeviceGetTotalEnergyConsumption")
        counters.append(
            Counter(SOURCE, "gpu", QUALITY, f"gpu-{index}", energy_mj.value / 1e3, 0.0, CEILING_W)
        )
    return Ok(counters) if counters else NoData("these adapters do not count energy (before Volta)")


def _fault(code: int, call: str) -> Denied | Failed:
    if code == _NO_PERMISSION:
        return Denied(f"{call}: no permission", GRANT)
    return Failed(f"{call} answered {code}")

"""Graphics adapters from the PCI bus. The adapter is not opened: that would wake a sleeping one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...machine import sysfs
from ...report import Gpu
from ..machine import Machine

_CLASSES = ("0x0300", "0x0302", "0x0380")
_NAMES = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids")
_INTEL, _AMD, _NVIDIA = "8086", "1002", "10de"
_BOARD_GRAPHICS = ("1a03", "102b")
_INTEL_BUILT_IN = "0000:00:02.0"


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """Every adapter with its PCI ids; names where the distribution ships pci.ids."""
    root = machine.path("sys/bus/pci/devices")
    slots = [
        slot for slot in sysfs.entries(root) if (sysfs.text(root, slot, "class") or "").startswith(_CLASSES)
    ]
    if not slots:
        return NoData("no graphics adapter on the PCI bus")
    return Ok({"gpus": [_gpu(machine, root, slot) for slot in slots][:32]})


def _gpu(machine: Machine, root: str, slot: str) -> Gpu:
    vendor = (sysfs.text(root, slot, "vendor") or "").replace("0x", "")
    device = (sysfs.text(root, slot, "device") or "").replace("0x", "")
    memory_bytes = sysfs.integer(root, slot, "mem_info_vram_total")
    return Gpu(
        vendor_id=vendor or None,
        device_id=device or None,
        name=clipped(_name(machine, vendor, device)),
        memory_mib=None if memory_bytes is None else memory_bytes // 1_048_576,
        integrated=_integrated(vendor, slot),
    )


def _integrated(vendor: str, slot: str) -> bool | None:
    """Known for Intel by its place, for NVIDIA and server boards by the maker; not known for AMD."""
    if vendor == _INTEL:
        return slot == _INTEL_BUILT_IN
    if vendor == _NVIDIA:
        return False
    return True if vendor in _BOARD_GRAPHICS else None


def _name(machine: Machine, vendor: str, device: str) -> str | None:
    """The device's line under its vendor's, in the list that distributions ship."""
    for path in _NAMES:
        try:
            text = Path(machine.path(path)).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        _, _, after = text.partition(f"\n{vendor}  ")
        for line in after.splitlines()[1:]:
            if line.startswith(f"\t{device}  "):
                return line.strip().partition("  ")[2]
            if line and not line.startswith(("\t", "#")):
                break
    return None

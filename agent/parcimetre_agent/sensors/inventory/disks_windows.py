"""Fixed disks by their drivers: size, kind, maker and model. Opened without any right to read or write."""

from __future__ import annotations

from typing import Any, cast

from ...base.outcome import Denied, NoData, Ok, Outcome
from ...identification.names import clipped
from ...report import Disk, DiskKind
from ...windows import disk
from ...windows.devices import Devices
from ..machine import Machine

_FIREWIRE, _FIBRE, _USB, _RAID, _ISCSI, _SD, _MMC = 4, 6, 7, 8, 9, 12, 13
_VIRTUAL_BUS, _FILE, _SPACES, _NVME, _MEMORY, _UFS = 14, 15, 16, 17, 18, 19
_ELSEWHERE = frozenset({_FIREWIRE, _FIBRE, _USB, _ISCSI, _SD, _FILE, _SPACES})
_WORDS = ("qemu", "vbox", "virtual", "msft", "vmware", "perc", "logical volume", "raid", "smart array")
_KINDS = {_NVME: "ssd", _MEMORY: "ssd", _MMC: "emmc", _UFS: "emmc", _RAID: "virtual", _VIRTUAL_BUS: "virtual"}


def read(_machine: Machine, devices: Devices | None = None) -> Outcome[dict[str, Any]]:
    """Disks that stay in the machine; what a RAID controller or a hypervisor shows is of the kind virtual.

    What hangs on USB or a network, and volumes made of other disks, are left out.
    """
    asked = devices or Devices()
    disks: list[Disk] = []
    denied = ""
    for path in disk.paths(asked):
        try:
            found = _disk(asked, path)
        except PermissionError:
            denied = path
        except OSError:
            continue
        else:
            disks += [found] if found else []
    if disks:
        return Ok({"disks": disks[:256]})
    if denied:
        return Denied(
            f"{denied} may not be asked", "let the agent's account open disks without access rights"
        )
    return NoData("no fixed disk is shown")


def _disk(devices: Devices, path: str) -> Disk | None:
    """One disk; None for what is not in the machine. Raises OSError."""
    seen = disk.describe(devices, path)
    if seen is None or seen.removable or seen.bus in _ELSEWHERE:
        return None
    size_bytes = disk.size_bytes(devices, path)
    if size_bytes is None:
        return None
    maker = None if seen.maker in ("ATA", "NVMe") else seen.maker
    kind = _kind(devices, path, seen)
    return Disk(size_bytes, cast(DiskKind, kind), clipped(maker), clipped(seen.model))


def _kind(devices: Devices, path: str, seen: disk.DiskDescription) -> str:
    described = f"{seen.maker or ''} {seen.model or ''}".lower()
    if any(word in described for word in _WORDS):
        return "virtual"
    if seen.bus in _KINDS:
        return _KINDS[seen.bus]
    seeking = disk.is_seeking(devices, path)
    return "unknown" if seeking is None else ("hdd" if seeking else "ssd")

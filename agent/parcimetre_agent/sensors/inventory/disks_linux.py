"""Fixed disks from /sys/block: size, kind, maker and model. Nothing of what is stored on them."""

from __future__ import annotations

from typing import Any, cast

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...machine import sysfs
from ...report import Disk, DiskKind
from ..machine import Machine

_SKIPPED = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "drbd", "rbd")
_VIRTUAL = ("qemu", "vbox", "virtual", "msft", "vmware", "perc", "logical volume", "raid", "smart array")
_SECTOR_BYTES = 512


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """Disks that stay in the machine; what a RAID controller or a hypervisor shows is of the kind virtual."""
    root = machine.path("sys/block")
    found = (_disk(root, name) for name in sysfs.entries(root) if _is_fixed(root, name))
    disks = [disk for disk in found if disk is not None]
    return Ok({"disks": disks[:256]}) if disks else NoData("no fixed disk is shown")


def _is_fixed(root: str, name: str) -> bool:
    if name.startswith(_SKIPPED) or sysfs.integer(root, name, "removable"):
        return False
    return not (
        name.startswith("mmcblk") and ("boot" in name or sysfs.text(root, name, "device/type") == "SD")
    )


def _disk(root: str, name: str) -> Disk | None:
    sectors = sysfs.integer(root, name, "size") or 0
    if sectors <= 0:
        return None
    maker = sysfs.text(root, name, "device/vendor")
    model = sysfs.text(root, name, "device/model") or sysfs.text(root, name, "device/name")
    if maker and (maker.startswith("0x") or maker == "ATA"):
        maker = None
    kind = _kind(root, name, f"{maker or ''} {model or ''}".lower())
    return Disk(sectors * _SECTOR_BYTES, cast(DiskKind, kind), clipped(maker), clipped(model))


def _kind(root: str, name: str, described: str) -> str:
    if name.startswith(("vd", "xvd")) or any(word in described for word in _VIRTUAL):
        return "virtual"
    if name.startswith("nvme"):
        return "ssd"
    if name.startswith("mmcblk"):
        return "emmc"
    rotational = sysfs.integer(root, name, "queue/rotational")
    return "unknown" if rotational is None else ("hdd" if rotational else "ssd")

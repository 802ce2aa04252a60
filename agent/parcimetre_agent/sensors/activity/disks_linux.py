"""Disk traffic since boot, from /proc/diskstats, whole disks only.

psutil adds partitions up by listing /sys/block at every call; reading the one file costs a fifth.
"""

from __future__ import annotations

from ...base.outcome import NoData, Ok, Outcome
from ...machine import sysfs

SECTOR_KIB = 0.5
_NOT_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd")


def read(diskstats: str = "/proc/diskstats") -> Outcome[dict[str, float]]:
    """KiB read and written; the kernel's sector is 512 bytes whatever the disk's is."""
    text = sysfs.text(diskstats)
    if text is None:
        return NoData(f"{diskstats} is absent")
    disks = _whole_disks([line.split() for line in text.splitlines()])
    if not disks:
        return NoData("no disk is shown")
    return Ok(
        {
            "disk_read_kib": sum(int(fields[5]) for fields in disks) * SECTOR_KIB,
            "disk_written_kib": sum(int(fields[9]) for fields in disks) * SECTOR_KIB,
        }
    )


def _whole_disks(rows: list[list[str]]) -> list[list[str]]:
    """Rows of disks; a partition directly follows its disk and its name starts with the disk's."""
    disks: list[list[str]] = []
    for fields in rows:
        if len(fields) < 10 or fields[2].startswith(_NOT_DISKS):
            continue
        if disks and _is_partition(fields[2], disks[-1][2]):
            continue
        disks.append(fields)
    return disks


def _is_partition(name: str, disk: str) -> bool:
    rest = name[len(disk) :]
    return name.startswith(disk) and rest.lstrip("p").isdigit()

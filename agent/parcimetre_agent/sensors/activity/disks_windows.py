"""Disk traffic since boot, whole disks only."""

from __future__ import annotations

import psutil

from ...base.outcome import NoData, Ok, Outcome


def read() -> Outcome[dict[str, float]]:
    """KiB read and written."""
    traffic = psutil.disk_io_counters(nowrap=False)
    if traffic is None:
        return NoData("no disk counts its traffic")
    return Ok({"disk_read_kib": traffic.read_bytes / 1024, "disk_written_kib": traffic.write_bytes / 1024})

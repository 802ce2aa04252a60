"""Disk traffic since boot, whole disks, as macOS counts it."""

from __future__ import annotations

import psutil

from ...base.outcome import NoData, Ok, Outcome


def read() -> Outcome[dict[str, float]]:
    """KiB read and written."""
    traffic = psutil.disk_io_counters(perdisk=False, nowrap=False)
    if traffic is None:
        return NoData("no disk is shown")
    return Ok({"disk_read_kib": traffic.read_bytes / 1024, "disk_written_kib": traffic.write_bytes / 1024})

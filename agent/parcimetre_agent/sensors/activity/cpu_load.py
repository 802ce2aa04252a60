"""Processor time since boot, busy and in all; the load is the ratio of their growth."""

from __future__ import annotations

import psutil

from ...outcome import Ok, Outcome


def read() -> Outcome[dict[str, float]]:
    """Seconds summed over all processors. Waiting for disks counts as idle; guest time is within user."""
    times = psutil.cpu_times()
    guests_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    total_s = sum(times) - guests_s
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return Ok({"busy_s": total_s - idle_s, "total_s": total_s})

"""Processor time since boot, busy and in all; the load is the ratio of their growth."""

from __future__ import annotations

import psutil

from ...base.outcome import Ok, Outcome

_WITHIN_OTHERS = ("guest", "guest_nice", "interrupt", "dpc")


def read() -> Outcome[dict[str, float]]:
    """Seconds summed over all processors. Waiting for disks counts as idle.

    Guests' time is within user, and Windows counts interrupts within system.
    """
    times = psutil.cpu_times()
    total_s = sum(times) - sum(getattr(times, name, 0.0) for name in _WITHIN_OTHERS)
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return Ok({"busy_s": total_s - idle_s, "total_s": total_s})

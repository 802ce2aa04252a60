"""What measuring costs the machine: processor time and memory of the agent's own processes."""

from __future__ import annotations

import os

from . import sysfs


def cpu_s() -> float:
    """Processor seconds of this process and its ended children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_rss_mib() -> float:
    """Highest resident memory of this process since it started, MiB; the present one where unknown.

    VmHWM starts anew at exec, unlike getrusage's figure.
    """
    for line in (sysfs.text("/proc/self/status") or "").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    import psutil

    memory = psutil.Process().memory_info()
    return float(getattr(memory, "peak_wset", memory.rss) / 1_048_576)

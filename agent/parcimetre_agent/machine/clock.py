"""The machine's clocks. Nothing else reads time: it is given an Instant, so that tests run a day at once."""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from . import sysfs

if sys.platform == "win32":
    from ..windows import clocks

BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Instant(NamedTuple):
    """One moment on every clock, in seconds.

    `wall_s` counts since 1970-01-01 UTC and may be set by anybody; `monotonic_s` stands still while the
    machine sleeps; `boottime_s` counts since boot, sleep included.
    """

    wall_s: float
    monotonic_s: float
    boottime_s: float
    boot_id: str


class Clock:
    """This machine's clocks."""

    def __init__(self, boot_id_file: str = BOOT_ID) -> None:
        if sys.platform == "win32":
            self._boot_id = clocks.boot_id()
        elif sys.platform == "darwin":
            self._boot_id = _mac_boot_id()
        else:
            self._boot_id = sysfs.text(boot_id_file) or ""

    def now(self) -> Instant:
        """The present moment."""
        if sys.platform == "linux":
            monotonic_s = time.clock_gettime(time.CLOCK_MONOTONIC)
            boottime_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        elif sys.platform == "darwin":
            monotonic_s = time.clock_gettime(time.CLOCK_UPTIME_RAW)
            boottime_s = time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
        elif sys.platform == "win32":
            monotonic_s, boottime_s = clocks.awake_s(), clocks.since_boot_s()
        else:
            monotonic_s = boottime_s = time.monotonic()
        return Instant(time.time(), monotonic_s, boottime_s, self._boot_id)

    def wait(self, seconds: float) -> None:
        """Let time pass, or less when a signal arrives."""
        time.sleep(max(0.0, seconds))


def _mac_boot_id() -> str:
    """The id that macOS draws at each boot; empty when it does not say."""
    import subprocess

    command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()

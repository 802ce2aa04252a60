"""Signals as bytes in a pipe, for systems without sigtimedwait (macOS): wait for one, or for time to pass."""

from __future__ import annotations

import os
import select
import signal
import sys
from types import FrameType

_ends: list[int] = []


def catch(signals: set[signal.Signals]) -> None:
    """From now on these signals only end a `wait`."""
    reader, writer = os.pipe()
    if sys.platform != "win32":
        os.set_blocking(writer, False)
    _ends[:] = [reader, writer]
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for one in signals:
        signal.signal(one, _noted)


def restore(signals: set[signal.Signals]) -> None:
    """Give these signals their usual meaning back."""
    signal.set_wakeup_fd(-1)
    for one in signals:
        signal.signal(one, signal.SIG_DFL)


def wait(seconds: float) -> int | None:
    """The number of a signal that came, at the latest after so many seconds; None when none did."""
    ready, _, _ = select.select(_ends[:1], [], [], max(0.0, seconds))
    return os.read(_ends[0], 1)[0] if ready else None


def _noted(_signum: int, _frame: FrameType | None) -> None:
    """The byte in the pipe says it all."""

"""Wait for time to pass, a child to end, or a request to stop: one call, no thread, no polling."""

from __future__ import annotations

import signal
import time

TIME, CHILD, STOP = "time", "child", "stop"


class Waiter:
    """Takes SIGTERM, SIGINT and SIGCHLD over for this process, where the system can wait for signals."""

    def __init__(self) -> None:
        self._stop = {signal.SIGTERM, signal.SIGINT}
        self._can_wait = hasattr(signal, "sigtimedwait")
        if self._can_wait:
            signal.pthread_sigmask(signal.SIG_BLOCK, self._stop | {signal.SIGCHLD})

    def wait(self, seconds: float) -> str:
        """TIME after so many seconds, or sooner CHILD or STOP."""
        if not self._can_wait:
            time.sleep(max(0.0, seconds))
            return TIME
        got = signal.sigtimedwait(self._stop | {signal.SIGCHLD}, max(0.0, seconds))
        if got is None:
            return TIME
        return CHILD if got.si_signo == signal.SIGCHLD else STOP


def accept_signals() -> None:
    """Undo the blocking in a child, which inherits it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, set())

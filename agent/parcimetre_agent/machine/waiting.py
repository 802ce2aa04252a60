"""Wait for time to pass, a child to end, or a request to stop: one call, no thread, no polling."""

from __future__ import annotations

import signal
import sys
import time

TIME, CHILD, STOP = "time", "child", "stop"

if sys.platform == "linux":
    _STOPS = {signal.SIGTERM, signal.SIGINT}

    def block_signals() -> None:
        """Block SIGTERM, SIGINT and SIGCHLD until `wait`; children inherit this and undo it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS | {signal.SIGCHLD})

    def unblock_signals() -> None:
        """Undo `block_signals`."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS | {signal.SIGCHLD})

    def wait(seconds: float) -> str:
        """TIME after so many seconds, or sooner CHILD or STOP."""
        got = signal.sigtimedwait(_STOPS | {signal.SIGCHLD}, max(0.0, seconds))
        if got is None:
            return TIME
        return CHILD if got.si_signo == signal.SIGCHLD else STOP

elif sys.platform == "darwin":
    from . import wakeup

    _TAKEN = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}

    def block_signals() -> None:
        """Keep SIGTERM, SIGINT and SIGCHLD for `wait`."""
        wakeup.catch(_TAKEN)

    def unblock_signals() -> None:
        """A courier is a process of its own here, and took nothing."""

    def wait(seconds: float) -> str:
        """TIME after so many seconds, or sooner CHILD or STOP."""
        got = wakeup.wait(seconds)
        if got is None:
            return TIME
        return CHILD if got == signal.SIGCHLD else STOP

elif sys.platform == "win32":

    class _Stopped(Exception):
        """Ends a wait; raised nowhere else."""

    _asked = {"stop": False, "waiting": False}

    def ask_to_stop(*_signal: object) -> None:
        """End the wait that lasts, or the next one."""
        _asked["stop"] = True
        if _asked["waiting"]:
            raise _Stopped

    def block_signals() -> None:
        """Ctrl-C and Ctrl-Break end a wait."""
        signal.signal(signal.SIGINT, ask_to_stop)
        signal.signal(signal.SIGBREAK, ask_to_stop)

    def unblock_signals() -> None:
        """A child of its own has the usual ones."""

    def wait(seconds: float) -> str:
        """TIME after so many seconds, or sooner STOP."""
        try:
            _asked["waiting"] = True
            if not _asked["stop"]:
                time.sleep(max(0.0, seconds))
        except _Stopped:
            return STOP
        finally:
            _asked["waiting"] = False
        return STOP if _asked["stop"] else TIME

else:

    def block_signals() -> None:
        """Signals keep their usual meaning here."""

    def unblock_signals() -> None:
        """Nothing was taken."""

    def wait(seconds: float) -> str:
        """TIME after so many seconds."""
        time.sleep(max(0.0, seconds))
        return TIME

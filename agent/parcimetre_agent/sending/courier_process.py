"""Start the courier as a child of the resident.

On Linux by fork: the child has what the resident has loaded and adds httpx and the wire format, which
spares a quarter of its processor time against a fresh interpreter. The resident has no threads to lose.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Protocol


class Child(Protocol):
    """A courier that runs, or ran."""

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...


if sys.platform == "linux":

    class _Forked:
        """A forked child, waited for by its id."""

        def __init__(self, pid: int) -> None:
            self._pid = pid
            self._code: int | None = None

        def poll(self) -> int | None:
            """Its exit code, or None while it runs."""
            if self._code is None:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
                if pid:
                    self._code = os.waitstatus_to_exitcode(status)
            return self._code

        def kill(self) -> None:
            """End it now and wait until it has; an ended one is left alone."""
            if self.poll() is None:
                os.kill(self._pid, signal.SIGKILL)
                self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def start(settings_json: str) -> Child:
        """Start a courier with these settings."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                from .courier import main

                code = main(settings_json)
            except BaseException as error:  # noqa: BLE001 - the child must end here, whatever happened
                sys.stderr.write(f"parcimetre-agent: the courier failed: {type(error).__name__}: {error}\n")
            finally:
                os._exit(code)
        return _Forked(pid)

else:
    _WITHOUT_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

    class _Started(subprocess.Popen):  # type: ignore[type-arg]  # it reads and writes nothing
        """A process of its own."""

        def kill(self) -> None:
            """End it now and wait until it has: an installer that waits for us wants our files."""
            super().kill()
            self.wait()

    def start(settings_json: str) -> Child:
        """Start a courier with these settings."""
        command = [sys.executable, "-m", "parcimetre_agent.sending.courier", settings_json]
        return _Started(command, stdin=subprocess.DEVNULL, creationflags=_WITHOUT_WINDOW)

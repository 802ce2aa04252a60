"""The service's log: what the resident and its courier say, with the time, in a file bounded in size."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

FILE_NAME = "agent.log"
_LARGEST_BYTES = 1_000_000
_ASKED = "PARCIMETRE_LOG_TIMES"


class Timed:
    """Text with the time of UTC before each line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._at_start = True

    def write(self, text: str) -> int:
        """Write it, and do not keep it."""
        for line in text.splitlines(keepends=True):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) if self._at_start else ""
            self._file.write(stamp + line)
            self._at_start = line.endswith("\n")
        self._file.flush()
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""
        self._file.flush()


def open_log(folder: str) -> None:
    """Send what this process and its children say to the folder's log. A large log is begun anew.

    Raises OSError.
    """
    path = f"{folder}\\{FILE_NAME}" if sys.platform == "win32" else f"{folder}/{FILE_NAME}"
    if os.path.exists(path) and os.path.getsize(path) > _LARGEST_BYTES:  # noqa: PTH110, PTH202 - no pathlib here
        os.replace(path, path + ".1")  # noqa: PTH105
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 2)
    os.close(handle)
    os.environ[_ASKED] = "1"
    sys.stderr = Timed(os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False))


def follow_log() -> None:
    """In a child of a process that took a log: write the time as well."""
    if os.environ.get(_ASKED):
        sys.stderr = Timed(sys.stderr)

"""One resident per data folder: two would write the same slots."""

from __future__ import annotations

import os
import sys

_held: list[int] = []

if sys.platform != "win32":
    import fcntl

    def lock(data_dir: str) -> bool:
        """Hold the folder until this process ends; False when another one does."""
        handle = os.open(f"{data_dir}/resident.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        _held.append(handle)
        return True

elif sys.platform == "win32":
    import msvcrt

    def lock(data_dir: str) -> bool:
        """Hold the folder until this process ends; False when another one does."""
        handle = os.open(f"{data_dir}/resident.lock", os.O_RDWR | os.O_CREAT | os.O_NOINHERIT, 0o600)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(handle)
            return False
        _held.append(handle)
        return True

else:

    def lock(data_dir: str) -> bool:
        """The service manager starts one only."""
        return bool(data_dir)

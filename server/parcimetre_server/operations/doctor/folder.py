"""The data folder: who may read it, room on its disk, and the key that signs credentials."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ...access.credentials import KEY_BYTES, KEY_FILE
from ...store.health import LEAST_FREE
from . import Finding, failed, ok, warning

FEW_FREE = 10 * LEAST_FREE
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def findings(data_dir: Path) -> Iterator[Finding]:
    """Folder, disk and key; nothing but the first where there is no folder."""
    if not data_dir.is_dir():
        mend = f"start `parcimetre serve --data-dir {data_dir}` once, or name another folder with --data-dir"
        yield failed("data folder", f"{data_dir} is not there", mend)
        return
    yield _folder(data_dir)
    yield _disk(data_dir)
    yield _key(data_dir / KEY_FILE)


def _folder(data_dir: Path) -> Finding:
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        mend = f"grant access: chown -R USER {data_dir}, or run this as the collector's user"
        return failed("data folder", f"{data_dir} cannot be read and written by this user", mend)
    if os.name == "posix" and data_dir.stat().st_mode & OTHERS:
        mend = f"chmod 700 {data_dir}: it contains the activity of each machine"
        return warning("data folder", f"{data_dir} can be read by other users", mend)
    return ok("data folder", f"{data_dir}")


def _disk(data_dir: Path) -> Finding:
    free = shutil.disk_usage(data_dir).free
    told, mend = f"{free / 2**30:.1f} GiB free", f"free space on the disk of {data_dir}"
    if free < LEAST_FREE:
        return failed("disk", told, mend)
    return warning("disk", told, mend) if free < FEW_FREE else ok("disk", told)


def _key(file: Path) -> Finding:
    try:
        size, mode = len(file.read_bytes()), file.stat().st_mode
    except OSError as error:
        mend = (
            "start the collector once, or restore it from a backup: without it every agent must enrol again"
        )
        return failed("signing key", f"{file}: {error.strerror}", mend)
    if size != KEY_BYTES:
        mend = "restore it from a backup, or remove it and let the agents enrol again"
        return failed("signing key", f"{file} has {size} bytes instead of {KEY_BYTES}", mend)
    if os.name == "posix" and mode & OTHERS:
        return warning("signing key", f"{file} can be read by other users", f"chmod 600 {file}")
    return ok("signing key", str(file))

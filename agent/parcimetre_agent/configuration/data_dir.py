"""The data folder: made when absent, for this account only."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from ..base.errors import BadDataDir


def prepare(data_dir: str) -> Path:
    """Make the folder if it is absent and return its path. Raises BadDataDir when it cannot be written to."""
    folder = Path(data_dir)
    try:
        _make(folder)
        usable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise BadDataDir(
            f"cannot create {folder}: {error.strerror}; choose another folder with --data-dir"
        ) from None
    if not usable:
        fix = (
            f'icacls "{folder}" /grant "%USERNAME%:(OI)(CI)F"'
            if sys.platform == "win32"
            else f'chown -R "$(id -un)" {folder}'
        )
        raise BadDataDir(f"cannot write {folder}: it does not belong to this account; run: {fix}")
    return folder


def others_with_access(data_dir: str) -> list[str]:
    """Return who may read the folder beside this account and administrators; none when it is absent."""
    try:
        if sys.platform == "win32":
            from ..windows import security

            return (
                security.groups_with_access(security.access_list(data_dir)) if Path(data_dir).is_dir() else []
            )
        mode = Path(data_dir).stat().st_mode
    except OSError:
        return []
    return [name for name, bits in (("its group", stat.S_IRWXG), ("everybody", stat.S_IRWXO)) if mode & bits]


def _make(folder: Path) -> None:
    if sys.platform == "win32":
        from ..windows import security

        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            security.make_private(str(folder))
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

"""The data folder: made when absent, for this account only, and refused in one sentence when unusable."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from . import identity
from .errors import BadDataDir
from .identity import Identity
from .spool import Spool


def prepare(data_dir: str) -> Path:
    """The folder, ready to be written to. Raises BadDataDir."""
    folder = Path(data_dir)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise BadDataDir(
            f"cannot make {folder}: {error.strerror}; choose another folder with --data-dir"
        ) from None
    if not usable:
        raise BadDataDir(
            f'cannot write {folder}: it is not this account\'s; run: chown -R "$(id -un)" {folder}'
        )
    return folder


def open_spool(data_dir: str) -> Spool:
    """The folder's spool; a damaged file is put beside and a new one begun. Raises BadDataDir."""
    prepare(data_dir)
    spool = Spool(data_dir)
    try:
        Path(spool.path).touch(mode=0o600)
        spool.waiting()
    except (OSError, sqlite3.DatabaseError) as error:
        if isinstance(error, OSError) or "locked" in str(error) or "readonly" in str(error):
            raise BadDataDir(f"cannot use {spool.path}: {error}; give {data_dir} to this account") from None
        try:
            spool.begin_anew()
        except (OSError, sqlite3.Error) as again:
            raise BadDataDir(
                f"cannot use {spool.path}: {again}; remove it, or choose another --data-dir"
            ) from None
    return spool


def own_identity(data_dir: Path, root: Path = Path("/")) -> Identity:
    """This machine's identity, stored; a clone's spool is another machine's, and goes with the old identity.

    Raises BadDataDir.
    """
    who, dropped = identity.current(data_dir, root)
    if dropped:
        Spool(str(data_dir)).clear()
    if who != identity.load(data_dir):
        identity.store(data_dir, who)
    return who

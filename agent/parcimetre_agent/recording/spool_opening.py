"""Open the spool of a data folder, for programs other than the resident."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..base.errors import BadDataDir
from ..configuration.data_dir import prepare
from .spool import Spool


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

"""What is wrong with the store's file, as one sentence with the mend."""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zstandard

from ...base.errors import ParcimetreError
from ..errors import StoreUnusable

__all__ = ["NotYetErased", "StoreUnusable", "check_room", "told"]


class NotYetErased(ParcimetreError):
    """What was deleted is gone for every reader, but its bytes are still in the log of the file."""


def check_room(file: Path) -> None:
    """Raise StoreUnusable where a file cannot be written anew: that needs its size twice more."""
    needed, free = 2 * file.stat().st_size, shutil.disk_usage(file.parent).free
    if free < needed:
        raise StoreUnusable(
            f"nothing was deleted: rewriting {file} needs {needed} bytes, but only {free} are free; "
            "free disk space"
        )


@contextmanager
def told(file: Path) -> Iterator[None]:
    """Turn what SQLite and damaged records raise into StoreUnusable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreUnusable(
            f"cannot use {file}: {error}; give this user write access to {file.parent}, free disk "
            "space, or restore a backup"
        ) from error
    except (sqlite3.DatabaseError, zstandard.ZstdError, zlib.error) as error:
        raise StoreUnusable(
            f"{file} is damaged or not a Parcimètre store ({error}): move it away and restore a backup"
        ) from error

"""Errors of the store's file, as one sentence with the fix."""

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

__all__ = ["NotYetErased", "StoreUnusable", "check_free_space", "translate_errors"]


class NotYetErased(ParcimetreError):
    """Records that no reader sees any more, but whose bytes are still in the log of the file."""


def check_free_space(file: Path) -> None:
    """Raise StoreUnusable if the disk has less than twice the size of a file free, to rewrite it."""
    needed, free = 2 * file.stat().st_size, shutil.disk_usage(file.parent).free
    if free < needed:
        raise StoreUnusable(
            f"nothing was deleted: rewriting {file} needs {needed} bytes, but only {free} are free; "
            "free disk space"
        )


@contextmanager
def translate_errors(file: Path) -> Iterator[None]:
    """Raise StoreUnusable for errors of SQLite and of damaged records."""
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

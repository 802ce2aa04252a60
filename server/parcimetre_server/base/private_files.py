"""Files that only the collector's account may read: the data folder 0700, its files 0600. POSIX only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
UMASK = 0o077
MARKS = ("store.sqlite3", "credential.key")
"""One of these is in every data folder that was served."""


def restrict_new_files() -> None:
    """Let this process create files for its own account only, whatever its shell's umask."""
    if os.name == "posix":
        os.umask(UMASK)


def restrict(data_dir: Path) -> list[Path]:
    """Take the data folder, and all in it, from other accounts; return what was corrected.

    What belongs to another account stays as it is, and so does a folder that is no data folder yet.
    """
    if os.name != "posix" or not any((data_dir / mark).is_file() for mark in MARKS):
        return []
    return [path for path in open_to_others(data_dir) if _restrict(path)]


def open_to_others(data_dir: Path) -> Iterator[Path]:
    """Yield the folder and the files in it that other accounts may use; links are not followed."""
    if os.name != "posix":
        return
    for path in (data_dir, *_below(data_dir)):
        if not path.is_symlink() and _mode(path) & OTHERS:
            yield path


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=lambda _: None):
        yield from (Path(parent, name) for name in (*folders, *files))


def _mode(path: Path) -> int:
    """Return a file's permissions; none where it has gone meanwhile or cannot be seen."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return stat.S_IMODE(found.st_mode) if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) else 0


def _restrict(path: Path) -> bool:
    """Return whether a file of this account was corrected."""
    try:
        if path.lstat().st_uid != os.geteuid():
            return False
        path.chmod(_mode(path) & ~OTHERS)
    except OSError:
        return False
    return True

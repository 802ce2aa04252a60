"""Backups: one file with the store as it was at one moment, the signing keys, own factors and reports.

The store is copied by SQLite's online backup while the collector serves; what arrives meanwhile is in it
whole or not at all. A manifest names every file with its SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path, PurePosixPath

from .. import __version__
from ..access.credentials import CREDENTIAL_KEY, PREVIOUS_KEY_FILE
from ..access.organisation_key import HASH_KEY
from ..access.sessions import SESSION_KEY
from ..base.errors import ParcimetreError
from ..store.embedded.errors import translate_errors
from ..store.embedded.files import FILE

MANIFEST = "manifest.json"
KEYS = (CREDENTIAL_KEY.name, PREVIOUS_KEY_FILE, SESSION_KEY.name, HASH_KEY.name)
FORMAT = 1
FOLDERS = ("factors", "reports")
ASIDE = "before-restore-"
BLOCK = 1 << 20


class BadBackup(ParcimetreError):
    """A file that is not a backup, or is damaged."""


class CannotBackUp(ParcimetreError):
    """A backup that cannot be written, or cannot be restored to the given folder."""


@dataclass(frozen=True)
class Backup:
    """Content of a backup: time (seconds UTC), version, and the SHA-256 of its files."""

    made_at: int
    version: str
    files: dict[str, str]
    bytes: int


def create(data_dir: Path, target: Path, now: int) -> Path:
    """Write a backup into a file, or into a folder under a name with the time; returns the file.

    It is there whole or not at all, and readable by its owner only: it holds the signing keys. Raises
    CannotBackUp, StoreUnusable.
    """
    if not (data_dir / FILE).exists():
        raise CannotBackUp(f"there is no store in {data_dir}: name the collector's folder with --data-dir")
    at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    file = target / f"parcimetre-{at}.tar.gz" if target.is_dir() else target
    draft = file.with_name(f"{file.name}.draft")
    try:
        with tempfile.TemporaryDirectory(prefix="parcimetre-", dir=file.parent) as folder:
            copy = Path(folder) / FILE
            _copy_store(data_dir / FILE, copy)
            files = {FILE: copy, **dict(_beside(data_dir))}
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(handle, "wb") as opened:
                with tarfile.open(fileobj=opened, mode="w:gz", compresslevel=3) as packed:
                    _pack(packed, files, now)
                opened.flush()
                os.fsync(opened.fileno())
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CannotBackUp(
            f"cannot write {file}: {error.strerror}; give another FILE or free disk space"
        ) from error
    return file


def verify(file: Path) -> Backup:
    """What a backup holds, after every file was compared with its checksum and the store read through.

    Raises BadBackup.
    """
    with tempfile.TemporaryDirectory(prefix="parcimetre-") as folder:
        return _unpack(file, Path(folder))


def restore(file: Path, data_dir: Path, force: bool = False) -> Backup:
    """Put a backup's files into a folder, which must have no store unless `force`. Raises BadBackup,
    CannotBackUp.

    Files are checked before any is put in place. With `force` what was there is kept in a folder within.
    """
    is_new = not data_dir.exists()
    if not is_new and not force and (data_dir.is_file() or any(data_dir.iterdir())):
        raise CannotBackUp(
            f"{data_dir} is not empty: stop the collector and give --force; the existing files are "
            "then moved aside"
        )
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=data_dir) as folder:
            found = _unpack(file, Path(folder))
            _move_aside(data_dir, Path(folder))
            for entry in Path(folder).iterdir():
                entry.rename(data_dir / entry.name)
    except OSError as error:
        raise CannotBackUp(
            f"cannot restore to {data_dir}: {error.strerror}; give another folder or free disk space"
        ) from error
    except BadBackup:
        if is_new:
            data_dir.rmdir()
        raise
    return found


def _move_aside(data_dir: Path, fresh: Path) -> None:
    """Move a folder's old files into a new folder within it, since the folder may be a mount."""
    there = [entry for entry in data_dir.iterdir() if entry != fresh and not entry.name.startswith(ASIDE)]
    if there:
        aside = next(path for i in count(1) if not (path := data_dir / f"{ASIDE}{i}").exists())
        aside.mkdir(mode=0o700)
        for entry in there:
            entry.rename(aside / entry.name)


def _copy_store(file: Path, copy: Path) -> None:
    """Copy the store as of one moment, and check it; writers wait for one step at most."""
    with translate_errors(file):
        source, target = sqlite3.connect(file, timeout=30), sqlite3.connect(copy)
        try:
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode=DELETE")
        finally:
            target.close()
            source.close()


def _beside(data_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files beside the store: keys, factors and reports."""
    for name in KEYS:
        if (data_dir / name).exists():
            yield name, data_dir / name
    for folder in FOLDERS:
        for file in sorted((data_dir / folder).rglob("*")):
            if file.is_file():
                yield file.relative_to(data_dir).as_posix(), file


def _pack(packed: tarfile.TarFile, files: dict[str, Path], now: int) -> None:
    """Pack the files, then the manifest of the packed bytes."""
    sums = {}
    for name, file in files.items():
        if name == FILE:
            sums[name] = _sum(file)
            packed.add(file, name)
        else:
            content = file.read_bytes()
            sums[name] = hashlib.sha256(content).hexdigest()
            _add(packed, name, content, now)
    manifest = {"format": FORMAT, "made_at": now, "version": __version__, "files": sums}
    _add(packed, MANIFEST, json.dumps(manifest, indent=2).encode(), now)


def _add(packed: tarfile.TarFile, name: str, content: bytes, now: int) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode, about.mtime = len(content), 0o600, now
    packed.addfile(about, io.BytesIO(content))


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _unpack(file: Path, folder: Path) -> Backup:
    """Unpack and check everything. Raises BadBackup."""
    if not file.is_file():
        raise BadBackup(f"file {file} does not exist: give one that `parcimetre backup create` wrote")
    try:
        with tarfile.open(file, "r:gz") as packed:
            names = _unpack_members(packed, folder)
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        stated = {str(name): str(value) for name, value in manifest["files"].items()}
        found = Backup(int(manifest["made_at"]), str(manifest["version"]), stated, file.stat().st_size)
        newer = int(manifest["format"]) > FORMAT
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBackup(
            f"{file} is damaged or not a Parcimètre backup ({error}): use another file"
        ) from error
    if newer:
        raise BadBackup(f"{file} was written by version {found.version}: install that version or a newer one")
    for name, value in stated.items():
        if name not in names or _sum(folder / name) != value:
            raise BadBackup(f"{file} is damaged: the checksum of {name} does not match; use another backup")
    unnamed = sorted(names - set(stated) - {MANIFEST})
    if unnamed or FILE not in stated:
        raise BadBackup(f"{file} is not a Parcimètre backup: unexpected or missing {(unnamed or [FILE])[0]}")
    (folder / MANIFEST).unlink()
    _check_store(folder / FILE, file)
    return found


def _unpack_members(packed: tarfile.TarFile, folder: Path) -> set[str]:
    """Write plain files below the folder, and nothing else that an archive may hold."""
    names = set()
    for member in packed:
        path = PurePosixPath(member.name)
        if not member.isfile() or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{member.name!r} is not a regular file")
        content = packed.extractfile(member)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as opened:
            if content is not None:
                shutil.copyfileobj(content, opened, BLOCK)
        names.add(member.name)
    return names


def _check_store(store: Path, file: Path) -> None:
    db = sqlite3.connect(store)
    try:
        answer = db.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        answer = str(error)
    finally:
        db.close()
    if answer != "ok":
        raise BadBackup(f"the store in {file} is damaged ({answer}): use another backup")

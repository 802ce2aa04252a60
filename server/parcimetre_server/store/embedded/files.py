"""The store's file: found, opened, checked; what goes wrong becomes a sentence."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import sqlite_utils

from . import layout_1
from .engine import DAY_TABLES, EmbeddedStore
from .errors import StoreUnusable, translate_errors

FILE = "store.sqlite3"
LAYOUT = 4  # 4: bodies of facts and rows of days have a version
VIEWS = Path(__file__).with_name("views.sql")
DAYS = """
    CREATE TABLE IF NOT EXISTS {name} (
        id INTEGER PRIMARY KEY, first_slot INTEGER, last_slot INTEGER, covered_s INTEGER,
        records BLOB, means BLOB, channels TEXT, counted BLOB, version INTEGER NOT NULL DEFAULT 1
    )
"""
PROBE = " UNION ALL ".join(map("SELECT max(id) FROM {}".format, ("facts", *DAY_TABLES)))
HAS_VERSION = "SELECT count(*) FROM pragma_table_info(?) WHERE name = 'version'"
ADD_VERSION = "ALTER TABLE {name} ADD COLUMN version INTEGER NOT NULL DEFAULT 1"
BUSY_S = 30


def open_store(data_dir: Path, create: bool = False) -> EmbeddedStore:
    """Open the store of a data folder; `create` makes folder and file where they are missing.

    Raises StoreUnusable with the mend: no store there, no permission, not a database, a newer layout.
    """
    file = data_dir / FILE
    if data_dir.is_file():
        raise StoreUnusable(f"{data_dir} is a file: give the collector's folder with --data-dir")
    if create:
        make_folder(data_dir)
    elif not file.exists():
        raise StoreUnusable(
            f"there is no store in {data_dir}: start `parcimetre serve --data-dir {data_dir}` once"
        )
    with translate_errors(file):
        if not file.exists():
            _make_private(file)
        db = _connect(file)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _with_layout(db, file)
        db.execute(PROBE).fetchall()
        return EmbeddedStore(file, db, _connect(file))


def _make_private(file: Path) -> None:
    """Create the file empty for its account only; SQLite gives its log and index the same permissions."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from error


def store_bytes(data_dir: Path) -> int:
    """Size of the store's files, with what is not yet written back."""
    return sum(file.stat().st_size for file in data_dir.glob(f"{FILE}*"))


def _connect(file: Path) -> sqlite_utils.Database:
    connection = sqlite3.connect(file, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
    return sqlite_utils.Database(connection)


def make_folder(data_dir: Path) -> None:
    """Make a data folder where it is missing. Raises StoreUnusable with the mend."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(
            f"cannot create the data folder {data_dir}: {error.strerror}; choose another with "
            "--data-dir, or have it created for this user"
        ) from error


def _with_layout(db: sqlite_utils.Database, file: Path) -> None:
    """Give the database this version's tables and views. Raises StoreUnusable for a newer layout.

    Facts and days of quarter hours from layout 2 on stay as they are: each is upgraded when it is read.
    """
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > LAYOUT:
        raise StoreUnusable(
            f"{file} has layout {found}, newer than this version can read ({LAYOUT}): install a "
            "newer Parcimètre"
        )
    if found < LAYOUT:
        with db.conn:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DROP VIEW IF EXISTS device_days")
            if found == 1:
                layout_1.move(db.conn, lambda: _create(db))
            else:
                _create(db)
            db.execute(f"PRAGMA user_version={LAYOUT}")


def _create(db: sqlite_utils.Database) -> None:
    db.table("device_number").create(
        {"number": int, "id": str, "first_slot": int, "last_slot": int}, pk="number", if_not_exists=True
    )
    db.table("device_number").create_index(["id"], unique=True, if_not_exists=True)
    for name in DAY_TABLES:
        db.execute(DAYS.format(name=name))
        if not db.execute(HAS_VERSION, [name]).fetchone()[0]:
            db.execute(ADD_VERSION.format(name=name))
    db.execute("CREATE TABLE IF NOT EXISTS rolled_up (hours INTEGER PRIMARY KEY, before_day INTEGER)")
    db.table("facts").create(
        {"id": int, "kind": str, "key": str, "recorded_at": int, "body": str}, pk="id", if_not_exists=True
    )
    db.table("facts").create_index(["kind", "key", "id"], if_not_exists=True)
    for statement in VIEWS.read_text(encoding="utf-8").split(";\n"):
        db.execute(statement)

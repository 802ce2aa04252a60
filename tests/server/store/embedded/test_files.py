"""The embedded store's file: what is wrong with it is said in one sentence."""

import sqlite3
from pathlib import Path

import pytest
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.embedded.files import FILE, StoreUnusable
from parcimetre_server.store.records import Fact


def test_reading_where_there_is_no_store_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="parcimetre serve --data-dir"):
        open_store(tmp_path)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnusable, match="choose another with --data-dir"):
        open_store(tmp_path / "file" / "data", create=True)


def test_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnusable, match="restore a backup"):
        open_store(tmp_path)
    assert (tmp_path / FILE).read_bytes().startswith(b"not a database")


def test_newer_layout_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path, create=True).close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreUnusable, match="layout 99"):
        open_store(tmp_path)


def test_views_can_be_read_with_plain_sql(tmp_path: Path) -> None:
    store = open_store(tmp_path, create=True)
    store.append([Fact("device", "d1", 1, {"category": "laptop", "org_unit": "M/C", "simulated": True})])
    store.append([Fact("org_unit", "M/C", 1, {}), Fact("site", "s", 1, {"zone": "FR"})])
    db = sqlite3.connect(f"file:{tmp_path / FILE}?mode=ro", uri=True)
    assert db.execute("SELECT id, category, org_unit, simulated FROM devices").fetchall() == [
        ("d1", "laptop", "M/C", 1)
    ]
    assert db.execute("SELECT path FROM org_units").fetchall() == [("M/C",)]
    assert db.execute("SELECT name, zone FROM sites").fetchall() == [("s", "FR")]
    db.close()
    store.close()

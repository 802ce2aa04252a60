"""A store of the first layout is moved to the present one, every slot as it was kept."""

import json
import sqlite3
import zlib
from pathlib import Path

import numpy as np
import pytest
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.embedded.errors import StoreUnusable
from parcimetre_server.store.embedded.files import FILE
from parcimetre_server.store.embedded.layout_1 import COUNTED, RECORD
from parcimetre_server.store.records import DeviceId

DAY = 20_000
START = DAY * 86_400
A = DeviceId("a" * 32)


def first_layout(folder: Path, records: bytes) -> None:
    db = sqlite3.connect(folder / FILE)
    db.execute(
        "CREATE TABLE device_day (device TEXT, day INTEGER, first_slot INTEGER, last_slot INTEGER, "
        "covered_s INTEGER, records BLOB, channels TEXT, counted BLOB, PRIMARY KEY (device, day))"
    )
    db.execute(
        "CREATE TABLE facts (id INTEGER PRIMARY KEY, kind TEXT, key TEXT, recorded_at INTEGER, body TEXT)"
    )
    db.execute("CREATE VIEW device_days AS SELECT device, day FROM device_day")
    counted = np.zeros((1, 96), COUNTED)
    counted[0, 3] = (123.456, 500)
    db.execute(
        "INSERT INTO device_day VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (A, DAY, START + 2700, START + 2700, 850, records, json.dumps([["rapl", "package", "measured"]]),
         zlib.compress(counted.tobytes())),
    )  # fmt: skip
    db.execute("INSERT INTO facts VALUES (1, 'site', 'x', 5, '{\"zone\": \"FR\"}')")
    db.execute("PRAGMA user_version=1")
    db.commit()
    db.close()


@pytest.fixture
def records() -> bytes:
    day = np.zeros(96, RECORD)
    day["means"] = np.nan
    day[3] = (850, 300, 200, 100, 250, [0, 100, 0, 50, 0, 0, 0, 0, 0, 350], (2048.0, np.nan, 1.0, 0.0, 5.0))
    return zlib.compress(day.tobytes())


def test_slots_energy_and_facts_are_there_after_the_move(tmp_path: Path, records: bytes) -> None:
    first_layout(tmp_path, records)
    store = open_store(tmp_path)
    read = store.activity(A, START, START + 86_400)
    assert read.start.tolist() == [START + 2700]
    assert [read.display_on_s[0], read.display_off_s[0], read.asleep_s[0], read.off_s[0]] == [
        300,
        200,
        100,
        250,
    ]
    assert read.load_deciles_s[0].tolist() == [0, 100, 0, 50, 0, 0, 0, 0, 0, 350]
    assert [(m.source, m.scope, m.energy_j[0], m.duration_s[0]) for m in read.measured] == [
        ("rapl", "package", 123.456, 500)
    ]
    assert store.spans() == {A: (START + 2700, START + 2700)}
    assert store.latest("site")["x"].body == {"zone": "FR"}
    store.close()
    open_store(tmp_path).close()


def test_a_move_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    first_layout(tmp_path, b"damaged")
    with pytest.raises(StoreUnusable, match="damaged"):
        open_store(tmp_path)
    db = sqlite3.connect(tmp_path / FILE)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM device_day").fetchone() == (1,)
    db.close()

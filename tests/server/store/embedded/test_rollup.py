"""Rolling up a day in the embedded store: whole or not at all, whoever ends it or writes meanwhile."""

import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_server.store.embedded import FILE, open_store, rollup
from parcimetre_server.store.errors import StoreUnusable
from parcimetre_server.store.records import DeviceId, WriteBatch

DAY_S, DAY = 86_400, 19_675
DEVICES = [DeviceId(f"{n:032x}") for n in range(30)]
ENDED = """
import sys
from pathlib import Path
from parcimetre_server.store.embedded import open_store
store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
for hours in (1, 24):
    store.roll_up(int(sys.argv[2]), hours)
print("done", flush=True)
"""


def slot(day, at):
    energy = [Energy("rapl", "package", "measured", 0.1 * at, 900)]
    return Slot(day * DAY_S + at * SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9], energy=energy)


@pytest.fixture
def store(tmp_path):
    """Thirty devices with five days each, one of them still open."""
    made = open_store(tmp_path, create=True)
    made.write(
        [WriteBatch(one, [slot(DAY + day, at) for day in range(5) for at in range(96)]) for one in DEVICES]
    )
    made.tidy((DAY + 4) * DAY_S)
    yield made
    made.close()


def totals(store):
    """Seconds and joules of every device."""
    found = store.activities(DEVICES, DAY * DAY_S, (DAY + 9) * DAY_S)
    return {
        one: (read.covered_s.sum(), pytest.approx(read.measured[0].energy_j.sum())) for one, read in found
    }


def test_a_day_is_moved_whole_or_not_at_all(store, monkeypatch):
    before = totals(store)
    monkeypatch.setattr(rollup, "MARK", "INSERT INTO nowhere VALUES (?, ?)")
    with pytest.raises(StoreUnusable, match="nowhere"):
        store.roll_up(DAY + 5, 1)
    monkeypatch.undo()
    assert store.roll_up(DAY + 5, 1, dry_run=True) == 150
    assert totals(store) == before
    assert store.roll_up(DAY + 3, 1) == 90
    assert store.rolled_up().hours_before == DAY + 3
    assert totals(store) == before


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1])
def test_a_collector_that_is_killed_meanwhile_has_lost_and_doubled_nothing(store, tmp_path, seconds):
    before = totals(store)
    with subprocess.Popen(
        [sys.executable, "-c", ENDED, str(tmp_path), str(DAY + 5)], stdout=subprocess.PIPE
    ) as ended:
        ended.stdout.readline()
        time.sleep(seconds)
        ended.send_signal(signal.SIGKILL)
    assert totals(store) == before
    for hours in (1, 24):
        store.roll_up(DAY + 5, hours)
    assert store.roll_up(DAY + 5, 24, dry_run=True) == 0
    assert totals(store) == before


def test_a_slot_that_comes_while_its_day_is_packed_is_part_of_the_sum(store, monkeypatch):
    late, pack = DeviceId("f" * 32), rollup.first

    def first(*asked):
        packed = pack(*asked)
        if late not in store.spans():
            store.write([WriteBatch(late, [slot(DAY, 4), slot(DAY - 1, 2)])])
        return packed

    monkeypatch.setattr(rollup, "first", first)
    assert store.roll_up(DAY + 1, 1) == 32
    assert store.activity(late, (DAY - 1) * DAY_S, (DAY + 1) * DAY_S).covered_s.tolist() == [900, 900]


def test_a_store_of_the_second_layout_is_moved_and_its_days_stay(store, tmp_path):
    before = totals(store)
    store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("DROP VIEW device_days")
        db.execute("CREATE VIEW device_days AS SELECT id FROM sealed_day UNION ALL SELECT id FROM open_day")
        for table in ("hourly_day", "whole_day", "rolled_up"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 2")
    again = open_store(tmp_path)
    assert totals(again) == before
    again.roll_up(DAY + 2, 1)
    again.roll_up(DAY + 1, 24)
    with sqlite3.connect(tmp_path / FILE) as db:
        days = db.execute("SELECT day, count(*), sum(covered_s) FROM device_days GROUP BY day").fetchall()
    assert days == [(DAY + i, 30, 30 * DAY_S) for i in range(5)]
    again.close()


def test_a_day_takes_less_room_by_hour_and_less_again_as_one(store, tmp_path):
    def size(table):
        with sqlite3.connect(tmp_path / FILE) as db:
            return db.execute(
                f"SELECT avg(length(records) + length(means) + length(counted)) FROM {table}"
            ).fetchone()[0]

    store.tidy((DAY + 9) * DAY_S)
    fine = size("sealed_day")
    store.roll_up(DAY + 5, 1)
    hourly = size("hourly_day")
    store.roll_up(DAY + 5, 24)
    assert fine > hourly > size("whole_day")

"""A store damaged beyond its first page, or breaking while it serves: told by name, nothing acknowledged."""

import sqlite3
import time
from contextlib import closing

import httpx
import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.report import SLOT_S, Slot

PAGE_BYTES = 4096
COMMANDS = (
    "serve --port 0",
    "devices",
    "footprint",
    "org",
    "org sites",
    "enrolment-secret list",
    "report weekly 2026-W47",
)


def last_slots(count):
    """The latest slots that are over."""
    first = int(time.time()) // SLOT_S * SLOT_S - count * SLOT_S
    return [Slot(first + i * SLOT_S, SLOT_S, 0, 0, 0, 0) for i in range(count)]


def damage(file):
    """Overwrite all but the first page, which SQLite reads when it opens a file."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = file.read_bytes()
    file.write_bytes(data[:PAGE_BYTES] + b"\xa5" * (len(data) - PAGE_BYTES))


@pytest.fixture
def damaged(collector, machine):
    """A collector that was stopped, and whose store was damaged."""
    machine().report(last_slots(4))
    collector.stop()
    damage(collector.folder / "store.sqlite3")
    return collector


def test_every_command_names_the_damaged_file_and_the_mend(damaged):
    before = (damaged.folder / "store.sqlite3").read_bytes()
    for words in COMMANDS:
        done = damaged.command(*words.split())
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), (words, done.stderr)
        assert "store.sqlite3 is damaged" in done.stderr
        assert "restore a backup" in done.stderr
    assert (damaged.folder / "store.sqlite3").read_bytes() == before


def test_what_a_broken_store_could_not_take_stays_with_the_agent(collector, machine, agent):
    device = machine()
    with closing(sqlite3.connect(collector.folder / "store.sqlite3")) as db:
        db.execute("ALTER TABLE device_number RENAME TO away")
    with pytest.raises(Unreachable, match="the report was not stored"):
        device.report(last_slots(2))
    answer = httpx.get(f"{collector.url}/v1/devices")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["type"] == "/problems/store-unusable"
    assert "store.sqlite3" in answer.json()["detail"]
    away = agent.once()
    assert (away.returncode, away.stderr.count("\n")) == (1, 1)
    assert "stays in the spool" in away.stderr
    assert agent.status()["slots"] >= 1
    with closing(sqlite3.connect(collector.folder / "store.sqlite3")) as db:
        db.execute("ALTER TABLE away RENAME TO device_number")
    assert device.report(last_slots(2))["accepted"] == 2
    assert agent.once().returncode == 0
    assert agent.status()["slots"] == 0
    assert "Traceback" not in collector.log.read_text()

"""The spool: one SQLite file that keeps slots and gaps until the collector has acknowledged them.

Bounded in size and age; the oldest slots are dropped first, and counted. A slot is forgotten only after
its own acknowledgement covered all it knows: an open slot acknowledged early is sent again when it covers
more. Resident and courier both use it, each for the moment of a transaction.
"""
# ruff: noqa: PTH118

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from .errors import BadDataDir
from .slot import EnergyRecord, SlotRecord
from .timeline import GapRecord

FILE_NAME = "spool.sqlite"
LAYOUT = 1
MAX_BYTES = 10_000_000
MAX_AGE_S = 40 * 86_400
KEPT_REFUSALS = 100
_SCHEMA = """
create table if not exists slots (
    start integer primary key, covered_s integer not null, closed integer not null,
    acknowledged_s integer not null default 0, body text not null);
create table if not exists gaps (start integer primary key, duration_s integer not null, state text not null);
create table if not exists refused (start integer primary key, reason text not null);
create table if not exists meta (key text primary key, value text not null);
"""


class PendingSlot(NamedTuple):
    """A slot that awaits acknowledgement; `fields` are those of the report's Slot."""

    start: int
    covered_s: int
    fields: dict[str, Any]


class Waiting(NamedTuple):
    """How much waits, and what was lost: `dropped` slots to the bounds, `refused` by the collector."""

    slots: int
    gaps: int
    dropped: int
    refused: int
    size_bytes: int


class Spool:
    """The spool of one data folder. Each method is one transaction.

    Raises sqlite3.Error when it cannot, BadDataDir when a newer agent wrote the file.
    """

    def __init__(self, data_dir: str, max_bytes: int = MAX_BYTES, max_age_s: int = MAX_AGE_S) -> None:
        self.path = os.path.join(data_dir, FILE_NAME)
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s

    def put(
        self, slots: list[SlotRecord], gaps: list[GapRecord], open_slot: SlotRecord | None, now_s: float
    ) -> None:
        """Write closed slots, gaps and the open slot; then keep the bounds."""
        with self._transaction() as db:
            for record in slots:
                _put_slot(db, record, closed=True)
            if open_slot is not None:
                _put_slot(db, open_slot, closed=False)
            db.executemany("insert or replace into gaps values (?, ?, ?)", gaps)
            db.execute("delete from slots where closed and covered_s <= acknowledged_s")
            self._keep_bounds(db, now_s)

    def close_others(self, start: int | None) -> None:
        """Close every open slot but this one: a process that ended left them so."""
        with self._transaction() as db:
            db.execute("update slots set closed = 1 where start is not ?", (start,))
            db.execute("delete from slots where closed and covered_s <= acknowledged_s")

    def slot(self, start: int) -> SlotRecord | None:
        """What is known of one slot."""
        with self._transaction() as db:
            row = db.execute("select body from slots where start = ?", (start,)).fetchone()
        return None if row is None else _record(row[0])

    def pending(self, limit: int) -> list[PendingSlot]:
        """The oldest slots that the collector does not know, or knows less of."""
        with self._transaction() as db:
            rows = db.execute(
                "select start, covered_s, body from slots where covered_s > acknowledged_s"
                " order by start limit ?",
                (limit,),
            ).fetchall()
        return [PendingSlot(start, covered_s, json.loads(body)) for start, covered_s, body in rows]

    def pending_gaps(self, limit: int) -> list[GapRecord]:
        """The oldest gaps that await acknowledgement."""
        with self._transaction() as db:
            rows = db.execute("select * from gaps order by start limit ?", (limit,)).fetchall()
        return [GapRecord(*row) for row in rows]

    def acknowledge(self, slots: list[PendingSlot], gaps: list[GapRecord]) -> None:
        """Forget what the collector has on disk, as far as it was sent."""
        with self._transaction() as db:
            db.executemany(
                "update slots set acknowledged_s = max(acknowledged_s, ?) where start = ?",
                [(slot.covered_s, slot.start) for slot in slots],
            )
            db.execute("delete from slots where closed and covered_s <= acknowledged_s")
            db.executemany(
                "delete from gaps where start = ? and duration_s = ?",
                [(gap.start, gap.duration_s) for gap in gaps],
            )

    def set_aside(self, starts: list[int], reason: str) -> None:
        """Take records that will never be accepted out of the queue, and remember why."""
        with self._transaction() as db:
            for start in starts:
                db.execute("insert or replace into refused values (?, ?)", (start, reason[:500]))
                db.execute("update slots set acknowledged_s = covered_s where start = ?", (start,))
                db.execute("delete from slots where start = ? and closed", (start,))
                db.execute("delete from gaps where start = ?", (start,))
            _count(db, "refused", len(starts))
            db.execute(
                "delete from refused where start not in"
                " (select start from refused order by start desc limit ?)",
                (KEPT_REFUSALS,),
            )

    def refusals(self) -> list[tuple[int, str]]:
        """The latest records the collector would not have, with its reasons."""
        with self._transaction() as db:
            return [(start, reason) for start, reason in db.execute("select * from refused order by start")]

    def get(self, key: str) -> Any:
        """A remembered value, or None."""
        with self._transaction() as db:
            row = db.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def remember(self, **values: Any) -> None:
        """Keep small facts between processes: last heartbeat, last inventory, cost so far."""
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        with self._transaction() as db:
            db.executemany("insert or replace into meta values (?, ?)", rows)

    def waiting(self) -> Waiting:
        """What waits, and what was lost."""
        with self._transaction() as db:
            slots = db.execute("select count(*) from slots where covered_s > acknowledged_s").fetchone()[0]
            gaps = db.execute("select count(*) from gaps").fetchone()[0]
            return Waiting(slots, gaps, _counted(db, "dropped"), _counted(db, "refused"), _size(db))

    def clear(self) -> None:
        """Forget everything: it belongs to another machine."""
        with self._transaction() as db:
            for table in ("slots", "gaps", "refused", "meta"):
                db.execute(f"delete from {table}")  # noqa: S608 - the names stand one line above

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=30)
        try:
            db.execute("pragma cache_size = -256")
            layout = db.execute("pragma user_version").fetchone()[0]
            if layout > LAYOUT:
                raise BadDataDir(
                    f"{self.path} has layout {layout}, this agent knows {LAYOUT}: install the newer agent"
                )
            if layout == 0:
                db.executescript("pragma auto_vacuum = full;" + _SCHEMA + f"pragma user_version = {LAYOUT};")
            with db:
                yield db
        finally:
            db.close()

    def _keep_bounds(self, db: sqlite3.Connection, now_s: float) -> None:
        """Drop what is too old, then the oldest until the file is small enough."""
        horizon = int(now_s) - self._max_age_s
        dropped = db.execute("delete from slots where start < ?", (horizon,)).rowcount
        db.execute("delete from gaps where start + duration_s < ?", (horizon,))
        while _size(db) > self._max_bytes:
            batch = db.execute(
                "delete from slots where start in (select start from slots order by start limit 100)"
            ).rowcount
            dropped += batch
            if batch == 0:
                db.execute(
                    "delete from gaps where start in (select start from gaps order by start limit 100)"
                )
                break
        _count(db, "dropped", dropped)


def _put_slot(db: sqlite3.Connection, record: SlotRecord, closed: bool) -> None:
    """Keep the record that covers more; closed stays closed."""
    db.execute(
        "insert into slots (start, covered_s, closed, body) values (?, ?, ?, ?)"
        " on conflict (start) do update set"
        " closed = max(closed, excluded.closed),"
        " body = case when excluded.covered_s >= covered_s then excluded.body else body end,"
        " covered_s = max(covered_s, excluded.covered_s)",
        (record.start, record.covered_s, int(closed), _body(record)),
    )


def slot_fields(record: SlotRecord) -> dict[str, Any]:
    """The record by the field names of the report; absent means are left out."""
    fields = {name: value for name, value in record._asdict().items() if value is not None}
    fields["energy"] = [energy._asdict() for energy in record.energy]
    return fields


def _body(record: SlotRecord) -> str:
    return json.dumps(slot_fields(record), separators=(",", ":"))


def _record(body: str) -> SlotRecord:
    fields = dict.fromkeys(SlotRecord._fields)
    fields.update(json.loads(body))
    energy = [EnergyRecord(**one) for one in fields.pop("energy") or []]
    return SlotRecord(**fields, energy=energy)  # type: ignore[arg-type]  # JSON carries no types; we wrote it


def _size(db: sqlite3.Connection) -> int:
    pages = db.execute("pragma page_count").fetchone()[0] - db.execute("pragma freelist_count").fetchone()[0]
    return int(pages * db.execute("pragma page_size").fetchone()[0])


def _counted(db: sqlite3.Connection, key: str) -> int:
    row = db.execute("select value from meta where key = ?", (key,)).fetchone()
    return 0 if row is None else int(row[0])


def _count(db: sqlite3.Connection, key: str, more: int) -> None:
    if more:
        db.execute("insert or replace into meta values (?, ?)", (key, str(_counted(db, key) + more)))

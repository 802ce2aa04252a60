"""The spool: one SQLite file that keeps slots and gaps until the collector has acknowledged them.

Bounded in size and age: the oldest slots are first made coarser, an hour becoming one record, then dropped,
and both are counted. A slot is forgotten only after its own acknowledgement covered all it knows: an open
slot acknowledged early is sent again when it covers more. A slot that was sent is never made coarser: the
collector may have it, and would count some of it twice. Resident and courier both use the spool, each for
the moment of a transaction.
"""
# ruff: noqa: PTH105, PTH108, PTH118

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..base.errors import BadDataDir
from . import coarsening
from .slot import EnergyRecord, SlotRecord
from .timeline import GapRecord

FILE_NAME = "spool.sqlite"
LAYOUT = 2
MAX_BYTES = 32 * 1_048_576
MAX_AGE_S = 400 * 86_400
KEPT_REFUSALS = 100
MADE_ROOM = 0.9
COARSENED_AT_ONCE = 100
_SCHEMA = """
create table if not exists slots (
    start integer primary key, covered_s integer not null, closed integer not null,
    acknowledged_s integer not null default 0, body text not null, sent integer not null default 0);
create table if not exists hours (start integer primary key, waiting text not null, body text not null);
create table if not exists gaps (start integer primary key, duration_s integer not null, state text not null);
create table if not exists refused (start integer primary key, reason text not null);
create table if not exists meta (key text primary key, value text not null);
"""
_FROM_LAYOUT_1 = """
alter table slots add column sent integer not null default 1;
create table hours (start integer primary key, waiting text not null, body text not null);
"""


class PendingSlot(NamedTuple):
    """A slot that awaits acknowledgement; `fields` are those of the report's Slot."""

    start: int
    covered_s: int
    fields: dict[str, Any]


class SpoolTotals(NamedTuple):
    """How much waits, and what was lost: `dropped` slots to the bounds, `refused` by the collector.

    `coarsened` slots were made parts of an hour, and `damaged` files put beside.
    """

    slots: int
    gaps: int
    dropped: int
    refused: int
    coarsened: int
    damaged: int
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
            hours = db.execute("select waiting, body from hours order by start limit ?", (limit,)).fetchall()
        found = [PendingSlot(start, covered_s, json.loads(body)) for start, covered_s, body in rows]
        found += [slot for waiting, body in hours for slot in _of_hour(json.loads(waiting), json.loads(body))]
        return sorted(found, key=lambda slot: slot.start)[:limit]

    def sending(self, slots: list[PendingSlot]) -> None:
        """Note that the collector may have these from now on, whether or not it will be heard to say so."""
        with self._transaction() as db:
            db.executemany("update slots set sent = 1 where start = ?", [(slot.start,) for slot in slots])

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
            _take_out_of_hours(db, {slot.start for slot in slots})
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
            _take_out_of_hours(db, set(starts))
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

    def waiting(self) -> SpoolTotals:
        """What waits, and what was lost."""
        with self._transaction() as db:
            slots = db.execute("select count(*) from slots where covered_s > acknowledged_s").fetchone()[0]
            slots += sum(len(json.loads(waiting)) for (waiting,) in db.execute("select waiting from hours"))
            gaps = db.execute("select count(*) from gaps").fetchone()[0]
            lost = {key: _counted(db, key) for key in ("dropped", "refused", "coarsened", "damaged")}
            return SpoolTotals(slots, gaps, size_bytes=_size(db), **lost)

    def begin_anew(self) -> None:
        """Put a damaged file beside, begin an empty one and count that. Raises OSError."""
        os.replace(self.path, self.path + ".damaged")
        for rest in ("-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + rest)
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        with self._transaction() as db:
            _count(db, "damaged", 1)

    def clear(self) -> None:
        """Forget everything: it belongs to another machine."""
        with self._transaction() as db:
            for table in ("slots", "hours", "gaps", "refused", "meta"):
                db.execute(f"delete from {table}")  # noqa: S608 - the names stand one line above

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=30)
        try:
            db.execute("pragma cache_size = -256")
            layout = db.execute("pragma user_version").fetchone()[0]
            if layout > LAYOUT:
                raise BadDataDir(
                    f"{self.path} has layout {layout}, newer than this agent can read ({LAYOUT}): "
                    "install a newer agent"
                )
            if layout == 0:
                db.executescript("pragma auto_vacuum = full;" + _SCHEMA + f"pragma user_version = {LAYOUT};")
            elif layout == 1:
                db.executescript(_FROM_LAYOUT_1 + f"pragma user_version = {LAYOUT};")
            with db:
                yield db
        finally:
            db.close()

    def _keep_bounds(self, db: sqlite3.Connection, now_s: float) -> None:
        """Drop what is too old; where the file is too large, make room."""
        horizon = int(now_s) - self._max_age_s
        dropped = db.execute("delete from slots where start < ?", (horizon,)).rowcount
        dropped += _drop_hours(db, "start < ?", horizon)
        db.execute("delete from gaps where start + duration_s < ?", (horizon,))
        if _size(db) > self._max_bytes:
            dropped += self._make_room(db)
        _count(db, "dropped", dropped)

    def _make_room(self, db: sqlite3.Connection) -> int:
        """Make the oldest coarser, then drop the oldest, to a little below the bound, so that this is rare.

        Returns the number of slots dropped.
        """
        aim, dropped = self._max_bytes * MADE_ROOM, 0
        while _size(db) > aim and _coarsen(db):
            pass
        while _size(db) > aim:
            oldest = db.execute("select start from slots union select start from hours order by 1 limit 100")
            starts = [start for (start,) in oldest]
            if not starts:
                db.execute(
                    "delete from gaps where start in (select start from gaps order by start limit 100)"
                )
                break
            dropped += db.execute("delete from slots where start <= ?", (starts[-1],)).rowcount
            dropped += _drop_hours(db, "start <= ?", starts[-1])
        return dropped


def _coarsen(db: sqlite3.Connection) -> bool:
    """Make one record of each of the oldest hours that has several slots; False when there is none."""
    several = db.execute(
        "select start / 3600 * 3600 as hour from slots"
        " where closed and not sent and hour not in (select start from hours)"
        " group by hour having count(*) > 1 order by hour limit ?",
        (COARSENED_AT_ONCE,),
    ).fetchall()
    for (hour,) in several:
        rows = db.execute(
            "select body from slots where closed and not sent and start >= ? and start < ? order by start",
            (hour, hour + coarsening.HOUR_S),
        )
        slots = [_record(body) for (body,) in rows.fetchall()]
        starts = [slot.start for slot in slots]
        body = json.dumps(coarsening.merge_hour(slots), separators=(",", ":"))
        db.execute("insert into hours values (?, ?, ?)", (hour, json.dumps(starts), body))
        db.executemany("delete from slots where start = ?", [(start,) for start in starts])
        _count(db, "coarsened", len(starts))
    return bool(several)


def _of_hour(waiting: list[int], hour: dict[str, Any]) -> Iterator[PendingSlot]:
    """The slots of an hour that still wait."""
    for record in coarsening.split_hour(hour):
        if record.start in waiting:
            yield PendingSlot(record.start, record.covered_s, slot_fields(record))


def _take_out_of_hours(db: sqlite3.Connection, starts: set[int]) -> None:
    """Slots of hours that wait no longer; an hour goes with the last of them."""
    for hour in {coarsening.hour_start(start) for start in starts}:
        row = db.execute("select waiting from hours where start = ?", (hour,)).fetchone()
        left = [start for start in json.loads(row[0]) if start not in starts] if row else []
        if left:
            db.execute("update hours set waiting = ? where start = ?", (json.dumps(left), hour))
        else:
            db.execute("delete from hours where start = ?", (hour,))


def _drop_hours(db: sqlite3.Connection, which: str, bound: int) -> int:
    """Delete hours; how many slots went with them."""
    rows = db.execute(f"select waiting from hours where {which}", (bound,)).fetchall()  # noqa: S608 - ours
    db.execute(f"delete from hours where {which}", (bound,))  # noqa: S608
    return sum(len(json.loads(waiting)) for (waiting,) in rows)


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
    """Return a stored record, without fields that only an older agent wrote."""
    stored = json.loads(body)
    energy = [EnergyRecord(**one) for one in stored.get("energy") or []]
    return SlotRecord(**{name: stored.get(name) for name in SlotRecord._fields} | {"energy": energy})


def _size(db: sqlite3.Connection) -> int:
    pages = db.execute("pragma page_count").fetchone()[0] - db.execute("pragma freelist_count").fetchone()[0]
    return int(pages * db.execute("pragma page_size").fetchone()[0])


def _counted(db: sqlite3.Connection, key: str) -> int:
    row = db.execute("select value from meta where key = ?", (key,)).fetchone()
    return 0 if row is None else int(row[0])


def _count(db: sqlite3.Connection, key: str, more: int) -> None:
    if more:
        db.execute("insert or replace into meta values (?, ?)", (key, str(_counted(db, key) + more)))

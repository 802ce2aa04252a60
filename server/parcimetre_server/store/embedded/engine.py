"""Slots and facts in SQLite: merged and written in batches, read as arrays."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sqlite_utils
from parcimetre_agent.report import Slot
from parcimetre_factors.activity import Activity

from ..fact_schema import decode_body, encode_body
from ..interface import Coverage, Lease, RolledUp
from ..records import Body, DeviceId, Fact, FactKind, WriteBatch, WriteResult
from ..rolling import ALL_SETTLED, DayRule, Hours, RollRules
from . import rollup
from .columns import activities, activity
from .day_rows import row_of, stored_row
from .errors import NotYetErased, StoreUnusable, check_free_space, translate_errors
from .packing import (
    DAY_S,
    DEVICE_BITS,
    DEVICE_MASK,
    DayOfSlots,
    TableRow,
    Unpacker,
    day_id,
    day_number,
    device_number,
)

NUMBER = "SELECT number FROM device_number WHERE id = ?"
NUMBERS = "SELECT id, number FROM device_number WHERE id IN (SELECT value FROM json_each(?))"
NEW_NUMBER = "INSERT INTO device_number (id) VALUES (?) RETURNING number"
OPEN_DAYS = """
    SELECT id, version, 0, records, means, channels, counted FROM open_day
    WHERE id IN (SELECT value FROM json_each(?))
"""
SEALED_DAY = "SELECT version, 1, records, means, channels, counted FROM sealed_day WHERE id = ?"
DAYS = """
    SELECT value, coalesce(s.version, o.version, h.version, w.version), s.id IS NOT NULL OR o.id IS NULL,
           coalesce(s.records, o.records, h.records, w.records),
           coalesce(s.means, o.means, h.means, w.means),
           coalesce(s.channels, o.channels, h.channels, w.channels),
           coalesce(s.counted, o.counted, h.counted, w.counted), CASE WHEN h.id THEN 1 WHEN w.id THEN 24 END
    FROM json_each(?)
    LEFT JOIN sealed_day s ON s.id = value LEFT JOIN open_day o ON o.id = value
    LEFT JOIN hourly_day h
    ON h.id = CASE WHEN value >> 24 < (SELECT before_day FROM rolled_up WHERE hours = 1) THEN value END
    LEFT JOIN whole_day w
    ON w.id = CASE WHEN value >> 24 < (SELECT before_day FROM rolled_up WHERE hours = 24) THEN value END
    WHERE coalesce(s.id, o.id, h.id, w.id) IS NOT NULL
"""
PAST_DAYS = """
    SELECT id, version, 0, records, means, channels, counted FROM open_day WHERE id < ? ORDER BY id LIMIT ?
"""
OPEN = "INSERT OR REPLACE INTO open_day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
SEAL = "INSERT INTO sealed_day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
UNSEAL = "DELETE FROM sealed_day WHERE id = ?"
SEALED = "DELETE FROM open_day WHERE id = ?"
SPANS = "SELECT id, first_slot, last_slot FROM device_number WHERE first_slot IS NOT NULL"
WIDEN = """
    UPDATE device_number
    SET first_slot = min(ifnull(first_slot, ?2), ?2), last_slot = max(ifnull(last_slot, ?3), ?3)
    WHERE number = ?1
"""
DEVICES = "SELECT number, id FROM device_number ORDER BY number"
DAY_TABLES = ("open_day", "sealed_day", *rollup.TABLES.values())
COVERED = " UNION ALL ".join(
    f"SELECT id, covered_s FROM {table} WHERE id >= ?1 AND id < ?2"  # noqa: S608  our own names
    for table in DAY_TABLES
)
NEWER = """
    SELECT * FROM facts WHERE id > ? AND id <= ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY id
"""
WRITE_FACT = "INSERT INTO facts (kind, key, recorded_at, body) VALUES (?, ?, ?, ?)"
LATEST = """
    SELECT * FROM facts WHERE id IN (
        SELECT max(id) FROM facts WHERE kind = ? GROUP BY key HAVING max(recorded_at) >= ?
    )
"""
HISTORY = "SELECT * FROM facts WHERE kind = ?1{of_key} ORDER BY id"
KEYS = "SELECT DISTINCT key FROM facts WHERE kind = ?1"
HISTORY_SINCE = """
    SELECT f.* FROM ({keys}) k JOIN facts f ON f.kind = ?1 AND f.key = k.key AND f.id >= ifnull((
        SELECT id FROM facts WHERE kind = ?1 AND key = k.key AND recorded_at < ?2 ORDER BY id DESC LIMIT 1
    ), 0) ORDER BY f.id
"""
SOME_FACTS = """
    SELECT id, key, recorded_at, body FROM facts WHERE kind = ? AND id > ? ORDER BY id LIMIT ?
"""
REMOVE_FACTS = "DELETE FROM facts WHERE kind = ? AND key = ?"
FACTS_OF = "DELETE FROM facts WHERE key = ?"
DAYS_OF = "DELETE FROM {table} WHERE id & 16777215 = (SELECT number FROM device_number WHERE id = ?)"
NUMBER_OF = "DELETE FROM device_number WHERE id = ?"
MOST_REWRITTEN = 2_000  # facts in one transaction
MOST_READ = 512  # days that are unpacked at once
MOST_SEALED = 2_000  # days in one transaction, so that reports do not wait for long
LATE_S = 6 * 3600


class EmbeddedStore:
    """The Store over two SQLite connections, so that readers do not wait for a commit.

    Its methods may be called from any thread, and raise StoreUnusable when the file does not serve.
    """

    shared = False

    def __init__(self, file: Path, db: sqlite_utils.Database, reader: sqlite_utils.Database) -> None:
        """Own two connections to a file that has the tables, one to write and one to read."""
        self._file = file
        self._db, self._lock = db, threading.Lock()
        self._reader, self._reading = reader, threading.Lock()
        self._leases: dict[str, Lease] = {}

    def write(self, arrivals: Sequence[WriteBatch]) -> list[WriteResult]:
        """See Store.write."""
        with self._transaction():
            batch = _Batch(self._db, arrivals)
            merged = [batch.merge(arrival) for arrival in arrivals]
            batch.write()
            self._insert(fact for arrival in arrivals for fact in arrival.facts)
        return merged

    def tidy(self, now: int) -> None:
        """See Store.tidy: seals the days that are over."""
        over, unpacker = day_id(0, (now - LATE_S) // DAY_S), Unpacker()
        while True:
            with self._transaction():
                found = self._db.execute(PAST_DAYS, [over, MOST_SEALED]).fetchall()
                days = [(key, unpacker.day(stored_row(key, *packed))) for key, *packed in found]
                self._db.conn.executemany(SEAL, (row_of(key, day, day.seal()) for key, day in days))
                self._db.conn.executemany(SEALED, ((key,) for key, _ in days))
            if len(found) < MOST_SEALED:
                return

    def day_rule(self, day: int) -> DayRule:
        """See Store.day_rule."""
        return rollup.day_rule(self._query, day)

    def rolled_up(self) -> RolledUp:
        """See Store.rolled_up."""
        return rollup.marks(self._query(rollup.MARKS, []))

    def roll_up(
        self, before_day: int, hours: Hours, dry_run: bool = False, rules: RollRules = ALL_SETTLED
    ) -> int:
        """See Store.roll_up: each day of UTC in a transaction of its own, with the mark behind it."""
        if dry_run:
            return rollup.due(self._query, before_day, hours)
        until, count = before_day if hours == 1 else min(before_day, self.rolled_up().hours_before), 0
        while True:
            packed = rollup.first(self._query, until, hours, rules)
            with self._transaction():
                done = rollup.put(self._db.conn, packed, until, hours)
            count += len(packed.rows) if done else 0
            if done and packed.day is None:
                self._settle(rules)
                return count

    def _settle(self, rules: RollRules) -> None:
        """Add up the incomplete quarter hours of days of which no record is accepted any more."""
        until = min(rules.settled_before, self.rolled_up().hours_before)
        while (day := rollup.first_unsettled(self._query, until)) is not None:
            with self._transaction():
                rollup.put_settled(self._db.conn, rollup.settle(self._in_transaction, day), day + 1)

    def _in_transaction(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._db.conn.execute(sql, parameters).fetchall()

    def remove(self, kind: FactKind, keys: Sequence[str]) -> None:
        """See Store.remove."""
        with self._transaction():
            greatest = self._greatest_fact_id()
            self._db.conn.executemany(REMOVE_FACTS, ((kind, key) for key in keys))
            self._reserve_fact_ids(greatest)

    def erase(
        self, device_ids: Sequence[DeviceId], facts: Sequence[tuple[FactKind, str]], instead: Sequence[Fact]
    ) -> None:
        """See Store.erase: the file is written anew, since SQLite leaves copies of rows in moved pages."""
        check_free_space(self._file)
        with self._transaction():
            greatest = self._greatest_fact_id()
            for table in DAY_TABLES:
                self._db.conn.executemany(DAYS_OF.format(table=table), ((key,) for key in device_ids))
            for sql in (NUMBER_OF, FACTS_OF):
                self._db.conn.executemany(sql, ((key,) for key in device_ids))
            self._db.conn.executemany(REMOVE_FACTS, facts)
            self._reserve_fact_ids(greatest)
            self._insert(instead)
        self._rewrite_file()

    def _greatest_fact_id(self) -> int:
        return int(self._db.execute("SELECT ifnull(max(id), 0) FROM facts").fetchone()[0])

    def _reserve_fact_ids(self, greatest: int) -> None:
        """Never give an id up to the greatest again: readers ask for the facts after a mark."""
        self._db.execute("DELETE FROM facts WHERE kind = '' AND id < ?", [greatest])
        if self._greatest_fact_id() < greatest:
            self._db.execute("INSERT INTO facts VALUES (?, '', '', 0, '{}')", [greatest])

    def _rewrite_file(self) -> None:
        """Rewrite the file without the bytes of deleted rows, and empty its log. Raises NotYetErased."""
        try:
            with self._lock, self._reading, translate_errors(self._file):
                self._db.execute("VACUUM")
                busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            why = "another process reads it" if busy else None
        except StoreUnusable as error:
            why = str(error)
        if why is not None:
            raise NotYetErased(
                f"deleted, but remains are left in {self._file} ({why}): stop the collector and run "
                f"`sqlite3 {self._file} VACUUM`"
            )

    def rewrite(self, kind: FactKind, change: Callable[[Fact], Body | None]) -> int:
        """See Store.rewrite: some facts in each transaction."""
        last = count = 0
        while True:
            with self._transaction():
                rows = self._db.execute(SOME_FACTS, [kind, last, MOST_REWRITTEN]).fetchall()
                facts = [Fact(kind, key, at, decode_body(kind, key, body)) for _, key, at, body in rows]
                bodies = ((change(fact), row[0]) for fact, row in zip(facts, rows, strict=True))
                changed = [(encode_body(kind, body), row) for body, row in bodies if body is not None]
                self._db.conn.executemany("UPDATE facts SET body = ? WHERE id = ?", changed)
            count += len(changed)
            if len(rows) < MOST_REWRITTEN:
                return count
            last = rows[-1][0]

    def append(self, facts: Sequence[Fact]) -> None:
        """See Store.append."""
        with self._transaction():
            self._insert(facts)

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """See Store.latest."""
        return {fact.key: fact for fact in self._facts(LATEST, [kind, since])}

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """See Store.latest_of."""
        found = self._facts(
            "SELECT * FROM facts WHERE kind = ? AND key = ? ORDER BY id DESC LIMIT 1", [kind, key]
        )
        return found[0] if found else None

    def history(self, kind: FactKind, key: str | None = None, since: int = 0) -> list[Fact]:
        """See Store.history."""
        if not since:
            of_key, named = ("", []) if key is None else (" AND key = ?2", [key])
            return self._facts(HISTORY.format(of_key=of_key), [kind, *named])
        if key is None:
            return self._facts(HISTORY_SINCE.format(keys=KEYS), [kind, since])
        return self._facts(HISTORY_SINCE.format(keys="SELECT ?3 AS key"), [kind, since, key])

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """See Store.activity."""
        found = dict(self.activities([device_id], first, last))
        return found.get(device_id) or activity([], first, last)

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """See Store.activities."""
        days = range(first // DAY_S, (last - 1) // DAY_S + 1)
        known = self._query(NUMBERS, [json.dumps(list(dict.fromkeys(device_ids)))])
        ids = {number: DeviceId(device_id) for device_id, number in known}
        for numbers in _chunks(list(ids), max(1, MOST_READ // max(1, len(days)))):
            wanted = [day_id(number, day) for number in numbers for day in days]
            rows = self._query(DAYS, [json.dumps(wanted)])
            with translate_errors(self._file):
                packed = [(device_number(key), day_number(key), stored_row(key, *row)) for key, *row in rows]
                found = list(activities(packed, first, last)) if packed else []
            yield from ((ids[number], activity) for number, activity in found if len(activity.start))

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """See Store.slots."""
        unpacker = Unpacker()
        for (number,) in self._query(NUMBER, [device_id]):
            wanted = [day_id(number, day) for day in range(first // DAY_S, (last - 1) // DAY_S + 1)]
            for key, *row in self._query(DAYS, [json.dumps(wanted)]):
                with translate_errors(self._file):
                    found = list(unpacker.day(stored_row(key, *row)).slots(day_number(key)))
                yield from (slot for slot in found if first <= slot.start < last)

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """See Store.span."""
        return self._spans(f"{SPANS} AND id = ?", [device_id]).get(device_id)

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """See Store.spans."""
        return self._spans(SPANS, [])

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """See Store.coverage."""
        ends = [day_id(0, first_day), day_id(0, last_day + 1)]
        known = self._query(DEVICES, [])
        rows = np.array(self._query(COVERED, ends), np.int64).reshape(-1, 2)
        row_of_number = np.zeros(max((number for number, _ in known), default=0) + 1, np.intp)
        row_of_number[[number for number, _ in known]] = np.arange(len(known))
        covered_s = np.zeros((last_day - first_day + 1, len(known)), np.int64)
        at = (rows[:, 0] >> DEVICE_BITS) - first_day, row_of_number[rows[:, 0] & DEVICE_MASK]
        covered_s[at] = rows[:, 1]
        return Coverage(tuple(DeviceId(device) for _, device in known), covered_s)

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """See Store.newer."""
        now = int(self._query("SELECT ifnull(max(id), 0) FROM facts", [])[0][0])
        return self._facts(NEWER, [mark, now, json.dumps(list(kinds))]) if now > mark else [], now

    def _spans(self, sql: str, parameters: Sequence[Any]) -> dict[DeviceId, tuple[int, int]]:
        rows = self._query(sql, parameters)
        return {DeviceId(device): (first, last) for device, first, last in rows}

    def lease(self, job: str) -> Lease:
        """See Store.lease: leases are in this process alone."""
        return self._leases.get(job, Lease())

    def take_lease(self, job: str, lease: Lease) -> bool:
        """See Store.take_lease."""
        self._leases[job] = lease
        return True

    def close(self) -> None:
        """See Store.close."""
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, durable at the end; other processes may wait for it or be waited for."""
        with self._lock, translate_errors(self._file):
            self._db.execute("BEGIN IMMEDIATE")
            with self._db.conn:
                yield

    def _insert(self, facts: Iterable[Fact]) -> None:
        self._db.conn.executemany(
            WRITE_FACT,
            ((fact.kind, fact.key, fact.recorded_at, encode_body(fact.kind, fact.body)) for fact in facts),
        )

    def _query(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._reading, translate_errors(self._file):
            return self._reader.conn.execute(sql, parameters).fetchall()

    def _facts(self, sql: str, parameters: Sequence[Any]) -> list[Fact]:
        rows = self._query(sql, parameters)
        return [
            Fact(kind, key, recorded_at, decode_body(kind, key, body))
            for _, kind, key, recorded_at, body in rows
        ]


class _Batch:
    """The days that one transaction touches: read once, merged in memory, written once."""

    def __init__(self, db: sqlite_utils.Database, arrivals: Sequence[WriteBatch]) -> None:
        """Within a transaction of `db`; what the arrivals touch is looked up at once."""
        self._db, self._unpacker = db, Unpacker()
        self._marks = rollup.marks(db.execute(rollup.MARKS).fetchall())
        self._days: dict[int, DayOfSlots] = {}
        self._unsealed: list[int] = []
        with_slots = [arrival for arrival in arrivals if arrival.slots]
        self._numbers: dict[str, int] = dict(
            self._of_each(NUMBERS, [arrival.device_id for arrival in with_slots])
        )
        touched = {
            day_id(self._numbers[arrival.device_id], slot.start // DAY_S)
            for arrival in with_slots if arrival.device_id in self._numbers for slot in arrival.slots
        }  # fmt: skip
        self._open = {key: stored_row(key, *row) for key, *row in self._of_each(OPEN_DAYS, touched)}

    def merge(self, arrival: WriteBatch) -> WriteResult:
        """Merge the slots of an arrival."""
        if not arrival.slots:
            return WriteResult(0, 0)
        number = self._number(arrival.device_id)
        accepted = sum(self._day(day_id(number, slot.start // DAY_S)).merge(slot) for slot in arrival.slots)
        return WriteResult(accepted, len(arrival.slots) - accepted)

    def write(self) -> None:
        """Write the days; one that was sealed is open again."""
        rows: list[TableRow] = []
        for hours, statement in ((None, OPEN), *rollup.PUT.items()):
            days = ((key, day) for key, day in sorted(self._days.items()) if day.hours == hours)
            of_hours = [row_of(key, day, day.roll() if hours else day.open()) for key, day in days]
            self._db.conn.executemany(statement, of_hours)
            rows += of_hours
        self._db.conn.executemany(UNSEAL, ((key,) for key in self._unsealed))
        spans = ((device_number(key), first, last) for key, first, last, *_ in rows if first is not None)
        self._db.conn.executemany(WIDEN, spans)

    def _of_each(self, sql: str, keys: Iterable[str | int]) -> list[tuple[Any, ...]]:
        return self._db.conn.execute(sql, [json.dumps(list(keys))]).fetchall()

    def _number(self, device_id: DeviceId) -> int:
        """Return the number of a device in the tables of days; a new device gets one."""
        if device_id not in self._numbers:
            self._numbers[device_id] = self._db.conn.execute(NEW_NUMBER, [device_id]).fetchone()[0]
        return self._numbers[device_id]

    def _day(self, key: int) -> DayOfSlots:
        if key not in self._days:
            hours = self._marks.hours_of(day_number(key))
            self._days[key] = self._recent(key) if hours is None else self._rolled(key, hours)
        return self._days[key]

    def _recent(self, key: int) -> DayOfSlots:
        if key in self._open:
            return self._unpacker.day(self._open[key])
        row = self._db.conn.execute(SEALED_DAY, [key]).fetchone()
        if row is None:
            return DayOfSlots()
        self._unsealed.append(key)
        return self._unpacker.day(stored_row(key, *row))

    def _rolled(self, key: int, hours: Hours) -> DayOfSlots:
        row = self._db.conn.execute(rollup.OF_DEVICE[hours], [key]).fetchone()
        if row is not None:
            return self._unpacker.day(stored_row(key, *row))
        rule = rollup.day_rule(lambda sql, keys: self._db.conn.execute(sql, keys).fetchall(), day_number(key))
        return DayOfSlots(hours=hours, parts=rule.parts)


def _chunks(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[at : at + size] for at in range(0, len(numbers), size))

"""Days of the embedded store that are rolled up: one day of UTC at a time, whole, with the mark behind it.

A transaction moves all rows of a day into the coarser table and sets the mark, so that whoever is killed
leaves each day as it was or as it will be. Rows are packed before it begins; should one have changed
meanwhile, that is seen, and the day is packed again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..interface import RolledUp
from ..rolling import SETTLED_DAY, DayRule, Hours, RollRules
from .day_rows import row_of, stored_row
from .packing import TableRow, Unpacker, day_id

TABLES: dict[Hours, str] = {1: "hourly_day", 24: "whole_day"}
FINER: dict[Hours, tuple[str, ...]] = {1: ("sealed_day", "open_day"), 24: ("hourly_day",)}
MARKS = "SELECT hours, before_day FROM rolled_up"
MARK = "INSERT OR REPLACE INTO rolled_up VALUES (?, ?)"
INTO = "INSERT OR REPLACE INTO {} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
FROM = "SELECT version, 1, records, means, channels, counted, {} FROM {} WHERE id = ?"
PUT = {hours: INTO.format(table) for hours, table in TABLES.items()}
OF_DEVICE = {hours: FROM.format(hours, table) for hours, table in TABLES.items()}
FIRST = "SELECT min(id) >> 24 FROM {table} WHERE id < ?"
OF_DAY = """
    SELECT id, covered_s, version, {sealed}, records, means, channels, counted, {hours} FROM {table}
    WHERE id >= ? AND id < ? ORDER BY id
"""
SETTLED_MARK = 0  # in the place of hours: days before it have no incomplete quarter hours beside their sums
WITH_INCOMPLETE = "SELECT min(id) >> 24 FROM {table} WHERE id >= ? AND id < ? AND version > 1"
BEFORE = "SELECT count(*), ifnull(sum(covered_s), 0) FROM {table} WHERE id < ?"
MOVED = "DELETE FROM {table} WHERE id < ?"
Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Packed:
    """A day's rows as they will be, and the seconds that they covered when they were read.

    `day` is None when nothing is left to be rolled up.
    """

    day: int | None
    rows: Sequence[TableRow] = ()
    covered_s: int = 0


def day_rule(query: Query, day: int) -> DayRule:
    """Return how a day was rolled up, by the first of its rows; as settled where it was not."""
    ends = [day_id(0, day), day_id(0, day + 1)]
    for hours, table in TABLES.items():
        for key, _, *packed in query(f"{OF_DAY.format(table=table, sealed=1, hours=hours)} LIMIT 1", ends):
            return Unpacker().day(stored_row(key, *packed)).rule
    return SETTLED_DAY


def marks_by_hours(rows: Iterable[tuple[Any, ...]]) -> dict[int, int]:
    """Return the day before which days are sums, by the hours of a sum, from the rows of the marks."""
    return {int(hours): int(before) for hours, before in rows}


def marks(rows: Iterable[tuple[Any, ...]]) -> RolledUp:
    """Return what is rolled up, from the rows of the marks."""
    before = marks_by_hours(rows)
    return RolledUp(before.get(1, 0), before.get(24, 0))


def due(query: Query, until: int, hours: Hours) -> int:
    """Device-days before a day that are not rolled up yet, be it to hours first."""
    tables = FINER[1] if hours == 1 else (*FINER[1], *FINER[24])
    return sum(int(query(BEFORE.format(table=table), [day_id(0, until)])[0][0]) for table in tables)


def first(query: Query, until: int, hours: Hours, rules: RollRules) -> Packed:
    """The first day before another that is not rolled up yet, packed."""
    end = [day_id(0, until)]
    found = [query(FIRST.format(table=table), end)[0][0] for table in FINER[hours]]
    day = min((one for one in found if one is not None), default=None)
    if day is None:
        return Packed(None)
    ends, unpacker = [day_id(0, day), day_id(0, day + 1)], Unpacker()
    rule = rules.of(day)
    finer = 1 if hours == 24 else "NULL"
    rows, covered_s = [], 0
    for table in FINER[hours]:
        sealed = int(table != "open_day")
        for key, seconds, *packed in query(OF_DAY.format(table=table, sealed=sealed, hours=finer), ends):
            opened = unpacker.day(stored_row(key, *packed)).to_roll(hours, rule)
            rows.append(row_of(key, opened, opened.roll()))
            covered_s += seconds
    return Packed(day, sorted(rows), covered_s)


def first_unsettled(query: Query, until: int) -> int | None:
    """Return the first day before another that may have incomplete quarter hours beside its sums."""
    known = marks_by_hours(query(MARKS, [])).get(SETTLED_MARK, 0)
    ends = [day_id(0, known), day_id(0, until)]
    days = (query(WITH_INCOMPLETE.format(table=table), ends)[0][0] for table in TABLES.values())
    return min((day for day in days if day is not None), default=None)


def settle(query: Query, day: int) -> list[tuple[Hours, TableRow]]:
    """Return the rows of sums of a day with their incomplete quarter hours added up."""
    ends, unpacker = [day_id(0, day), day_id(0, day + 1)], Unpacker()
    rows: list[tuple[Hours, TableRow]] = []
    for hours, table in TABLES.items():
        for key, _, *packed in query(OF_DAY.format(table=table, sealed=1, hours=hours), ends):
            opened = replace(unpacker.day(stored_row(key, *packed)), waits=None)
            rows.append((hours, row_of(key, opened, opened.roll())))
    return rows


def put_settled(db: sqlite3.Connection, rows: Iterable[tuple[Hours, TableRow]], until: int) -> None:
    """Write rows that `settle` returned, within a transaction, and the day before which all are settled."""
    for hours, row in rows:
        db.execute(PUT[hours], row)
    db.execute(MARK, [SETTLED_MARK, until])


def put(db: sqlite3.Connection, packed: Packed, until: int, hours: Hours) -> bool:
    """Put a day in the place of what it was made of, within a transaction; False where that has changed."""
    before = until if packed.day is None else packed.day + 1
    end = [day_id(0, before)]
    there = [db.execute(BEFORE.format(table=table), end).fetchone() for table in FINER[hours]]
    if tuple(map(sum, zip(*there, strict=True))) != (len(packed.rows), packed.covered_s):
        return False
    db.executemany(PUT[hours], packed.rows)
    for table in FINER[hours]:
        db.execute(MOVED.format(table=table), end)
    known = marks(db.execute(MARKS).fetchall()).before_day(hours)
    db.execute(MARK, [hours, max(known, before)])
    return True

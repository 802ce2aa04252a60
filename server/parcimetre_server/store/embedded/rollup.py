"""Days of the embedded store that are rolled up: one day of UTC at a time, whole, with the mark behind it.

A transaction moves all rows of a day into the coarser table and sets the mark, so that whoever is killed
leaves each day as it was or as it will be. Rows are packed before it begins; should one have changed
meanwhile, that is seen, and the day is packed again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..interface import RolledUp
from ..rolling import Hours
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


def marks(rows: Iterable[tuple[Any, ...]]) -> RolledUp:
    """What is rolled up, from the rows of the table that says so."""
    before = dict(rows)
    return RolledUp(before.get(1, 0), before.get(24, 0))


def due(query: Query, until: int, hours: Hours) -> int:
    """Device-days before a day that are not rolled up yet, be it to hours first."""
    tables = FINER[1] if hours == 1 else (*FINER[1], *FINER[24])
    return sum(int(query(BEFORE.format(table=table), [day_id(0, until)])[0][0]) for table in tables)


def first(query: Query, until: int, hours: Hours) -> Packed:
    """The first day before another that is not rolled up yet, packed."""
    end = [day_id(0, until)]
    found = [query(FIRST.format(table=table), end)[0][0] for table in FINER[hours]]
    day = min((one for one in found if one is not None), default=None)
    if day is None:
        return Packed(None)
    ends, unpacker = [day_id(0, day), day_id(0, day + 1)], Unpacker()
    finer = 1 if hours == 24 else "NULL"
    rows, covered_s = [], 0
    for table in FINER[hours]:
        sealed = int(table != "open_day")
        for key, seconds, *packed in query(OF_DAY.format(table=table, sealed=sealed, hours=finer), ends):
            opened = unpacker.day(stored_row(key, *packed))
            rows.append(row_of(key, opened, opened.roll(hours)))
            covered_s += seconds
    return Packed(day, sorted(rows), covered_s)


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

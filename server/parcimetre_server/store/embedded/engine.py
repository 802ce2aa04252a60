"""Slots and facts in SQLite: merged and written in batches, read as arrays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import sqlite_utils
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_factors.activity import Activity

from .. import Arrival, DeviceId, Fact, FactKind, Merged
from .errors import told
from .packing import DAY_S, DayOfSlots, activity, unpack

DayKey = tuple[str, int]
PACKED_DAY = "SELECT records, channels, counted FROM device_day WHERE device = ? AND day = ?"
PACKED_DAYS = """
    SELECT device, day, records, channels, counted FROM device_day
    WHERE day BETWEEN ? AND ? AND device IN ({placeholders}) ORDER BY device, day
"""
MOST_DEVICES = 30_000  # below SQLite's limit of parameters


class EmbeddedStore:
    """The Store over two SQLite connections, so that readers do not wait for a commit.

    Its methods may be called from any thread, and raise StoreUnusable when the file does not serve.
    """

    def __init__(self, file: Path, db: sqlite_utils.Database, reader: sqlite_utils.Database) -> None:
        """Take over two connections to a file that has the tables, one to write and one to read."""
        self._file = file
        self._db, self._lock = db, threading.Lock()
        self._reader, self._reading = reader, threading.Lock()

    def write(self, arrivals: Sequence[Arrival]) -> list[Merged]:
        """See Store.write."""
        with self._transaction():
            days = self._load(arrivals)
            merged = [_merge(arrival, days) for arrival in arrivals]
            changed = {_key(arrival.device_id, slot) for arrival in arrivals for slot in arrival.slots}
            self._db.table("device_day").upsert_all(
                (_row(key, days[key]) for key in sorted(changed)), pk=("device", "day")
            )
            self._insert(fact for arrival in arrivals for fact in arrival.facts)
        return merged

    def append(self, facts: Sequence[Fact]) -> None:
        """See Store.append."""
        with self._transaction():
            self._insert(facts)

    def latest(self, kind: FactKind) -> dict[str, Fact]:
        """See Store.latest."""
        sql = "SELECT * FROM facts WHERE id IN (SELECT max(id) FROM facts WHERE kind = ? GROUP BY key)"
        return {fact.key: fact for fact in self._facts(sql, [kind])}

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """See Store.latest_of."""
        found = self._facts(
            "SELECT * FROM facts WHERE kind = ? AND key = ? ORDER BY id DESC LIMIT 1", [kind, key]
        )
        return found[0] if found else None

    def history(self, kind: FactKind, key: str | None = None) -> list[Fact]:
        """See Store.history."""
        if key is None:
            return self._facts("SELECT * FROM facts WHERE kind = ? ORDER BY id", [kind])
        return self._facts("SELECT * FROM facts WHERE kind = ? AND key = ? ORDER BY id", [kind, key])

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """See Store.activity."""
        found = dict(self.activities([device_id], first, last))
        return found.get(device_id, activity([], first, last))

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """See Store.activities."""
        wanted = list(dict.fromkeys(device_ids))
        for at in range(0, len(wanted), MOST_DEVICES):
            chunk = wanted[at : at + MOST_DEVICES]
            sql = PACKED_DAYS.format(placeholders=",".join("?" * len(chunk)))
            rows = self._query(sql, [first // DAY_S, (last - 1) // DAY_S, *chunk])
            for device, days in groupby(rows, key=lambda row: row[0]):
                with told(self._file):
                    found = activity([(day, unpack(*packed)) for _, day, *packed in days], first, last)
                if len(found.start):
                    yield DeviceId(device), found

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """See Store.span."""
        sql = "SELECT min(first_slot), max(last_slot) FROM device_day WHERE device = ?"
        first, last = self._query(sql, [device_id])[0]
        return None if first is None else (first, last)

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """See Store.spans."""
        sql = "SELECT device, min(first_slot), max(last_slot) FROM device_day GROUP BY device"
        return {DeviceId(device): (first, last) for device, first, last in self._query(sql, [])}

    def close(self) -> None:
        """See Store.close."""
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, durable at the end; other processes may wait for it or be waited for."""
        with self._lock, told(self._file):
            self._db.execute("BEGIN IMMEDIATE")
            with self._db.conn:
                yield

    def _load(self, arrivals: Sequence[Arrival]) -> dict[DayKey, DayOfSlots]:
        """The stored days that the arrivals touch, empty ones where there is none yet."""
        days: dict[DayKey, DayOfSlots] = {}
        for arrival in arrivals:
            for slot in arrival.slots:
                key = _key(arrival.device_id, slot)
                if key not in days:
                    row = self._db.execute(PACKED_DAY, key).fetchone()
                    days[key] = unpack(*row) if row else DayOfSlots()
        return days

    def _insert(self, facts: Iterable[Fact]) -> None:
        rows = (
            {
                "kind": fact.kind,
                "key": fact.key,
                "recorded_at": fact.recorded_at,
                "body": json.dumps(fact.body, ensure_ascii=False),
            }
            for fact in facts
        )
        self._db.table("facts").insert_all(rows)

    def _query(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._reading, told(self._file):
            return self._reader.execute(sql, parameters).fetchall()

    def _facts(self, sql: str, parameters: Sequence[Any]) -> list[Fact]:
        rows = self._query(sql, parameters)
        return [Fact(kind, key, recorded_at, json.loads(body)) for _, kind, key, recorded_at, body in rows]


def _key(device_id: DeviceId, slot: Slot) -> DayKey:
    return device_id, slot.start // DAY_S


def _merge(arrival: Arrival, days: dict[DayKey, DayOfSlots]) -> Merged:
    accepted = sum(days[_key(arrival.device_id, slot)].merge(slot) for slot in arrival.slots)
    return Merged(accepted, len(arrival.slots) - accepted)


def _row(key: DayKey, day: DayOfSlots) -> dict[str, object]:
    device, number = key
    covered = np.flatnonzero(day.records["covered_s"])
    slots = number * DAY_S + covered * SLOT_S
    records, channels, counted = day.pack()
    return {
        "device": device,
        "day": number,
        "first_slot": int(slots[0]) if len(slots) else None,
        "last_slot": int(slots[-1]) if len(slots) else None,
        "covered_s": int(day.records["covered_s"].sum()),
        "records": records,
        "channels": channels,
        "counted": counted,
    }

"""The first layout of the store's file, and its move to the present one: every slot as it was kept."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from parcimetre_agent.report import DECILES, SLOT_S, Energy, Quality, Scope, Slot

from ..rolling import SLOTS_PER_DAY
from .day_rows import row_of
from .engine import SEAL, WIDEN
from .packing import DAY_S, MEANS, DayOfSlots, day_id

STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s")
RECORD = np.dtype(
    [
        ("covered_s", "<u2"),
        *((state, "<u2") for state in STATES),
        ("load_deciles_s", "<u2", (DECILES,)),
        ("means", "<f4", (len(MEANS),)),
    ]
)
COUNTED = np.dtype([("energy_j", "<f8"), ("duration_s", "<u2")])
EMPTY = np.zeros((0, SLOTS_PER_DAY), COUNTED)
VIEWS = ("device_days", "devices", "org_units", "sites", "latest_facts")
Row = tuple[str, int, bytes, str | None, bytes | None]


def move(db: sqlite3.Connection, create: Callable[[], None]) -> None:
    """Move all days, within the transaction that is open; `create` makes the tables of today."""
    for view in VIEWS:
        db.execute(f"DROP VIEW IF EXISTS {view}")
    db.execute("ALTER TABLE device_day RENAME TO device_day_1")
    create()
    devices = db.execute("SELECT DISTINCT device FROM device_day_1 ORDER BY device").fetchall()
    for number, (device,) in enumerate(devices, start=1):
        db.execute("INSERT INTO device_number (number, id) VALUES (?, ?)", (number, device))
        rows = db.execute(
            "SELECT device, day, records, channels, counted FROM device_day_1 WHERE device = ?", (device,)
        )
        for row in rows.fetchall():
            _move_day(db, number, row)
    db.execute("DROP TABLE device_day_1")


def _move_day(db: sqlite3.Connection, number: int, row: Row) -> None:
    day = DayOfSlots()
    for slot in _slots(row):
        day.merge(slot)
    _, first, last, *_ = sealed = row_of(day_id(number, row[1]), day, day.seal())
    if first is None:
        return
    db.execute(SEAL, sealed)
    db.execute(WIDEN, (number, first, last))


def _slots(row: Row) -> Iterator[Slot]:
    _, number, packed, channels, counted = row
    records = np.frombuffer(zlib.decompress(packed), RECORD)
    names: list[tuple[str, Scope, Quality]] = json.loads(channels) if channels and counted else []
    energy = np.frombuffer(zlib.decompress(counted), COUNTED).reshape(len(names), -1) if counted else EMPTY
    for i in range(SLOTS_PER_DAY):
        record = records[i]
        if not record["covered_s"]:
            continue
        readings = [
            Energy(*channel, float(one["energy_j"]), int(one["duration_s"]))
            for channel, one in zip(names, energy[:, i], strict=True)
            if one["duration_s"]
        ]
        on_s, display_off_s, asleep_s, off_s = (int(record[state]) for state in STATES)
        unknown_s = SLOT_S - int(record["covered_s"])
        memory, read, write, received, sent = (
            None if np.isnan(mean) else float(mean) for mean in record["means"]
        )
        yield Slot(
            number * DAY_S + i * SLOT_S, on_s, display_off_s, asleep_s, off_s, unknown_s,
            record["load_deciles_s"].tolist(), memory, read, write, received, sent, readings,
        )  # fmt: skip

"""A device's day of slots as one packed row: fixed-width records, energy apart.

Measured on 8.6 M device-hours, a packed row per device and day is read 37 times as fast as plain rows and
takes about half the disk. A day has 96 slots of UTC, whatever the time zone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES, SLOT_S, Energy, Slot
from parcimetre_factors.activity import Activity, MeasuredEnergy

DAY_S = 86_400
SLOTS_PER_DAY = DAY_S // SLOT_S
MEANS = ("memory_used_mib", "disk_read_kib_s", "disk_write_kib_s", "net_received_kib_s", "net_sent_kib_s")
RECORD = np.dtype(
    [
        ("covered_s", "<u2"),
        ("display_on_s", "<u2"),
        ("display_off_s", "<u2"),
        ("asleep_s", "<u2"),
        ("off_s", "<u2"),
        ("load_deciles_s", "<u2", (DECILES,)),
        ("means", "<f4", (len(MEANS),)),
    ]
)
COUNTED = np.dtype([("energy_j", "<f8"), ("duration_s", "<u2")])
EMPTY = np.zeros(SLOTS_PER_DAY, RECORD)
EMPTY["means"] = np.nan
Channel = tuple[str, str, str]  # source, scope, quality


@dataclass
class DayOfSlots:
    """96 records of one device, and what each energy channel counted in them."""

    records: NDArray[np.void] = field(default_factory=EMPTY.copy)
    energy: dict[Channel, NDArray[np.void]] = field(default_factory=dict)

    def merge(self, slot: Slot) -> bool:
        """Keep the record if it covers more time than the one already here; say whether it did."""
        at = slot.start % DAY_S // SLOT_S
        if slot.covered_s <= self.records["covered_s"][at]:
            return False
        means = [np.nan if (mean := getattr(slot, name)) is None else mean for name in MEANS]
        self.records[at] = (
            slot.covered_s, slot.display_on_s, slot.display_off_s, slot.asleep_s, slot.off_s,
            slot.load_deciles_s or [0] * DECILES, means,
        )  # fmt: skip
        for counted in self.energy.values():
            counted[at] = (0, 0)
        for reading in slot.energy:
            self._channel(reading)[at] = (reading.energy_j, reading.duration_s)
        return True

    def _channel(self, reading: Energy) -> NDArray[np.void]:
        channel = (reading.source, reading.scope, reading.quality)
        if channel not in self.energy:
            self.energy[channel] = np.zeros(SLOTS_PER_DAY, COUNTED)
        return self.energy[channel]

    def pack(self) -> tuple[bytes, str | None, bytes | None]:
        """Records, names of the channels and what they counted, as they stand in the table."""
        if not self.energy:
            return zlib.compress(self.records.tobytes(), 1), None, None
        counted = b"".join(array.tobytes() for array in self.energy.values())
        return (
            zlib.compress(self.records.tobytes(), 1),
            json.dumps(list(self.energy), ensure_ascii=False),
            zlib.compress(counted, 1),
        )


def unpack(records: bytes, channels: str | None, counted: bytes | None) -> DayOfSlots:
    """A day as it was packed; its arrays may be written to."""
    day = DayOfSlots(np.frombuffer(zlib.decompress(records), RECORD).copy())
    if channels and counted:
        names: list[Channel] = [(source, scope, quality) for source, scope, quality in json.loads(channels)]
        arrays = np.frombuffer(zlib.decompress(counted), COUNTED).reshape(len(names), SLOTS_PER_DAY).copy()
        day.energy = dict(zip(names, arrays, strict=True))
    return day


def activity(days: Sequence[tuple[int, DayOfSlots]], first: int, last: int) -> Activity:
    """Slots with a record and first <= start < last, from (day number, day) in order."""
    day_starts = np.array([number for number, _ in days], np.int64) * DAY_S
    start = (day_starts[:, None] + np.arange(SLOTS_PER_DAY) * SLOT_S).ravel()
    records = _joined([day.records for _, day in days]) if days else EMPTY[:0]
    kept = (records["covered_s"] > 0) & (start >= first) & (start < last)
    chosen = records[kept]
    measured = tuple(
        MeasuredEnergy(*channel, counted["energy_j"][kept], counted["duration_s"][kept].astype(np.float64))
        for channel, counted in _aligned([day for _, day in days])
    )
    return Activity(
        start[kept],
        chosen["display_on_s"].astype(np.float64),
        chosen["display_off_s"].astype(np.float64),
        chosen["asleep_s"].astype(np.float64),
        chosen["off_s"].astype(np.float64),
        chosen["load_deciles_s"].astype(np.float64),
        measured,
    )


def _aligned(days: Sequence[DayOfSlots]) -> Iterable[tuple[Channel, NDArray[np.void]]]:
    """Each channel over all days, zero on the days that do not have it."""
    nothing = np.zeros(SLOTS_PER_DAY, COUNTED)
    channels = dict.fromkeys(channel for day in days for channel in day.energy)
    for channel in channels:
        yield channel, _joined([day.energy.get(channel, nothing) for day in days])


def _joined(arrays: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Arrays of one dtype, one after the other, as bytes: numpy compares dtypes of records field by field."""
    return np.concatenate([array.view(np.uint8) for array in arrays]).view(arrays[0].dtype)

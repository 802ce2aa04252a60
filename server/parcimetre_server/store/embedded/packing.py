"""A device's day of slots as one row: fixed-width records, means and energy apart.

An *open* day is kept as plain bytes, since each report adds to it; once it is over it is *sealed*: turned
into columns and compressed. One that was *rolled up* later holds sums of hours or of the day, and reads as
quarter hours with equal parts. A day has 96 slots of UTC, whatever the time zone.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from operator import attrgetter
from typing import NamedTuple, get_args

import numpy as np
import zstandard
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES, SLOT_S, Energy, Quality, Slot

from ..rolling import (
    HOUR_OF,
    NO_MEAN,
    NO_PARTS,
    PIECES,
    SLOTS_PER_DAY,
    STATES,
    STEPS_PER_E,
    DayRule,
    Flags,
    Hours,
    Quarters,
    Whole,
    keep_worst,
    roll,
    spread,
)
from .rolled import LEVEL, SECONDS, Incomplete, packed, unpacked

DAY_S = 86_400
MEANS = ("memory_used_mib", "disk_read_kib_s", "disk_write_kib_s", "net_received_kib_s", "net_sent_kib_s")
MEANS_OF = attrgetter(*MEANS)
RECORD, MEAN, COUNTED = struct.Struct(f"<{SECONDS}H"), struct.Struct(f"<{len(MEANS)}H"), struct.Struct("<dH")
COVERED = struct.Struct(f"<{STATES}H")
COUNTED_DTYPE = np.dtype([("energy_j", "<f8"), ("duration_s", "<u2")])
NOTHING = COUNTED.pack(0.0, 0)
NO_DECILES = (0,) * DECILES
MOST_CHANNELS = 1024  # lists of channels that are remembered
DEVICE_BITS = 24
DEVICE_MASK = (1 << DEVICE_BITS) - 1
QUALITIES = get_args(Quality)  # the best first
Channel = tuple[str, str, str]  # source, scope, quality
TableRow = tuple[int, int | None, int | None, int, bytes, bytes, str | None, bytes | None, int]


class PackedRow(NamedTuple):
    """A day as it stands in the table; `hours` are those of each sum where it was rolled up."""

    sealed: bool
    records: bytes
    means: bytes
    channels: str | None
    counted: bytes | None
    hours: Hours | None = None


def day_id(device: int, day: int) -> int:
    """Key of a device's day: days follow each other, so that what is sealed is appended."""
    return day << DEVICE_BITS | device


def day_number(key: int) -> int:
    """Day of a key, since 1970-01-01."""
    return key >> DEVICE_BITS


def device_number(key: int) -> int:
    """Device of a key."""
    return key & DEVICE_MASK


def _no_records() -> bytearray:
    return bytearray(RECORD.size * SLOTS_PER_DAY)


def _no_means() -> bytearray:
    return bytearray(b"\xff" * (MEAN.size * SLOTS_PER_DAY))


@dataclass
class DayOfSlots:
    """96 records of one device, and what each energy channel counted in them.

    `hours` are those of each sum where the day was rolled up, and `parts` the parts of the week that a whole
    day has sums of (96,). A record that is in a sum is one of equal parts and not replaced; those that `wait`
    (96,) for one that covers more are in no sum. None can be replaced where `waits` is None.
    """

    records: bytearray = field(default_factory=_no_records)
    means: bytearray = field(default_factory=_no_means)
    energy: dict[Channel, bytearray] = field(default_factory=dict)
    hours: Hours | None = None
    parts: Whole = field(default_factory=lambda: NO_PARTS)
    waits: Flags | None = field(default_factory=lambda: np.zeros(SLOTS_PER_DAY, np.bool_))

    def merge(self, slot: Slot) -> bool:
        """Keep the record if it covers more time than the one already here; say whether it did."""
        at = slot.start % DAY_S // SLOT_S
        known_s = sum(COVERED.unpack_from(self.records, at * RECORD.size))
        waits = self.waits is not None and bool(self.waits[at])
        if slot.covered_s <= known_s or (self.hours and known_s and not waits):
            return False
        if self.waits is not None:
            self.waits[at] = slot.covered_s < SLOT_S
        RECORD.pack_into(
            self.records, at * RECORD.size, slot.display_on_s, slot.display_off_s, slot.asleep_s, slot.off_s,
            *(slot.load_deciles_s or NO_DECILES),
        )  # fmt: skip
        MEAN.pack_into(self.means, at * MEAN.size, *map(code, MEANS_OF(slot)))
        for counted in self.energy.values():
            counted[at * COUNTED.size : (at + 1) * COUNTED.size] = NOTHING
        for reading in slot.energy:
            channel = (reading.source, reading.scope, reading.quality)
            counted = self.energy.setdefault(channel, bytearray(COUNTED.size * SLOTS_PER_DAY))
            COUNTED.pack_into(counted, at * COUNTED.size, reading.energy_j, reading.duration_s)
        return True

    @property
    def covered_s(self) -> NDArray[np.uint16]:
        """Seconds with a known state of each slot (96,)."""
        seconds = np.frombuffer(self.records, "<u2")
        return reduce(np.add, (seconds[state::SECONDS] for state in range(STATES)))

    def slots(self, number: int) -> Iterator[Slot]:
        """The records of a day, whose number is given."""
        for at in np.flatnonzero(self.covered_s).tolist():
            seconds = RECORD.unpack_from(self.records, at * RECORD.size)
            energy = [
                Energy(*channel, *reading)  # type: ignore[arg-type]
                for channel, counted in self.energy.items()
                if (reading := COUNTED.unpack_from(counted, at * COUNTED.size))[1]
            ]
            means = MEAN.unpack_from(self.means, at * MEAN.size)
            start = number * DAY_S + at * SLOT_S
            yield as_slot(start, seconds[:STATES], seconds[STATES:], means, energy)

    def open(self) -> PackedRow:
        """The day as a row that is quick to write again: without what follows the last slot."""
        n = -(-len(self.records.rstrip(b"\0")) // RECORD.size)
        return PackedRow(
            False,
            bytes(self.records[: n * RECORD.size]),
            bytes(self.means[: n * MEAN.size]),
            *self._energy(b"".join(counted[: n * COUNTED.size] for counted in self.energy.values())),
        )

    def seal(self) -> PackedRow:
        """The day as a row that takes little room: by column, compressed."""
        compress = zstandard.ZstdCompressor(LEVEL, write_checksum=False).compress
        means = np.frombuffer(self.means, "<u2").reshape(SLOTS_PER_DAY, len(MEANS))
        joined = np.frombuffer(b"".join(self.energy.values()), COUNTED_DTYPE)
        counted = joined["energy_j"].tobytes() + joined["duration_s"].tobytes()
        return PackedRow(
            True,
            compress(_planes(_seconds(self.records))),
            compress(_planes(means)),
            *self._energy(compress(counted)),
        )

    def to_roll(self, hours: Hours, rule: DayRule) -> DayOfSlots:
        """Return the day as it is to be rolled up to sums of some hours."""
        settled = rule.settled
        if self.hours is None:
            waits = (self.covered_s > 0) & (self.covered_s < SLOT_S)
        else:
            waits = self.waits if self.waits is not None else np.zeros(SLOTS_PER_DAY, np.bool_)
            settled = settled or self.waits is None
        parts = rule.parts if hours != 1 else NO_PARTS
        return replace(self, hours=hours, parts=parts, waits=None if settled else waits)

    @property
    def rule(self) -> DayRule:
        """How the day was rolled up."""
        return DayRule(self.parts, self.waits is None)

    def roll(self) -> PackedRow:
        """Return a day that `to_roll` returned, or that was rolled up, as a row of sums."""
        hours = self.hours or 1
        quarters, waiting = self._quarters(), None
        if self.waits is not None:
            waiting = _taken_out(quarters, np.flatnonzero(self.waits))
        sums = roll(quarters, HOUR_OF if hours == 1 else self.parts, PIECES[hours])
        qualities: dict[tuple[str, str], list[int]] = {}
        for i, (source, scope, _) in enumerate(self.energy):
            qualities.setdefault((source, scope), []).append(i)
        names = list(self.energy)
        for same in qualities.values():
            keep_worst(sums, sorted(same, key=lambda i: QUALITIES.index(names[i][2]), reverse=True))
        records, means, counted = packed(sums, waiting)
        return PackedRow(True, records, means, *self._energy(counted))._replace(hours=hours)

    def _quarters(self) -> Quarters:
        counted = np.frombuffer(b"".join(self.energy.values()), COUNTED_DTYPE).reshape(-1, SLOTS_PER_DAY)
        return Quarters(
            _seconds(self.records).astype(np.int64),
            np.frombuffer(self.means, "<u2").reshape(SLOTS_PER_DAY, len(MEANS)).astype(np.int64),
            counted["energy_j"].copy(),
            counted["duration_s"].astype(np.int64),
        )

    def _energy(self, counted: bytes) -> tuple[str, bytes] | tuple[None, None]:
        return (_written(tuple(self.energy)), counted) if self.energy else (None, None)


class Unpacker:
    """Unpacks days; one for each thread, since its buffers are used again."""

    def __init__(self) -> None:
        """Take the buffers."""
        self._unzip = zstandard.ZstdDecompressor()
        self.decompress = self._unzip.decompress

    def day(self, row: PackedRow) -> DayOfSlots:
        """A day as it was packed, to be added to."""
        if row.hours:
            found, counted, piece_of, waits = self._rolled(row)
            energy = {channel: bytearray(one.tobytes()) for channel, one in counted.items()}
            means = bytearray(found.means.astype("<u2").tobytes())
            records = bytearray(found.seconds.astype("<u2").tobytes())
            parts = NO_PARTS if row.hours == 1 else piece_of
            return DayOfSlots(records, means, energy, row.hours, parts, waits)
        if not row.sealed:
            records = bytearray(row.records.ljust(RECORD.size * SLOTS_PER_DAY, b"\0"))
            means = bytearray(row.means.ljust(MEAN.size * SLOTS_PER_DAY, b"\xff"))
            return DayOfSlots(records, means, dict(_open_energy(row)))
        energy = {channel: bytearray(counted.tobytes()) for channel, counted in self.counted(row).items()}
        by_slot = [self._table(row.records, SECONDS), self._table(row.means, len(MEANS))]
        return DayOfSlots(bytearray(by_slot[0]), bytearray(by_slot[1]), energy)

    def _table(self, planes: bytes, columns: int) -> bytes:
        return _by_slot(self.decompress(planes), columns).tobytes()

    def read(self, row: PackedRow) -> tuple[NDArray[np.uint16], dict[Channel, NDArray[np.void]]]:
        """Seconds by state and load decile (96, 14) of a packed day, and what each channel counted (96,)."""
        if row.hours:
            found, counted, *_ = self._rolled(row)
            return found.seconds.astype(np.uint16), counted
        if row.sealed:
            return _by_slot(self.decompress(row.records), SECONDS), self.counted(row)
        return _seconds(row.records.ljust(RECORD.size * SLOTS_PER_DAY, b"\0")), self.counted(row)

    def counted(self, row: PackedRow) -> dict[Channel, NDArray[np.void]]:
        """What each channel of a packed day counted (96,)."""
        if not row.channels or row.counted is None:
            return {}
        names = _channels(row)
        counted = np.zeros((len(names), SLOTS_PER_DAY), COUNTED_DTYPE)
        if row.sealed:
            columns = self.decompress(row.counted)
            energy = len(names) * SLOTS_PER_DAY * 8
            counted["energy_j"] = np.frombuffer(columns[:energy], "<f8").reshape(counted.shape)
            counted["duration_s"] = np.frombuffer(columns[energy:], "<u2").reshape(counted.shape)
        else:
            found = np.frombuffer(row.counted, COUNTED_DTYPE).reshape(len(names), -1)
            counted[:, : found.shape[1]] = found
        return dict(zip(names, counted, strict=True))

    def _rolled(
        self, row: PackedRow
    ) -> tuple[Quarters, dict[Channel, NDArray[np.void]], Whole, Flags | None]:
        """Return a rolled-up day by quarter hour, what each channel counted (96,), parts, and which wait."""
        names = _channels(row)
        sums, waiting = unpacked(
            row.records, row.means, row.counted, len(names), PIECES[row.hours or 1], self._unzip
        )
        quarters = spread(sums)
        if waiting is not None:
            for table, rows in (("seconds", waiting.seconds), ("means", waiting.means)):
                getattr(quarters, table)[waiting.at] = rows
            quarters.energy_j[:, waiting.at] = waiting.energy_j
            quarters.counted_s[:, waiting.at] = waiting.counted_s
        counted = np.zeros((len(names), SLOTS_PER_DAY), COUNTED_DTYPE)
        counted["energy_j"], counted["duration_s"] = quarters.energy_j, quarters.counted_s
        waits = None if waiting is None else waiting.flags()
        return quarters, dict(zip(names, counted, strict=True)), sums.piece_of, waits


def _taken_out(day: Quarters, at: Whole) -> Incomplete:
    """Take some quarter hours out of a day, and return them."""
    taken = Incomplete(
        at,
        day.seconds[at].copy(),
        day.means[at].copy(),
        day.energy_j[:, at].copy(),
        day.counted_s[:, at].copy(),
    )
    day.seconds[at], day.means[at] = 0, NO_MEAN
    day.energy_j[:, at], day.counted_s[:, at] = 0.0, 0
    return taken


def _channels(row: PackedRow) -> tuple[Channel, ...]:
    """The energy channels of a packed day, in order."""
    return named(row.channels) if row.channels else ()


@lru_cache(maxsize=MOST_CHANNELS)
def named(text: str) -> tuple[Channel, ...]:
    """The energy channels of a day, in order, from the text that is kept of them."""
    return tuple((source, scope, quality) for source, scope, quality in json.loads(text))


@lru_cache(maxsize=MOST_CHANNELS)
def _written(channels: tuple[Channel, ...]) -> str:
    return json.dumps(channels, ensure_ascii=False)


def _open_energy(row: PackedRow) -> Iterator[tuple[Channel, bytearray]]:
    """Each channel of an open day with what it counted, to be added to."""
    names, counted = _channels(row), row.counted or b""
    size = len(counted) // max(1, len(names))
    for i, name in enumerate(names):
        whole = counted[i * size : (i + 1) * size].ljust(COUNTED.size * SLOTS_PER_DAY, b"\0")
        yield name, bytearray(whole)


def _planes(day: NDArray[np.uint16]) -> bytes:
    """A day (96, columns) by column, all low bytes before all high ones: it compresses better so."""
    return np.ascontiguousarray(day.T).view(np.uint8).reshape(-1, 2).T.tobytes()


def _by_slot(planes: bytes, columns: int) -> NDArray[np.uint16]:
    """What `_planes` made of a day (96, columns)."""
    by_plane = np.frombuffer(planes, np.uint8).reshape(2, columns, SLOTS_PER_DAY)
    by_slot: NDArray[np.uint16] = np.ascontiguousarray(by_plane.transpose(2, 1, 0)).view("<u2")
    return by_slot.reshape(-1, columns)


def _seconds(records: bytes | bytearray) -> NDArray[np.uint16]:
    return np.frombuffer(records, "<u2").reshape(SLOTS_PER_DAY, SECONDS)


def code(mean: float | None) -> int:
    """A mean on a logarithmic scale, as steps of one percent."""
    if mean is None:
        return NO_MEAN
    nearest = int(math.log1p(mean) * STEPS_PER_E + 0.5)
    return nearest if nearest < NO_MEAN else NO_MEAN - 1


def mean_of(kept: int) -> float | None:
    """The mean that a code stands for; its code is the same again."""
    return None if kept == NO_MEAN else math.expm1(kept / STEPS_PER_E)


def as_slot(
    start: int,
    states_s: Sequence[int],
    deciles_s: Sequence[float],
    codes: Sequence[float],
    energy: Sequence[Energy],
) -> Slot:
    """A record as it is kept, as it is sent: `states_s` in the order of STATES, `codes` in that of MEANS."""
    on_s, display_off_s, asleep_s, off_s = map(int, states_s)
    unknown_s = SLOT_S - sum(map(int, states_s))
    memory, read, write, received, sent = (mean_of(int(one)) for one in codes)
    return Slot(
        int(start), on_s, display_off_s, asleep_s, off_s, unknown_s,
        [int(one) for one in deciles_s] if any(deciles_s) else [],
        memory, read, write, received, sent, list(energy),
    )  # fmt: skip

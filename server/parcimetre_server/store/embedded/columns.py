"""Many packed days at once, as columns: what figures are made of, read without an object for each day.

Days of all forms are brought into one table of seconds, by column, and one of each energy channel; a device's
activity is a cut through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import SLOT_S
from parcimetre_factors.activity import Activity, MeasuredEnergy

from ..rolling import SLOTS_PER_DAY, STATES
from .packing import DAY_S, Channel, PackedRow, Unpacker, named
from .rolled import SECONDS

Bytes = NDArray[np.uint8]
Joules = NDArray[np.float64]
Seconds = NDArray[np.uint16]


@dataclass
class Columns:
    """Seconds by state and load decile (14, n, 96) of n days, and what each channel counted (n, 96)."""

    seconds: Seconds
    energy_j: dict[Channel, Joules] = field(default_factory=dict)
    counted_s: dict[Channel, Seconds] = field(default_factory=dict)

    def of_channel(self, channel: Channel) -> tuple[Joules, Seconds]:
        """What it counted; nothing yet where it is new."""
        if channel not in self.energy_j:
            shape = self.seconds.shape[1:]
            self.energy_j[channel], self.counted_s[channel] = np.zeros(shape), np.zeros(shape, np.uint16)
        return self.energy_j[channel], self.counted_s[channel]


def activity(days: Sequence[tuple[int, PackedRow]], first: int, last: int) -> Activity:
    """Slots of one device with a record and first <= start < last, from (day number, row) in order."""
    empty = (0, 0, PackedRow(False, b"", b"", None, None))
    ((_, found),) = activities([(0, *one) for one in days] or [empty], first, last)
    return found


def activities(
    days: Sequence[tuple[int, int, PackedRow]], first: int, last: int
) -> Iterator[tuple[int, Activity]]:
    """The same of every device, from (device, day number, row) in order of devices, then of days."""
    devices, numbers, rows = zip(*days, strict=True)
    start = (np.array(numbers, np.int64)[:, None] * DAY_S + np.arange(SLOTS_PER_DAY) * SLOT_S).ravel()
    columns = _columns(rows)
    seconds = columns.seconds.reshape(SECONDS, -1)
    kept = np.flatnonzero(seconds[:STATES].any(axis=0) & (start >= first) & (start < last))
    begins = np.flatnonzero(np.diff(np.array(devices, np.int64), prepend=-1))
    edges = np.searchsorted(kept, np.append(begins, len(rows)) * SLOTS_PER_DAY).tolist()
    start, chosen = start[kept], seconds[:, kept].astype(np.float64)
    measured = {
        channel: (joules.ravel()[kept], columns.counted_s[channel].ravel()[kept].astype(np.float64))
        for channel, joules in columns.energy_j.items()
    }
    ends = (*begins[1:].tolist(), len(rows))
    for begin, end, a, b in zip(begins.tolist(), ends, edges, edges[1:], strict=False):
        on_s, display_off_s, asleep_s, off_s = chosen[:STATES, a:b]
        counters = (MeasuredEnergy(*channel, measured[channel][0][a:b], measured[channel][1][a:b])
                    for channel in _channels(rows[begin:end]))  # fmt: skip
        load_s = chosen[STATES:, a:b].T
        yield (
            devices[begin],
            Activity(start[a:b], on_s, display_off_s, asleep_s, off_s, load_s, tuple(counters)),
        )


def _columns(rows: Sequence[PackedRow]) -> Columns:
    """Days of any form: sealed ones together, the few others one by one."""
    unpacker, found = Unpacker(), Columns(np.zeros((SECONDS, len(rows), SLOTS_PER_DAY), np.uint16))
    sealed = [i for i, row in enumerate(rows) if row.sealed and not row.hours]
    if sealed:
        planes = b"".join(unpacker.decompress(rows[i].records) for i in sealed)
        found.seconds[:, sealed] = _seconds(planes, len(sealed))
        _count_sealed(found, unpacker, rows, sealed)
    for i in sorted(set(range(len(rows))).difference(sealed)):
        seconds, counted = unpacker.read(rows[i])
        found.seconds[:, i] = seconds.T
        for channel, slots in counted.items():
            joules, counted_s = found.of_channel(channel)
            joules[i], counted_s[i] = slots["energy_j"], slots["duration_s"]
    return found


def _seconds(planes: bytes, n: int) -> Seconds:
    """Seconds by column (14, n, 96) of n sealed days: low bytes come before high ones in each."""
    low, high = np.frombuffer(planes, np.uint8).reshape(n, 2, SECONDS, SLOTS_PER_DAY).transpose(1, 2, 0, 3)
    seconds: Seconds = low | high.astype(np.uint16) << np.uint16(8)
    return seconds


def _count_sealed(
    into: Columns, unpacker: Unpacker, rows: Sequence[PackedRow], sealed: Sequence[int]
) -> None:
    """Add what the channels of sealed days counted, days with the same channels together."""
    alike: dict[str, list[int]] = {}
    for i in sealed:
        if rows[i].channels and rows[i].counted is not None:
            alike.setdefault(str(rows[i].channels), []).append(i)
    for names, which in alike.items():
        channels = named(names)
        whole = b"".join(unpacker.decompress(rows[i].counted or b"") for i in which)
        by_day: Bytes = np.frombuffer(whole, np.uint8).reshape(len(which), -1)
        joules, counted_s = np.split(by_day, [len(channels) * SLOTS_PER_DAY * 8], axis=1)
        shape = len(which), len(channels), SLOTS_PER_DAY
        energy_j = np.ascontiguousarray(joules).view("<f8").reshape(shape)
        duration_s = np.ascontiguousarray(counted_s).view("<u2").reshape(shape)
        for c, channel in enumerate(channels):
            of_channel = into.of_channel(channel)
            of_channel[0][which], of_channel[1][which] = energy_j[:, c], duration_s[:, c]


def _channels(rows: Sequence[PackedRow]) -> Iterator[Channel]:
    """The channels of one device's days, each once."""
    names = dict.fromkeys(row.channels for row in rows if row.channels)
    yield from dict.fromkeys(channel for each in names for channel in named(each))

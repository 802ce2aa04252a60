"""Slots as rows: written with a version, read as the row of the greatest version of each key.

Why counts are exact although rows come twice: a row's version is its covered seconds, then how early it was
written. Every reading query sorts the rows of the period asked for by version and keeps the first of each
(device, slot) with LIMIT 1 BY, which takes the row whole. The table engine drops the others when it merges,
to save room; no figure depends on whether it has. Neither FINAL (all of a partition merged on one thread in
18.16) nor argMax per column (which may mix two rows of equal version) is needed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES, SLOT_S, Energy, Slot
from parcimetre_factors.activity import Activity, MeasuredEnergy

from ..embedded.packing import COUNTED_DTYPE, MEANS, Channel, DayOfSlots, as_slot, code
from ..embedded.rolled import SECONDS
from ..errors import StoreUnusable
from ..records import DeviceId
from ..rolling import NO_MEAN, SLOTS_PER_DAY
from .native import Columns, Values, array, items, lists, texts, whole
from .server import Server, insert, quoted, select

TYPES = {
    "device": "FixedString(32)", "start": "UInt32", "version": "UInt64", "covered_s": "UInt16",
    "display_on_s": "UInt16", "display_off_s": "UInt16", "asleep_s": "UInt16", "off_s": "UInt16",
    "load_deciles_s": "Array(UInt16)", "means": "Array(UInt16)",
    "channels": "Array(UInt64)", "energy_j": "Array(Float64)", "measured_s": "Array(UInt16)",
}  # fmt: skip
CHANNEL_TYPES = {"id": "UInt64", "source": "String", "scope": "String", "quality": "String"}
STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s")
EARLY_BITS = 52  # microseconds since 1970 fit until 2112
LONGEST_ID, LAST_START = 32, 2**32 - 1
DAY_S = 86_400
FOR_ACTIVITY = f"device, start, {', '.join(STATES)}, load_deciles_s, channels, energy_j, measured_s"
OF_DEVICES = """
    SELECT {columns} FROM slot WHERE device IN ({devices}) AND start >= {first} AND start < {last}
    ORDER BY device, start, version DESC LIMIT 1 BY device, start
"""
COVERED = "SELECT device, start, max(covered_s) AS most_s FROM slot WHERE {any_of} GROUP BY device, start"
CHANNELS = "SELECT id, source, scope, quality FROM channel"
COVERAGE = """
    SELECT device, toUInt32(intDiv(start, {day_s})) AS day, toUInt64(sum(most_s)) AS seconds FROM (
        SELECT device, start, max(covered_s) AS most_s FROM slot WHERE start >= {first} AND start < {last}
        GROUP BY device, start
    ) GROUP BY device, day
"""
SPANS = """
    SELECT device, min(first) AS first_slot, max(last) AS last_slot FROM (
        SELECT device, min(start) AS first, max(start) AS last FROM slot {where} GROUP BY device
        UNION ALL
        SELECT device, min(first_slot) AS first, max(last_slot) AS last FROM rolled_day {where}
        GROUP BY device
    ) GROUP BY device
"""
NO_MEANS = np.full((SLOTS_PER_DAY, len(MEANS)), NO_MEAN, "<u2")
Key = tuple[str, int]
Names = Mapping[int, Channel]


def covered(server: Server, keys: Iterable[Key]) -> dict[Key, int]:
    """Seconds covered so far of the slots that are there, among others of the same devices and days."""
    periods: dict[str, tuple[int, int]] = {}
    for device, start in keys:
        first, last = periods.get(device, (start, start))
        periods[device] = (min(first, start), max(last, start))
    days: dict[tuple[int, int], list[str]] = {}
    for device, (first, last) in periods.items():
        days.setdefault((first // DAY_S, last // DAY_S + 1), []).append(device)
    if not days:
        return {}
    any_of = " OR ".join(
        f"(device IN ({listed(devices)}) AND start >= {first * DAY_S} AND start < {end * DAY_S})"
        for (first, end), devices in days.items()
    )
    found = select(server, COVERED.format(any_of=any_of))
    if not found:
        return {}
    keys_found = zip(texts(found["device"]), whole(found["start"]), strict=True)
    return dict(zip(keys_found, whole(found["most_s"]), strict=True))


def check(device: DeviceId, slots: Sequence[Slot]) -> None:
    """Raise StoreUnusable for what no column holds."""
    if len(device.encode()) > LONGEST_ID:
        raise StoreUnusable(f"device {device!r} has an id of over {LONGEST_ID} bytes: enrol it again")
    if any(slot.start > LAST_START for slot in slots):
        raise StoreUnusable(f"device {device} reports a slot after the year 2105: set its clock")


def write(server: Server, slots: Mapping[Key, Slot]) -> None:
    """Insert slots, each as a row that wins over all that cover less."""
    n = len(slots)
    rows = list(slots.values())
    early = (1 << EARLY_BITS) - 1 - time.time_ns() // 1000
    columns: dict[str, Values] = {
        "device": np.array([device.encode() for device, _ in slots], "S32"),
        "start": np.array([slot.start for slot in rows], np.uint32),
        "version": np.array([slot.covered_s << EARLY_BITS | early for slot in rows], np.uint64),
        "covered_s": np.array([slot.covered_s for slot in rows], np.uint16),
        "load_deciles_s": _arrays([slot.load_deciles_s or [0] * DECILES for slot in rows], np.uint16),
        "means": _arrays([[code(getattr(slot, name)) for name in MEANS] for slot in rows], np.uint16),
        "channels": _arrays([[channel_id(_channel(one)) for one in slot.energy] for slot in rows], np.uint64),
        "energy_j": _arrays([[one.energy_j for one in slot.energy] for slot in rows], np.float64),
        "measured_s": _arrays([[one.duration_s for one in slot.energy] for slot in rows], np.uint16),
    }
    columns |= {name: np.array([getattr(slot, name) for slot in rows], np.uint16) for name in STATES}
    insert(server, "slot", TYPES, columns, n)


def channels_of(slots: Iterable[Slot]) -> dict[int, Channel]:
    """The energy channels that slots name, by id."""
    return {channel_id(one): one for slot in slots for one in map(_channel, slot.energy)}


def channel_id(channel: Channel) -> int:
    """A number that every collector gives the same channel, without asking."""
    return int.from_bytes(hashlib.sha256("\0".join(channel).encode()).digest()[:8], "little")


def write_channels(server: Server, channels: Names) -> None:
    """Add names of channels; one that is there already does no harm."""
    ids: dict[str, Values] = {"id": np.array(list(channels), np.uint64)}
    names = {name: [one[i] for one in channels.values()] for i, name in enumerate(list(CHANNEL_TYPES)[1:])}
    insert(server, "channel", CHANNEL_TYPES, ids | names, len(channels))


def read_channels(server: Server) -> dict[int, Channel]:
    """All channels that a server knows."""
    found = select(server, CHANNELS)
    if not found:
        return {}
    names = zip(*(texts(found[name]) for name in ("source", "scope", "quality")), strict=True)
    return dict(zip(whole(found["id"]), names, strict=True))


@dataclass(frozen=True)
class Rows:
    """Slots of some devices, each once, sorted by device and time."""

    columns: Columns

    def __len__(self) -> int:
        """Number of slots."""
        return len(self.columns["start"]) if self.columns else 0

    def channel_ids(self) -> set[int]:
        """Every channel that counted something."""
        return set(whole(items(self.columns["channels"])[1])) if len(self) else set()

    def by_device(self) -> Iterator[tuple[DeviceId, slice]]:
        """Where each device's rows are."""
        if not len(self):
            return
        devices = array(self.columns["device"])
        starts = [0, *(np.flatnonzero(devices[1:] != devices[:-1]) + 1).tolist(), len(devices)]
        for first, last in pairwise(starts):
            yield DeviceId(devices[first].decode()), slice(first, last)

    def activity(self, rows: slice, names: Names) -> Activity:
        """Activity of one device's rows."""
        deciles = array(items(self.columns["load_deciles_s"])[1]).reshape(-1, DECILES)
        on_s, display_off_s, asleep_s, off_s = (
            array(self.columns[name])[rows].astype(np.float64) for name in STATES
        )
        start = array(self.columns["start"])[rows].astype(np.int64)
        measured = tuple(self._measured(rows, names))
        return Activity(
            start, on_s, display_off_s, asleep_s, off_s, deciles[rows].astype(np.float64), measured
        )

    def _measured(self, rows: slice, names: Names) -> Iterator[MeasuredEnergy]:
        """What each channel counted, in the order in which they first appear."""
        ends, ids = items(self.columns["channels"])
        first = int(ends[rows.start - 1]) if rows.start else 0
        at_items = slice(first, int(ends[rows.stop - 1]))
        lengths = np.diff(ends[rows].astype(np.int64), prepend=first).astype(np.int64)
        row = np.repeat(np.arange(len(lengths)), lengths)
        energy_j = items(self.columns["energy_j"])[1][at_items]
        measured_s = items(self.columns["measured_s"])[1][at_items]
        of_device = ids[at_items]
        for channel in dict.fromkeys(of_device.tolist()):
            at = of_device == channel
            joules, seconds = np.zeros(len(lengths)), np.zeros(len(lengths))
            joules[row[at]], seconds[row[at]] = energy_j[at], measured_s[at]
            yield MeasuredEnergy(*names[channel], joules, seconds)

    def days(self, rows: slice, names: Names) -> Iterator[tuple[int, DayOfSlots]]:
        """One device's rows by day; needs the column `means` too."""
        read = self.activity(rows, names)
        states = [getattr(read, name)[:, None] for name in STATES]
        seconds = np.hstack([*states, read.load_deciles_s]).astype("<u2")
        means = array(items(self.columns["means"])[1]).reshape(-1, len(MEANS))[rows].astype("<u2")
        days, at = np.divmod(read.start // SLOT_S, SLOTS_PER_DAY)
        for day in np.unique(days):
            of = days == day
            records, of_means = np.zeros((SLOTS_PER_DAY, SECONDS), "<u2"), NO_MEANS.copy()
            records[at[of]], of_means[at[of]] = seconds[of], means[of]
            energy = {}
            for one in read.measured:
                if one.duration_s[of].any():
                    counted = np.zeros(SLOTS_PER_DAY, COUNTED_DTYPE)
                    counted["energy_j"][at[of]], counted["duration_s"][at[of]] = (
                        one.energy_j[of],
                        one.duration_s[of],
                    )
                    energy[one.source, one.scope, one.quality] = bytearray(counted.tobytes())
            yield int(day), DayOfSlots(bytearray(records.tobytes()), bytearray(of_means.tobytes()), energy)

    def slots(self, names: Names) -> Iterator[Slot]:
        """Each row as the record that was sent; needs the column `means` too."""
        states = zip(*(whole(self.columns[name]) for name in STATES), strict=True)
        starts = whole(self.columns["start"])
        by_row = [
            lists(self.columns[name])
            for name in ("load_deciles_s", "means", "channels", "energy_j", "measured_s")
        ]
        for start, seconds, deciles_s, means, ids, energy_j, measured_s in zip(
            starts, states, *by_row, strict=True
        ):
            energy = [
                Energy(*names[channel], joules, int(counted_s))  # type: ignore[arg-type]
                for channel, joules, counted_s in zip(ids, energy_j, measured_s, strict=True)
            ]
            yield as_slot(start, seconds, deciles_s, means, energy)


def read(server: Server, devices: Sequence[DeviceId], first: int, last: int, means: bool = False) -> Rows:
    """Slots of devices with first <= start < last."""
    columns = f"{FOR_ACTIVITY}, means" if means else FOR_ACTIVITY
    query = OF_DEVICES.format(columns=columns, devices=listed(devices), first=first, last=last)
    return Rows(select(server, query))


def coverage(server: Server, first_day: int, last_day: int) -> list[tuple[DeviceId, int, int]]:
    """Device, day and seconds covered of each device and day with a record."""
    first, last = first_day * DAY_S, (last_day + 1) * DAY_S
    found = select(server, COVERAGE.format(day_s=DAY_S, first=first, last=last))
    return by_day(found)


def by_day(found: Columns) -> list[tuple[DeviceId, int, int]]:
    """Rows of device, day and seconds."""
    if not found:
        return []
    devices = map(DeviceId, texts(found["device"]))
    return list(zip(devices, whole(found["day"]), whole(found["seconds"]), strict=True))


def spans(server: Server, device: DeviceId | None = None) -> dict[DeviceId, tuple[int, int]]:
    """Start of the first and last slot of one device, or of all, rolled up or not."""
    where = "" if device is None else f"WHERE device = {listed([device])}"
    found = select(server, SPANS.format(where=where))
    if not found:
        return {}
    periods = zip(whole(found["first_slot"]), whole(found["last_slot"]), strict=True)
    return dict(zip(map(DeviceId, texts(found["device"])), periods, strict=True))


def _channel(one: Energy) -> Channel:
    return one.source, one.scope, one.quality


def listed(devices: Iterable[str]) -> str:
    """Devices as a list of a statement."""
    return ", ".join(f"toFixedString({quoted(device)}, {LONGEST_ID})" for device in devices)


def _arrays(lists: Sequence[Sequence[float]], dtype: type) -> tuple[NDArray[np.uint64], NDArray[np.generic]]:
    ends = np.cumsum([len(one) for one in lists], dtype=np.uint64)
    return ends, np.array([item for one in lists for item in one], dtype)

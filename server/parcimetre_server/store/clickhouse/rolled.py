"""Days that are rolled up, as rows packed as the embedded engine packs them; a mark says which of them count.

The row that covers most is a day's: another is one that was there before a late slot was added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from parcimetre_agent.report import Slot

from ..embedded.day_rows import row_of, stored_row
from ..embedded.packing import DAY_S, DayOfSlots, PackedRow, Unpacker, day_id
from ..interface import RolledUp
from ..records import DeviceId
from ..rolling import SETTLED_DAY, DayRule
from .native import Values, binaries, texts, whole
from .server import Server, insert, select
from .slots import by_day, listed

TYPES = {
    "device": "FixedString(32)", "day": "UInt32", "hours": "UInt8", "covered_s": "UInt32",
    "first_slot": "UInt32", "last_slot": "UInt32", "records": "Array(UInt8)", "means": "Array(UInt8)",
    "channels": "String", "counted": "Array(UInt8)", "version": "UInt8",
}  # fmt: skip
MARKS = "SELECT hours, max(before_day) AS before_day FROM rolled_up WHERE {where} GROUP BY hours"
KEPT = "day >= {first} AND day < {last} AND hours = if(day < {days_before}, 24, 1)"
READ = """
    SELECT device, day, hours, version, records, means, channels, counted FROM rolled_day
    WHERE device IN ({devices}) AND {kept} ORDER BY device, day, covered_s DESC LIMIT 1 BY device, day
"""
ANY_DEVICE = "SELECT device FROM rolled_day WHERE {kept} LIMIT 1"
COVERAGE = """
    SELECT device, day, toUInt64(max(covered_s)) AS seconds FROM rolled_day WHERE {kept} GROUP BY device, day
"""
Key = tuple[DeviceId, int]
DaysOf = dict[DeviceId, list[tuple[int, PackedRow]]]


def marks(server: Server, where: str = "1") -> RolledUp:
    """What a server keeps sums of instead of slots."""
    found = select(server, MARKS.format(where=where))
    before = dict(zip(whole(found["hours"]), whole(found["before_day"]), strict=True)) if found else {}
    return RolledUp(before.get(1, 0), before.get(24, 0))


def read(server: Server, devices: Iterable[str], first: int, last: int, known: RolledUp) -> DaysOf:
    """Days of devices that are rolled up, from one day to before another, in order."""
    days: DaysOf = defaultdict(list)
    kept = _kept(first, last, known)
    found = select(server, READ.format(devices=listed(devices), kept=kept)) if kept else {}
    if found:
        blobs = (binaries(found[name]) for name in ("records", "means", "counted"))
        columns = [
            texts(found["device"]),
            whole(found["day"]),
            whole(found["hours"]),
            whole(found["version"]),
            texts(found["channels"]),
        ]
        for device, day, hours, version, channels, *packed in zip(*columns, *blobs, strict=True):
            records, means, counted = packed
            row = stored_row(
                f"{device}, day {day}", version, True, records, means, channels or None, counted or None,
                24 if hours == 24 else 1,
            )  # fmt: skip
            days[DeviceId(device)].append((day, row))
    return days


def day_rule(server: Server, day: int) -> DayRule | None:
    """Return how a day was rolled up, by one of its rows; None where a server has none."""
    known = marks(server)
    kept = _kept(day, day + 1, known)
    found = select(server, ANY_DEVICE.format(kept=kept)) if kept else {}
    for device in texts(found["device"]) if found else ():
        for rows in read(server, [device], day, day + 1, known).values():
            return Unpacker().day(rows[0][1]).rule
    return None


def coverage(server: Server, first: int, last: int, known: RolledUp) -> list[tuple[DeviceId, int, int]]:
    """Device, day and seconds covered of days that are rolled up."""
    kept = _kept(first, last, known)
    return by_day(select(server, COVERAGE.format(kept=kept))) if kept else []


def _kept(first: int, last: int, known: RolledUp) -> str:
    """The rows that count between two days; nothing where no day is rolled up."""
    last = min(last, known.hours_before)
    return KEPT.format(first=first, last=last, days_before=known.days_before) if first < last else ""


@dataclass
class LateSlots:
    """Slots for days that are rolled up: each is added to its day, once."""

    server: Server
    known: RolledUp
    days: dict[Key, DayOfSlots] = field(default_factory=dict)

    def takes(self, slot: Slot) -> bool:
        """Whether the slot is of a day that is rolled up."""
        return self.known.hours_of(slot.start // DAY_S) is not None

    def merge(self, device: DeviceId, slot: Slot) -> bool:
        """Add a quarter hour that has no record yet; say whether it was added."""
        key = device, slot.start // DAY_S
        if key not in self.days:
            self.days[key] = self._opened(*key)
        return self.days[key].merge(slot)

    def _opened(self, device: DeviceId, day: int) -> DayOfSlots:
        found = read(self.server, [device], day, day + 1, self.known).get(device)
        if found:
            return Unpacker().day(found[0][1])
        rule = day_rule(self.server, day) or SETTLED_DAY
        return DayOfSlots(hours=self.known.hours_of(day), parts=rule.parts)

    def write(self) -> None:
        """Write the days as they are now."""
        write(self.server, self.days)


def write(server: Server, days: Mapping[Key, DayOfSlots]) -> None:
    """Write days as sums of the hours that each of them says."""
    rows = [
        (device, day, opened.hours, row_of(day_id(0, day), opened, opened.roll()))
        for (device, day), opened in days.items()
        if opened.hours and opened.covered_s.any()
    ]
    if not rows:
        return
    columns: dict[str, Values] = {
        "device": np.array([device.encode() for device, *_ in rows], "S32"),
        "day": np.array([day for _, day, *_ in rows], np.uint32),
        "hours": np.array([hours for _, _, hours, _ in rows], np.uint8),
    }
    by_column = zip(*(row for *_, row in rows), strict=True)
    _, first_slot, last_slot, covered_s, records, means, channels, counted, version = by_column
    columns |= {
        "first_slot": np.array(first_slot, np.uint32),
        "last_slot": np.array(last_slot, np.uint32),
        "covered_s": np.array(covered_s, np.uint32),
        "records": _blobs(records),
        "means": _blobs(means),
        "channels": [one or "" for one in channels],
        "counted": _blobs([one or b"" for one in counted]),
        "version": np.array(version, np.uint8),
    }
    insert(server, "rolled_day", TYPES, columns, len(rows))


def _blobs(found: Iterable[bytes]) -> Values:
    blobs = list(found)
    return np.cumsum([len(one) for one in blobs], dtype=np.uint64), np.frombuffer(b"".join(blobs), np.uint8)

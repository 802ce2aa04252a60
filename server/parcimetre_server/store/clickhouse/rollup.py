"""Months of a server that are rolled up, in four steps of which any may be the last before an end.

1. Sums of the month's days are written as rows of `rolled_day`. Nobody reads them yet, and a second try
   writes the same rows again.
2. A row of `rolled_up` is the mark: from then on everybody reads sums of the days before it, and slots of
   those from it on. No day is read from both, or from neither.
3. Once no query that began before the mark can still run, sums are given what they lack: slots that another
   collector wrote while they were made.
4. The partition with the month's slots is dropped.

The last two steps are taken by a later call.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from ..embedded.packing import DAY_S, DayOfSlots, Unpacker
from ..interface import RolledUp
from ..records import DeviceId
from ..rolling import Hours, RollRules
from . import rolled, slots
from .native import texts, whole
from .rolled import Key, LateSlots, marks
from .server import ANSWER_S, Server, select

EPOCH = date(1970, 1, 1).toordinal()
GRACE_S = int(ANSWER_S) + 60
SETTLED = "at + {grace_s} <= toUInt32(toUnixTimestamp(now()))"
MARK = "INSERT INTO rolled_up SELECT toUInt8({hours}), toUInt32({day}), toUInt32(toUnixTimestamp(now()))"
FIND = {
    "due": "SELECT count() AS n FROM (SELECT DISTINCT device, {day} AS of_day FROM {finer})",
    "months": """SELECT DISTINCT toUInt32(toYYYYMM(toDateTime(toUInt32({day} * 86400), 'UTC'))) AS n
        FROM {finer} ORDER BY n""",
    "devices": "SELECT DISTINCT device FROM {finer}",
}
MOST_DAYS = 4_000  # of devices, in memory at once


@dataclass(frozen=True)
class Finer:
    """The rows that sums are made of: their table, their day, which they are, their partition of a month."""

    table: str
    day: str
    where: str
    partition: str

    def find(self, server: Server, what: str, first: int, last: int) -> list[int] | list[str]:
        """Numbers or devices of the rows from one day to before another."""
        rows = f"{self.table} WHERE {self.where} AND {self.day} >= {first} AND {self.day} < {last}"
        found = select(server, FIND[what].format(day=self.day, finer=rows))
        if not found:
            return []
        return texts(found["device"]) if what == "devices" else whole(found["n"])


FINER: dict[Hours, Finer] = {
    1: Finer("slot", f"toUInt32(intDiv(start, {DAY_S}))", "1", "{month}"),
    24: Finer("rolled_day", "day", "hours = 1", "{month}01"),
}


def due(server: Server, before_day: int, hours: Hours) -> int:
    """Device-days before a day that are not rolled up yet."""
    until, known = _first_of_month(before_day), marks(server)
    found = [FINER[hours].find(server, "due", known.before_day(hours), until)]
    if hours == 24:
        found.append(FINER[1].find(server, "due", known.hours_before, until))
    return sum(int(n) for numbers in found for n in numbers)


def roll_up(
    server: Server, before_day: int, hours: Hours, rules: RollRules, writing: AbstractContextManager[object]
) -> int:
    """Roll up the whole months before a day, and drop those rolled up before; how many device-days.

    `writing` keeps this process from writing to the store, or erasing from it, between reading and writing.
    """
    _sweep(server, hours, writing)
    known, count = marks(server), 0
    until = _first_of_month(before_day if hours == 1 else min(before_day, known.hours_before))
    for month in FINER[hours].find(server, "months", known.before_day(hours), until):
        first, last = _days(int(month))
        rule_of = {day: rules.of(day) for day in range(first, last)}
        devices = [DeviceId(str(one)) for one in FINER[hours].find(server, "devices", first, last)]
        size = MOST_DAYS // (last - first)
        for at in range(0, len(devices), size):
            with writing:
                packed = _finer(server, devices[at : at + size], first, last, hours)
                rolled.write(
                    server, {key: found.to_roll(hours, rule_of[key[1]]) for key, found in packed.items()}
                )
            count += len(packed)
        server.ask(MARK.format(hours=hours, day=last))
    if known.before_day(hours) < until:
        server.ask(MARK.format(hours=hours, day=until))
    return count


def _finer(
    server: Server, devices: Sequence[DeviceId], first: int, last: int, hours: Hours
) -> dict[Key, DayOfSlots]:
    """The days that sums are to be made of."""
    if hours == 1:
        rows, names = (
            slots.read(server, devices, first * DAY_S, last * DAY_S, means=True),
            slots.read_channels(server),
        )
        by_device = rows.by_device()
        return {(device, day): found for device, at in by_device for day, found in rows.days(at, names)}
    unpacker, hourly = Unpacker(), RolledUp(last, 0)
    read = rolled.read(server, devices, first, last, hourly).items()
    return {(device, day): unpacker.day(row) for device, days in read for day, row in days}


def _sweep(server: Server, hours: Hours, writing: AbstractContextManager[object]) -> None:
    """Drop what sums stand for since long enough, once they have all of it."""
    settled = marks(server, SETTLED.format(grace_s=GRACE_S)).before_day(hours)
    for month in FINER[hours].find(server, "months", 0, settled):
        first, last = _days(int(month))
        with writing:
            _add_strays(server, first, last, hours)
        partition = FINER[hours].partition.format(month=month)
        server.ask(f"ALTER TABLE {FINER[hours].table} DROP PARTITION {partition}")


def _add_strays(server: Server, first: int, last: int, hours: Hours) -> None:
    """Add to the sums the quarter hours that they lack."""
    known, hourly = marks(server), RolledUp(last, 0)
    late = LateSlots(server, known)
    summed = {(device, day): s for device, day, s in rolled.coverage(server, first, last, known)}
    if hours == 1:
        finer = slots.coverage(server, first, last - 1)
    else:
        finer = rolled.coverage(server, first, last, hourly)
    for device, day, covered_s in finer:
        if covered_s > summed.get((device, day), 0):
            for found in _finer(server, [device], day, day + 1, hours).values():
                for slot in found.slots(day):
                    late.merge(device, slot)
    late.write()


def _first_of_month(day: int) -> int:
    return day - date.fromordinal(EPOCH + day).day + 1


def _days(month: int) -> tuple[int, int]:
    """The first day of a month such as 202311, and of the next one."""
    first = date(month // 100, month % 100, 1).toordinal() - EPOCH
    return first, _first_of_month(first + 31)

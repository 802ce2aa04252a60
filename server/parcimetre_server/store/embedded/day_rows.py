"""Rows of packed days: their columns, their versions, and the upgrades from older ones.

A row has a version beside its bytes: one for days of quarter hours, open or sealed, and one for days that are
rolled up. Rows of files up to layout 3 are version 1. Both engines write rows by `row_of` and read them by
`stored_row`, which upgrades an older version and refuses a newer one.

To change the bytes of a day, append a function to its upgrades, which takes the present version to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from parcimetre_agent.report import SLOT_S

from ..errors import NewerVersion
from ..rolling import Hours
from .packing import DAY_S, DayOfSlots, PackedRow, TableRow, day_number, device_number, named
from .rolled import upgrade_1

Upgrade = Callable[[PackedRow], PackedRow]


def _week_parts(row: PackedRow) -> PackedRow:
    """Return a row with a whole day's sums by part of the week, and with incomplete quarter hours (none)."""
    channels = len(named(row.channels)) if row.channels else 0
    records, means, counted = upgrade_1(row.records, row.means, row.counted, channels, row.hours == 24)
    return row._replace(records=records, means=means, counted=counted if channels else None)


QUARTER_HOURS: tuple[Upgrade, ...] = ()
ROLLED_UP: tuple[Upgrade, ...] = (_week_parts,)
EPOCH = date(1970, 1, 1).toordinal()


def newest_version(hours: Hours | None) -> int:
    """Return the version in which days are written: of quarter hours, or of sums of some hours."""
    return 1 + len(ROLLED_UP if hours else QUARTER_HOURS)


def row_of(key: int, day: DayOfSlots, packed: PackedRow) -> TableRow:
    """Return the columns of a day's row: key, first and last slot, seconds covered, bytes, version."""
    covered_s = day.covered_s
    (at,) = covered_s.nonzero()
    begin = day_number(key) * DAY_S
    first, last = (begin + int(at[i]) * SLOT_S for i in (0, -1)) if len(at) else (None, None)
    return (
        key,
        first,
        last,
        int(covered_s.sum()),
        packed.records,
        packed.means,
        packed.channels,
        packed.counted,
        newest_version(packed.hours),
    )


def stored_row(
    key: int | str,
    version: int,
    sealed: bool,
    records: bytes,
    means: bytes,
    channels: str | None,
    counted: bytes | None,
    hours: Hours | None = None,
) -> PackedRow:
    """Return a row as the present version packs it; `key` names its device and day.

    Raises NewerVersion.
    """
    row = PackedRow(bool(sealed), records, means, channels, counted, hours)
    upgrades = ROLLED_UP if hours else QUARTER_HOURS
    newest = 1 + len(upgrades)
    if version > newest:
        kind = "rolled-up day" if hours else "day of quarter hours"
        raise NewerVersion(kind, _name(key), version, newest)
    for upgrade in upgrades[version - 1 :]:
        row = upgrade(row)
    return row


def _name(key: int | str) -> str:
    if isinstance(key, str):
        return key
    return f"device number {device_number(key)}, {date.fromordinal(EPOCH + day_number(key))}"

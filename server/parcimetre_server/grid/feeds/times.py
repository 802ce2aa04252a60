"""Times, quantities and spacing of feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.grid.observations import GridObservation

from ...base.errors import ParcimetreError

LONGEST_S = 3600


class BadFeed(ParcimetreError):
    """A file of a feed that cannot be read."""


def parse_time(text: object, where: str) -> int:
    """Return the seconds UTC of a time with an offset. Raises BadFeed."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise BadFeed(f"{where}: {text!r} is not a valid time (example: 2026-11-16T08:00Z)") from None
    if moment.tzinfo is None:
        raise BadFeed(f"{where}: {text!r} has no offset from UTC: add Z or +01:00")
    return int(moment.timestamp())


def parse_quantity(cell: object, where: str) -> float | None:
    """Return the number in a cell, None if it is empty. Raises BadFeed."""
    text = "" if cell is None else str(cell).strip()
    if text in ("", "ND", "-", "n/e", "N/A"):
        return None
    try:
        number = float(text)
    except ValueError:
        raise BadFeed(f"{where}: {text!r} is not a number. Download the file again.") from None
    if not abs(number) < 1e9:
        raise BadFeed(f"{where}: {text!r} is not a valid quantity. Download the file again.")
    return number


def fill_quarter_hours(readings: Iterable[GridObservation]) -> list[GridObservation]:
    """Return observations of half or whole hours for each of their quarter hours; gaps stay gaps.

    A feed's step is the spacing that is usual in it, an hour at most. Of two readings of one slot the later
    counts.
    """
    by_start = dict(sorted((reading.start, reading) for reading in readings))
    spacing = Counter(after - before for before, after in pairwise(by_start))
    step_s = min(LONGEST_S, spacing.most_common(1)[0][0]) if spacing else SLOT_S
    return [
        replace(reading, start=start + offset)
        for start, reading in by_start.items()
        for offset in range(0, step_s, SLOT_S)
        if offset == 0 or start + offset not in by_start
    ]

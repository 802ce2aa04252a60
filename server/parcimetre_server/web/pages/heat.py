"""Geometry of the heat strips: a row for each day, a column for each quarter hour, a path for each colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ...presentation.charts import round_up

LEVELS = 6
COLUMNS, HEIGHT = 96, 10
HOUR_S, DAY_S, SLOT_S = 3600, 86_400, 900


@dataclass(frozen=True)
class HeatRow:
    """A day of a strip: `paths` by the name of their colour, in a box of COLUMNS by HEIGHT."""

    day: str
    paths: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Strip:
    """A heat strip; `limits` are where each level of colour ends."""

    rows: tuple[HeatRow, ...]
    limits: tuple[float, ...]


def limits(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Where levels of colour end: equal steps from zero that read well."""
    step = round_up(float(values.max(initial=0.0)) / LEVELS)
    return tuple(step * (i + 1) for i in range(LEVELS)) if step else ()


def levels(values: NDArray[np.float64], ends: Sequence[float]) -> NDArray[np.intp]:
    """The level of each value (n,), from 0."""
    return np.minimum(np.searchsorted(np.array(ends), values, side="left"), max(0, len(ends) - 1))


def columns_of(starts: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """The quarter hour of the local day that each slot begins in (n,); an hour that comes twice is one."""
    hours = {int(hour): datetime.fromtimestamp(int(hour) * HOUR_S, UTC).astimezone(zone)
             for hour in np.unique(starts // HOUR_S)}  # fmt: skip
    offsets = np.array([_offset(hours[int(hour)]) for hour in starts // HOUR_S], np.int64)
    return (starts + offsets) % DAY_S // SLOT_S


def _offset(at: datetime) -> int:
    offset = at.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def strip(
    colour: Sequence[str],
    column: NDArray[np.int64],
    day: NDArray[np.intp],
    days: Sequence[str],
    ends: tuple[float, ...],
) -> Strip:
    """Slots in their colours; those without one are left out."""
    paths: list[dict[str, list[str]]] = [{} for _ in days]
    for name, first, last, row in _runs(colour, column, day):
        wide = last - first
        paths[row].setdefault(name, []).append(f"M{first} 0h{wide}v{HEIGHT}h-{wide}z")
    rows = (
        HeatRow(name, tuple((colour, "".join(parts)) for colour, parts in sorted(found.items())))
        for name, found in zip(days, paths, strict=True)
    )
    return Strip(tuple(rows), ends)


def _runs(
    colour: Sequence[str], column: NDArray[np.int64], day: NDArray[np.intp]
) -> Iterator[tuple[str, int, int, int]]:
    """Neighbours of one colour together: the colour, the first column, the one after the last, the row."""
    run: tuple[str, int, int, int] | None = None
    for name, at, row in zip(colour, column.tolist(), day.tolist(), strict=True):
        if run is not None and run[0] == name and run[2] == at and run[3] == row:
            run = (name, run[1], at + 1, row)
            continue
        if run is not None and run[0]:
            yield run
        run = (name, at, at + 1, row)
    if run is not None and run[0]:
        yield run

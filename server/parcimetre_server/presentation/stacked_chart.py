"""Geometry of stacked columns, one per period, in the units of an SVG view box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .charts import BOTTOM, TOP, round_up

WIDTH, HEIGHT, LEFT = 480.0, 210.0, 44.0
MOST_LABELS, MOST_MONTHS = 7, 6
VISIBLE = 0.5


@dataclass(frozen=True)
class Segment:
    """A part of a column: its key, upper edge and height."""

    key: str
    y: float
    height: float


@dataclass(frozen=True)
class Stack:
    """A period's column."""

    name: str
    x: float
    segments: tuple[Segment, ...]
    labelled: bool


@dataclass(frozen=True)
class StackedChart:
    """Columns, the heights of the scale with their values, and the keys of visible segments."""

    stacks: tuple[Stack, ...]
    scale: tuple[tuple[float, float], ...]
    keys: tuple[str, ...]
    column: float
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT


def stacked_chart(
    names: Sequence[str], amounts: Sequence[Mapping[str, float]], keys: Sequence[str]
) -> StackedChart | None:
    """Return the chart of named periods' amounts by key, None where all are 0; `keys` orders the legend."""
    top = round_up(max((sum(of_period.values()) for of_period in amounts), default=0.0))
    if not top:
        return None
    base, step = HEIGHT - BOTTOM, (WIDTH - LEFT) / len(names)
    every = -(-len(names) // (MOST_MONTHS if len(names[0]) == len("2026-11") else MOST_LABELS))
    columns = [_segments(of_period, base, (base - TOP) / top) for of_period in amounts]
    stacks = tuple(
        Stack(name, LEFT + step * (i + 0.15), columns[i], (len(names) - 1 - i) % every == 0)
        for i, name in enumerate(names)
    )
    scale = tuple((base - (base - TOP) * share, top * share) for share in (0.0, 0.5, 1.0))
    visible = {segment.key for column in columns for segment in column if segment.height > VISIBLE}
    return StackedChart(stacks, scale, tuple(key for key in keys if key in visible), step * 0.7)


def _segments(amounts: Mapping[str, float], base: float, per_unit: float) -> tuple[Segment, ...]:
    """The segments of a column, from its foot to its top."""
    segments: list[Segment] = []
    y = base
    for key, amount in amounts.items():
        y -= amount * per_unit
        if amount:
            segments.append(Segment(key, y, amount * per_unit))
    return tuple(segments)

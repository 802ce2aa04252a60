"""Geometry of the small charts: columns and a line over the same hours, in the units of an SVG view box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720.0, 150.0
LEFT, BOTTOM, TOP = 56.0, 22.0, 10.0


@dataclass(frozen=True)
class Column:
    """One column: `height` 0 where there is nothing to show."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """A chart over time; `scale` are heights with the values they stand for, `ticks` the hours below."""

    columns: tuple[Column, ...]
    line: str
    scale: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[float, int], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    base: float = HEIGHT - BOTTOM


def chart(
    starts: Sequence[int], values: Sequence[float], step_s: int, tick_s: int, as_line: bool = False
) -> Chart:
    """Values over equal steps of time that begin at `starts`; the scale begins at zero."""
    first, last = starts[0], starts[-1] + step_s
    top = round_up(max(values, default=0.0))
    base = HEIGHT - BOTTOM

    def x(second: float) -> float:
        """Return the horizontal position of a time."""
        return LEFT + (WIDTH - LEFT) * (second - first) / (last - first)

    def y(value: float) -> float:
        """Return the vertical position of a value."""
        return base - (base - TOP) * (value / top if top else 0.0)

    wide = x(first + step_s) - x(first)
    columns = tuple(
        Column(x(start) + wide * 0.1, y(value), wide * 0.8, base - y(value))
        for start, value in zip(starts, values, strict=True)
    )
    points = " ".join(
        f"{x(start):.1f},{y(value):.1f} {x(start + step_s):.1f},{y(value):.1f}"
        for start, value in zip(starts, values, strict=True)
    )
    ticks = tuple((x(second), second) for second in range(-(-first // tick_s) * tick_s, last, tick_s))
    scale = ((base, 0.0), (y(top / 2), top / 2), (y(top), top)) if top else ((base, 0.0),)
    return Chart(() if as_line else columns, points if as_line else "", scale, ticks)


def round_up(value: float) -> float:
    """Return the next round number: 1, 2, 4, 5, 8 or 10 times a power of ten."""
    if value <= 0:
        return 0.0
    power = 1.0
    while power > value:
        power /= 10
    while power * 10 <= value:
        power *= 10
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value * 0.999999)

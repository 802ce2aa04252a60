"""Geometry of a trend: periods side by side as stacked columns, in the units of an SVG view box."""

from __future__ import annotations

from dataclasses import dataclass

from parcimetre_factors.criteria import Stage

from ..footprints import Figures, Row
from ..periods import Interval
from ..titles import STAGES
from .charts import BOTTOM, TOP, round_up

WIDTH, HEIGHT, LEFT = 480.0, 210.0, 44.0
MOST_LABELS, MOST_MONTHS = 7, 6
VISIBLE = 0.5
MISSING = "missing"


@dataclass(frozen=True)
class Segment:
    """A part of a column: a stage, or what time without a record would add."""

    key: str
    y: float
    height: float


@dataclass(frozen=True)
class Stack:
    """A period's column; `row` is its total, None where nothing was in service."""

    name: str
    x: float
    row: Row | None
    segments: tuple[Segment, ...]
    labelled: bool


@dataclass(frozen=True)
class Trend:
    """Columns, the heights of the scale with the values they stand for, and the keys that are to be seen."""

    stacks: tuple[Stack, ...]
    scale: tuple[tuple[float, float], ...]
    keys: tuple[str, ...]
    column: float
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT

    @property
    def rows(self) -> list[Row]:
        """The totals of the periods, for the table beside the chart."""
        return [stack.row for stack in self.stacks if stack.row is not None]


def trend(found: Figures, interval: Interval) -> Trend | None:
    """The trend of figures over their periods, None where there is nothing to draw."""
    names = found.periods.names
    totals = {row.period: row for row in found.rows()}
    by_stage = {(row.period, row.group): row for row in found.rows("stage")}
    amounts = [_amounts(name, by_stage) for name in names]
    top = round_up(max((sum(one.values()) for one in amounts), default=0.0))
    if not top:
        return None
    base, step = HEIGHT - BOTTOM, (WIDTH - LEFT) / len(names)
    every = -(-len(names) // (MOST_MONTHS if interval == "month" else MOST_LABELS))
    segments = [_segments(one, base, (base - TOP) / top) for one in amounts]
    stacks = tuple(
        Stack(
            name, LEFT + step * (i + 0.15), totals.get(name), segments[i], (len(names) - 1 - i) % every == 0
        )
        for i, name in enumerate(names)
    )
    scale = tuple((base - (base - TOP) * share, top * share) for share in (0.0, 0.5, 1.0))
    seen = {one.key for column in segments for one in column if one.height > VISIBLE}
    keys = tuple(key for key in (*STAGES, MISSING) if key in seen)
    return Trend(stacks, scale, keys, step * 0.7)


def _amounts(name: str, by_stage: dict[tuple[str, str], Row]) -> dict[str, float]:
    """What stages add in a period, and what time without a record would; what is below zero is left out."""
    found = {str(stage): (name, str(stage)) for stage in STAGES}
    amounts = {stage: max(by_stage[at].value or 0.0, 0.0) for stage, at in found.items() if at in by_stage}
    use = by_stage.get((name, str(Stage.USE)))
    if use is not None and use.incomplete and use.extrapolated is not None:
        amounts[MISSING] = max(use.extrapolated.value - (use.value or 0.0), 0.0)
    return amounts


def _segments(amounts: dict[str, float], base: float, per_unit: float) -> tuple[Segment, ...]:
    found: list[Segment] = []
    y = base
    for key, amount in amounts.items():
        y -= amount * per_unit
        if amount:
            found.append(Segment(key, y, amount * per_unit))
    return tuple(found)

"""A trend: periods side by side as stacked columns, in the units of an SVG view box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from parcimetre_factors.criteria import Stage

from ..access.context import Context
from ..base.periods import Span, cut
from ..footprint.compute import compute_footprint
from ..footprint.query import FootprintQuery, FootprintRow
from ..presentation.charts import BOTTOM, TOP, round_up
from ..presentation.labels import STAGES

WIDTH, HEIGHT, LEFT = 480.0, 210.0, 44.0
MOST_LABELS, MOST_MONTHS = 7, 6
VISIBLE = 0.5
AT_ONCE = 12
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
    row: FootprintRow | None
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
    def rows(self) -> list[FootprintRow]:
        """The totals of the periods, for the table beside the chart."""
        return [stack.row for stack in self.stacks if stack.row is not None]


def trend_of(context: Context, query: FootprintQuery) -> Trend | None:
    """The trend of what a query asks for, None where there is nothing to draw; asked in parts, because the
    figures of many devices over many periods take much memory.
    """
    periods = cut(query.span, query.interval, context.zone)
    totals: list[FootprintRow] = []
    by_stage: list[FootprintRow] = []
    for at in range(0, len(periods.names), AT_ONCE):
        edges = periods.edges[at : at + AT_ONCE + 1]
        found = compute_footprint(context, replace(query, span=Span(int(edges[0]), int(edges[-1]))))
        totals += found.rows()
        by_stage += found.rows("stage")
    return trend(periods.names, totals, by_stage)


def trend(
    names: Sequence[str], total: Iterable[FootprintRow], of_stages: Iterable[FootprintRow]
) -> Trend | None:
    """The trend over named periods by their totals and by stage, None where there is nothing to draw."""
    totals = {row.period: row for row in total}
    by_stage = {(row.period, row.group): row for row in of_stages}
    amounts = [_amounts(name, by_stage) for name in names]
    top = round_up(max((sum(one.values()) for one in amounts), default=0.0))
    if not top:
        return None
    base, step = HEIGHT - BOTTOM, (WIDTH - LEFT) / len(names)
    every = -(-len(names) // (MOST_MONTHS if len(names[0]) == len("2026-11") else MOST_LABELS))
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


def _amounts(name: str, by_stage: dict[tuple[str, str], FootprintRow]) -> dict[str, float]:
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

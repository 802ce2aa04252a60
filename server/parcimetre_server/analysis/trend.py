"""Trend of a footprint: the totals of its periods, and their amounts by stage of life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from parcimetre_factors.criteria import Stage

from ..access.context import Context
from ..base.periods import Span, cut
from ..footprint.compute import compute_footprint, shown_days
from ..footprint.query import STAGES, FootprintQuery, FootprintRow

PERIODS_AT_ONCE = 12
MISSING = "missing"


@dataclass(frozen=True)
class Trend:
    """Names of the periods, the total of each that has one, and each period's amounts by stage or MISSING."""

    names: tuple[str, ...]
    totals: Mapping[str, FootprintRow]
    amounts: tuple[Mapping[str, float], ...]


def trend_of(context: Context, query: FootprintQuery, periods_at_once: int = PERIODS_AT_ONCE) -> Trend:
    """Return the trend of a query over the periods of its interval.

    So many periods are computed at once, since the footprints of many devices and periods take much memory.
    """
    query = shown_days(context, query) or query
    periods = cut(query.span, query.interval, context.zone)
    totals: list[FootprintRow] = []
    by_stage: list[FootprintRow] = []
    for at in range(0, len(periods.names), periods_at_once):
        edges = periods.edges[at : at + periods_at_once + 1]
        result = compute_footprint(context, replace(query, span=Span(int(edges[0]), int(edges[-1]))))
        totals += result.rows()
        by_stage += result.rows("stage")
    return trend(periods.names, totals, by_stage)


def trend(names: Sequence[str], totals: Iterable[FootprintRow], by_stage: Iterable[FootprintRow]) -> Trend:
    """Return the trend of named periods from their totals and their rows by stage."""
    rows = {(row.period, row.group): row for row in by_stage}
    return Trend(
        tuple(names), {row.period: row for row in totals}, tuple(_amounts(name, rows) for name in names)
    )


def _amounts(name: str, rows: Mapping[tuple[str, str], FootprintRow]) -> dict[str, float]:
    """A period's impact by stage, and that of its missing time; negative ones count as zero."""
    amounts = {stage: max(rows[name, stage].value or 0.0, 0.0) for stage in STAGES if (name, stage) in rows}
    use = rows.get((name, str(Stage.USE)))
    if use is not None and use.incomplete and use.extrapolated is not None:
        amounts[MISSING] = max(use.extrapolated.value - (use.value or 0.0), 0.0)
    return amounts

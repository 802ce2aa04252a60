"""`/factors`: every number that figures rest on, with its source; `/factors/diff`: two sets compared."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.overlay import Change, changes

from ..api.factors import matching
from ..collector import Collector, aggregates
from ..factor_effects import SPAN_DAYS, total
from ..factor_sets import IN_FORCE, known_set, known_sets
from .rendering import respond

router = APIRouter(include_in_schema=False)
SHOWN = 200


@router.get("/factors", response_class=HTMLResponse)
def factors(
    request: Request,
    collector: Annotated[Collector, Depends(aggregates)],
    q: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """Factors in which every word of `q` occurs."""
    found = list(matching(collector.factors, q))
    values = {
        "q": q,
        "found": list(islice(found, SHOWN)),
        "count": len(found),
        "all": len(collector.factors.factors),
        "sets": known_sets(collector.settings.data_dir, collector.factors),
        "sources": sorted(collector.factors.sources.values(), key=lambda source: source.publisher),
    }
    return respond(request, collector, "factors.html", values)


@router.get("/factors/diff", response_class=HTMLResponse)
def diff(
    request: Request,
    collector: Annotated[Collector, Depends(aggregates)],
    before: Annotated[str, Query(max_length=80)] = IN_FORCE,
    after: Annotated[str, Query(max_length=80)] = "",
) -> HTMLResponse:
    """What another set would change: each factor, and the total of the last weeks."""
    here = collector.settings.data_dir, collector.factors
    sets = known_sets(*here)
    other = after or next((one.name for one in reversed(sets) if one.name != before), before)
    old, new = known_set(*here, before), known_set(*here, other)
    found = sorted(changes(old.factors, new.factors), key=_moved, reverse=True)
    rows = [total(collector, one.factors) for one in (old, new)]
    was, would_be = (row.value for row in rows)
    values = {
        "sets": sets,
        "before": old,
        "after": new,
        "found": found[:SHOWN],
        "count": len(found),
        "rows": rows,
        "days": SPAN_DAYS,
        "change": would_be / was - 1 if was and would_be is not None else None,
        "moved": {change.id: _ratio(change) for change in found[:SHOWN]},
    }
    return respond(request, collector, "factors_diff.html", values)


def _ratio(change: Change) -> float | None:
    """By how much a factor moves, as a share; None where a set does not have it."""
    if change.before is None or change.after is None or not change.before.value:
        return None
    return change.after.value / change.before.value - 1


def _moved(change: Change) -> float:
    """The greatest moves first, after what only one set has."""
    ratio = _ratio(change)
    return float("inf") if ratio is None else abs(ratio)

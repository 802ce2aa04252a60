"""`/factors`: every number that figures rest on, with its source; sets compared; the candidate adopted."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.tables.factor_set import FactorSet
from parcimetre_factors.tables.overlay import Change, changes

from ...access.context import Context
from ...analysis.factor_sets.adoption import adopt
from ...analysis.factor_sets.effects import SPAN_DAYS, recent_total
from ...analysis.factor_sets.search import find_factors
from ...base.errors import ParcimetreError
from ...base.i18n import N_
from ...base.scope import NotAllowed
from ...configuration.factor_sets import CANDIDATE, IN_FORCE, KnownFactorSet, known_set, known_sets
from ..dependencies import aggregated, readable
from .forms import Filled
from .rendering import respond

router = APIRouter(include_in_schema=False)
SHOWN = 200
DONE = {"adopted": N_("The factor set was adopted. This collector uses it after a restart.")}


@router.get("/factors", response_class=HTMLResponse)
def factors(
    request: Request,
    context: Annotated[Context, Depends(aggregated)],
    q: Annotated[str, Query(max_length=200)] = "",
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Factors in which every word of `q` occurs."""
    found = list(find_factors(context.factors, q))
    values = {
        "done": DONE.get(done, ""),
        "q": q,
        "found": list(islice(found, SHOWN)),
        "count": len(found),
        "all": len(context.factors.factors),
        "sets": known_sets(context.settings.data_dir, context.factors),
        "sources": sorted(context.factors.sources.values(), key=lambda source: source.publisher),
    }
    return respond(request, context, "factors.html", values)


@router.get("/factors/diff", response_class=HTMLResponse)
def diff(
    request: Request,
    context: Annotated[Context, Depends(aggregated)],
    before: Annotated[str, Query(max_length=80)] = IN_FORCE,
    after: Annotated[str, Query(max_length=80)] = "",
) -> HTMLResponse:
    """What another set would change: each factor, and the total of the last weeks."""
    here = context.settings.data_dir, context.factors
    sets = known_sets(*here)
    other = after or next((one.name for one in reversed(sets) if one.name != before), before)
    old, new = known_set(*here, before), known_set(*here, other)
    values = {
        "sets": sets,
        "before": old,
        "after": new,
        "adopts": new.name == CANDIDATE and context.scope.whole,
        **_compared(context, old.factors, new.factors),
    }
    return respond(request, context, "factors_diff.html", values)


def of_all(context: Annotated[Context, Depends(readable)]) -> Context:
    """The collector, for an admin of everything: a factor set counts for everybody. Raises NotAllowed."""
    if not context.scope.whole:
        raise NotAllowed(
            "a factor set applies to every org unit: only an administrator of the whole "
            "organisation can adopt one"
        )
    return context


@router.get("/factors/adopt", response_class=HTMLResponse)
def candidate(request: Request, context: Annotated[Context, Depends(of_all)]) -> HTMLResponse:
    """What adopting the candidate would change, to be confirmed."""
    return _to_confirm(request, context)


@router.post("/factors/adopt")
def adopted(request: Request, context: Annotated[Context, Depends(of_all)], form: Filled) -> Response:
    """Put the candidate in force that was looked at."""
    try:
        adopt(context, form.get("set", ""))
    except (ParcimetreError, BadFactorRow) as error:
        return _to_confirm(request, context, str(error), getattr(error, "status", 400))
    return RedirectResponse("/factors?done=adopted", 303)


def _to_confirm(request: Request, context: Context, fault: str = "", status: int = 200) -> HTMLResponse:
    """The page with the form, or that there is no candidate."""
    found = _known_candidate(context)
    values: dict[str, Any] = {"fault": fault, "candidate": found, "shared": context.store.shared}
    if found is not None:
        values |= _compared(context, context.factors, found.factors)
    return respond(request, context, "factors_adopt.html", values, status)


def _known_candidate(context: Context) -> KnownFactorSet | None:
    sets = known_sets(context.settings.data_dir, context.factors)
    return next((one for one in sets if one.name == CANDIDATE), None)


def _compared(context: Context, old: FactorSet, new: FactorSet) -> dict[str, Any]:
    """Each factor that differs, and the total of the last weeks with both sets."""
    found = sorted(changes(old, new), key=_moved, reverse=True)
    rows = [recent_total(context, factors) for factors in (old, new)]
    was, would_be = (row.value for row in rows)
    return {
        "found": found[:SHOWN],
        "count": len(found),
        "rows": rows,
        "days": SPAN_DAYS,
        "change": would_be / was - 1 if was and would_be is not None else None,
        "moved": {change.id: _ratio(change) for change in found[:SHOWN]},
    }


def _ratio(change: Change) -> float | None:
    """By how much a factor moves, as a share; None where a set does not have it."""
    if change.before is None or change.after is None or not change.before.value:
        return None
    return change.after.value / change.before.value - 1


def _moved(change: Change) -> float:
    """The greatest moves first, after what only one set has."""
    ratio = _ratio(change)
    return float("inf") if ratio is None else abs(ratio)

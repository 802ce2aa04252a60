"""`/factors`: every number that figures rest on, with its source."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from ..api.factors import matching
from ..collector import Collector, aggregates
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
        "sources": sorted(collector.factors.sources.values(), key=lambda source: source.publisher),
    }
    return respond(request, collector, "factors.html", values)

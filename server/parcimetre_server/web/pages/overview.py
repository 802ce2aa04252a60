"""`/`: the fleet's footprint at a glance: by stage, unit and category, its trend, what changed and why."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion

from ...access.context import Context
from ...analysis.overview import OverviewRequest, Period, compute_overview
from ...analysis.period_choice import Kind
from ...base.periods import Span
from ...base.scope import Scope
from ...footprint.query import FootprintQuery
from ...presentation.labels import CHANGES, CRITERIA, STAGES, WHY, label
from ..dependencies import aggregated
from .rendering import respond

router = APIRouter(include_in_schema=False)
NEAREST: dict[Kind, Period] = {"today": "today", "7d": "7d", "week": "7d"}


@router.get("/", response_class=HTMLResponse)
def overview(
    request: Request,
    context: Annotated[Context, Depends(aggregated)],
    period: Kind = "7d",
    at: Annotated[str, Query(max_length=10)] = "",
    begin: Annotated[str, Query(alias="from", max_length=10)] = "",
    end: Annotated[str, Query(alias="to", max_length=10)] = "",
    criterion: Criterion = Criterion.GWP,
    org_unit: Annotated[str, Query(max_length=400)] = "",
) -> HTMLResponse:
    """The overview of the fleet, or of an org unit and what is below it."""
    asked = OverviewRequest(period, at, begin, end, criterion, org_unit or context.scope.root or "")
    moment = context.moments.tell((context.scope, asked), context, lambda: compute_overview(context, asked))
    span: Span = moment.told["span"]
    query = FootprintQuery(span, criterion, org_unit=asked.org_unit or None)
    values = {
        **moment.told,
        "criterion": criterion,
        "org_unit": asked.org_unit,
        "as_of": moment.at if moment.kept else None,
        "crumbs": crumbs(asked.org_unit, context.scope),
        "scope_root": context.scope.root,
        "title": label,
        "change_titles": CHANGES,
        "change_reasons": WHY,
        "stages_of_life": {str(stage): name for stage, name in STAGES.items()},
        "criteria": CRITERIA,
        "link": lambda unit: _link(request, org_unit=unit),
        "at": lambda name: _link(request, at=name),
        "here": urlencode({"period": NEAREST.get(period, "30d"), "criterion": criterion}),
        "api": "/v1/footprint?" + urlencode(_api(query, context.scope)),
    }
    return respond(request, context, "overview.html", values)


def _api(query: FootprintQuery, scope: Scope) -> dict[str, str]:
    """The same figures asked of the API."""
    group_by = "device" if scope.sees_devices else "org_unit"
    asked = {"from": str(query.span.first), "to": str(query.span.last), "criterion": str(query.criterion)}
    return asked | {"group_by": group_by} | ({"org_unit": query.org_unit} if query.org_unit else {})


def _link(request: Request, **changed: str) -> str:
    """This page with some of its parameters changed."""
    kept = {key: value for key, value in request.query_params.items() if key != "lang"}
    asked = {key: value for key, value in (kept | changed).items() if value}
    return "/?" + urlencode(asked) if asked else "/"


def crumbs(path: str, scope: Scope) -> list[tuple[str, str]]:
    """Names and paths of an org unit and all above it that are in scope, the highest first."""
    names = path.split("/") if path else []
    paths = ("/".join(names[: i + 1]) for i in range(len(names)))
    return [(path.split("/")[-1], path) for path in paths if scope.covers(path)]

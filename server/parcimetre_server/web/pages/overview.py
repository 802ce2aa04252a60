"""`/`: the fleet's footprint at a glance: by stage, unit and category, its trend, what changed and why."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion

from ...access.context import Context
from ...access.presence import PresenceNeeded
from ...analysis.overview import Overview, OverviewRequest, cached_overview
from ...analysis.period_choice import ChosenPeriod, Kind, Period
from ...analysis.trend import MISSING
from ...base.scope import Scope
from ...footprint.query import FootprintQuery
from ...presentation.labels import CHANGE_REASONS, CHANGES, CRITERIA, PERIOD_LABELS, STAGES, label
from ...presentation.stacked_chart import stacked_chart
from ..dependencies import aggregated
from .rendering import respond

router = APIRouter(include_in_schema=False)
LONGER: Kind = "7d"
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
    too_short = False
    try:
        answer = cached_overview(context, asked)
    except PresenceNeeded:
        too_short, period, asked = True, LONGER, replace(asked, period=LONGER)
        answer = cached_overview(context, asked)
    found: Overview = answer.value
    query = FootprintQuery(found.period.span, criterion, org_unit=asked.org_unit or None)
    values = {
        **_contents(found),
        "asked": found.period,
        "kinds": _kinds(found.period.kind, context.scope),
        "own": _own_days(context, found.period, asked),
        "criterion": criterion,
        "org_unit": asked.org_unit,
        "as_of": answer.at if answer.cached else None,
        "crumbs": crumbs(asked.org_unit, context.scope),
        "scope_root": context.scope.root,
        "too_short": too_short,
        "title": label,
        "change_titles": CHANGES,
        "change_reasons": CHANGE_REASONS,
        "stages_of_life": {str(stage): name for stage, name in STAGES.items()},
        "criteria": CRITERIA,
        "link": lambda unit: _link(request, org_unit=unit),
        "at": lambda name: _link(request, at=name),
        "here": urlencode({"period": NEAREST.get(period, "30d"), "criterion": criterion}),
        "api": "/v1/footprint?" + urlencode(_api(query, context.scope)),
    }
    return respond(request, context, "overview.html", values)


def _contents(found: Overview) -> dict[str, Any]:
    """Return the figures of the template, and the chart of their trend."""
    shown = {field.name: getattr(found, field.name) for field in fields(found)}
    trend, keys = found.trend, [*map(str, STAGES), MISSING]
    return shown | {
        "moved": found.changes,
        "trend": None if trend is None else stacked_chart(trend.names, trend.amounts, keys),
        "trend_totals": {} if trend is None else trend.totals,
        "units_to_choose": found.org_units,
        "simulated": found.total.simulated,
    }


def _kinds(kind: Kind, scope: Scope) -> dict[str, str]:
    """The kinds of periods that the form offers; 30 days only where they were asked for, and no open day to
    readers who see whole days.
    """
    hidden = {"30d"} - {kind} | (set() if scope.sees_devices else {"today"})
    return {name: title for name, title in PERIOD_LABELS.items() if name not in hidden}


def _own_days(context: Context, period: ChosenPeriod, asked: OverviewRequest) -> dict[str, str]:
    """First and last day of the form's own period (ISO 8601): those asked for, else those of the period."""
    days = (datetime.fromtimestamp(at, context.zone) for at in (period.span.first, period.span.last - 1))
    first, last = (day.date().isoformat() for day in days)
    return {"first": asked.begin or first, "last": asked.end or last}


def _api(query: FootprintQuery, scope: Scope) -> dict[str, str]:
    """Return the API query of the same figures."""
    group_by = "device" if scope.sees_devices else "org_unit"
    asked = {"from": str(query.span.first), "to": str(query.span.last), "criterion": str(query.criterion)}
    return asked | {"group_by": group_by} | ({"org_unit": query.org_unit} if query.org_unit else {})


def _link(request: Request, **changed: str) -> str:
    """Return the URL of this page with some parameters changed."""
    kept = {key: value for key, value in request.query_params.items() if key != "lang"}
    asked = {key: value for key, value in (kept | changed).items() if value}
    return "/?" + urlencode(asked) if asked else "/"


def crumbs(path: str, scope: Scope) -> list[tuple[str, str]]:
    """Return names and paths of an org unit and its parents in scope, from the top."""
    names = path.split("/") if path else []
    paths = ("/".join(names[: i + 1]) for i in range(len(names)))
    return [(path.split("/")[-1], path) for path in paths if scope.covers(path)]

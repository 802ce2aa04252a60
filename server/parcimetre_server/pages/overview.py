"""`/`: the fleet's footprint at a glance, by stage, org unit and device."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion

from .. import footprints
from ..agents import measuring
from ..collector import Collector, aggregates
from ..hardware import is_virtual
from ..i18n import mark
from ..periods import since_midnight
from ..scope import Scope
from ..titles import CRITERIA, title
from ..views import bars, stage_views, top
from .rendering import respond

router = APIRouter(include_in_schema=False)
Period = Literal["today", "7d", "30d"]
DAYS: dict[Period, int] = {"today": 1, "7d": 7, "30d": 30}
PERIODS: dict[Period, str] = {"today": mark("Today"), "7d": mark("7 days"), "30d": mark("30 days")}
MAX_DEVICES = 100


@router.get("/", response_class=HTMLResponse)
def overview(
    request: Request,
    collector: Annotated[Collector, Depends(aggregates)],
    period: Period = "7d",
    criterion: Criterion = Criterion.GWP,
    org_unit: Annotated[str, Query(max_length=400)] = "",
) -> HTMLResponse:
    """The overview of the fleet, or of an org unit and what is below it."""
    span = since_midnight(collector.now(), collector.zone, DAYS[period])
    org_unit = org_unit or collector.scope.root or ""
    query = footprints.Query(span, criterion, org_unit=org_unit or None)
    figures = footprints.figures(collector, query)
    total, sees_devices = figures.total(), figures.guard is None
    devices = figures.known
    shown = bars(figures.greatest_devices(MAX_DEVICES), {str(key): found for key, found in devices.items()})
    values = {
        "span": span,
        "total": total,
        "stages": stage_views(figures.rows("stage")),
        "categories": bars(figures.rows_if_allowed("category")),
        "units": bars(figures.rows("org_unit", below=top(devices.values(), org_unit))),
        "devices": shown,
        "more": len(figures.in_service()) - len(shown) if sees_devices else 0,
        "count": figures.count,
        "withheld": figures.withheld,
        "left_out": figures.left_out if sees_devices else (),
        "measuring": measuring(collector, devices.values()) if sees_devices else None,
        "virtual": sum(is_virtual(device) for device in devices.values()) if sees_devices else 0,
        "simulated": total.simulated,
        "org_unit": org_unit,
        "crumbs": crumbs(org_unit, collector.scope),
        "scope_root": collector.scope.root,
        "sees_devices": sees_devices,
        "title": title,
        "periods": [(_link(request, period=key), title, key == period) for key, title in PERIODS.items()],
        "criteria": [
            (_link(request, criterion=key), title, key == criterion) for key, title in CRITERIA.items()
        ],
        "link": lambda unit: _link(request, org_unit=unit),
        "here": urlencode({"period": period, "criterion": criterion}),
        "api": "/v1/footprint?" + urlencode(_api(query, collector.scope)),
    }
    return respond(request, collector, "overview.html", values)


def _api(query: footprints.Query, scope: Scope) -> dict[str, str]:
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

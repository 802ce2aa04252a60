"""`/`: the fleet's footprint at a glance, by stage, org unit and device."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion

from .. import footprints
from ..agents import measuring
from ..collector import Collector, of
from ..hardware import is_virtual
from ..i18n import mark
from ..periods import since_midnight
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
    collector: Annotated[Collector, Depends(of)],
    period: Period = "7d",
    criterion: Criterion = Criterion.GWP,
    org_unit: Annotated[str, Query(max_length=400)] = "",
) -> HTMLResponse:
    """The overview of the fleet, or of an org unit and what is below it."""
    span = since_midnight(collector.now(), collector.zone, DAYS[period])
    query = footprints.Query(span, criterion, org_unit=org_unit or None)
    figures = footprints.figures(collector, query)
    total = figures.total()
    devices = figures.known
    shown = bars(figures.greatest_devices(MAX_DEVICES), {str(key): found for key, found in devices.items()})
    values = {
        "span": span,
        "total": total,
        "stages": stage_views(figures.rows("stage")),
        "categories": bars(figures.rows("category")),
        "units": bars(figures.rows("org_unit", below=top(devices.values(), org_unit))),
        "devices": shown,
        "more": len(figures.in_service()) - len(shown),
        "count": len(devices),
        "measuring": measuring(collector, devices.values()),
        "virtual": sum(is_virtual(device) for device in devices.values()),
        "simulated": total.simulated,
        "org_unit": org_unit,
        "crumbs": _crumbs(org_unit),
        "title": title,
        "periods": [(_link(request, period=key), title, key == period) for key, title in PERIODS.items()],
        "criteria": [
            (_link(request, criterion=key), title, key == criterion) for key, title in CRITERIA.items()
        ],
        "link": lambda unit: _link(request, org_unit=unit),
        "here": urlencode({"period": period, "criterion": criterion}),
        "api": "/v1/footprint?" + urlencode(_api(span.first, span.last, criterion, org_unit)),
    }
    return respond(request, collector, "overview.html", values)


def _api(first: int, last: int, criterion: Criterion, org_unit: str) -> dict[str, str]:
    asked = {"from": str(first), "to": str(last), "criterion": str(criterion), "group_by": "device"}
    return asked | ({"org_unit": org_unit} if org_unit else {})


def _link(request: Request, **changed: str) -> str:
    """This page with some of its parameters changed."""
    kept = {key: value for key, value in request.query_params.items() if key != "lang"}
    asked = {key: value for key, value in (kept | changed).items() if value}
    return "/?" + urlencode(asked) if asked else "/"


def _crumbs(path: str) -> list[tuple[str, str]]:
    """Names and paths of an org unit and all above it, the highest first."""
    names = path.split("/") if path else []
    return [(name, "/".join(names[: i + 1])) for i, name in enumerate(names)]

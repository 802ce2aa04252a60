"""`/`: the fleet's footprint at a glance: by stage, unit and category, its trend, what changed and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion

from .. import footprints
from ..agents import measuring
from ..chosen_period import Chosen, Kind, chosen
from ..collector import Collector, aggregates
from ..devices import devices
from ..hardware import is_virtual
from ..i18n import mark
from ..periods import Interval
from ..reports.changes import between
from ..scope import Scope
from ..small_groups import Guard
from ..titles import CHANGES, CRITERIA, STAGES, WHY, title
from ..views import bars, stage_views, top
from .rendering import respond
from .trend import Trend, trend

router = APIRouter(include_in_schema=False)
Period = Literal["today", "7d", "30d"]
DAYS: dict[Period, int] = {"today": 1, "7d": 7, "30d": 30}
PERIODS: dict[Period, str] = {"today": mark("Today"), "7d": mark("7 days"), "30d": mark("30 days")}
KINDS: dict[Kind, str] = {
    "today": mark("Today"),
    "7d": mark("7 days"),
    "week": mark("Week"),
    "month": mark("Month"),
    "year": mark("Year"),
    "own": mark("Own days"),
}
NEAREST: dict[Kind, Period] = {"today": "today", "7d": "7d", "week": "7d"}
MAX_DEVICES = 10


@router.get("/", response_class=HTMLResponse)
def overview(
    request: Request,
    collector: Annotated[Collector, Depends(aggregates)],
    period: Kind = "7d",
    at: Annotated[str, Query(max_length=10)] = "",
    begin: Annotated[str, Query(alias="from", max_length=10)] = "",
    end: Annotated[str, Query(alias="to", max_length=10)] = "",
    criterion: Criterion = Criterion.GWP,
    org_unit: Annotated[str, Query(max_length=400)] = "",
) -> HTMLResponse:
    """The overview of the fleet, or of an org unit and what is below it."""
    asked = chosen(period, at, begin, end, collector.zone, collector.now())
    org_unit = org_unit or collector.scope.root or ""
    query = footprints.Query(asked.span, criterion, org_unit=org_unit or None)
    values = {
        **_footprint(collector, query, asked, org_unit),
        **_choices(collector, asked, begin, end),
        "asked": asked,
        "span": asked.span,
        "criterion": criterion,
        "org_unit": org_unit,
        "crumbs": crumbs(org_unit, collector.scope),
        "scope_root": collector.scope.root,
        "title": title,
        "link": lambda unit: _link(request, org_unit=unit),
        "at": lambda name: _link(request, at=name),
        "here": urlencode({"period": NEAREST.get(period, "30d"), "criterion": criterion}),
        "api": "/v1/footprint?" + urlencode(_api(query, collector.scope)),
    }
    return respond(request, collector, "overview.html", values)


def _footprint(collector: Collector, query: footprints.Query, asked: Chosen, org_unit: str) -> dict[str, Any]:
    """What the page tells of the period."""
    figures = footprints.figures(collector, query)
    before, after = (
        footprints.figures(collector, replace(query, span=span)) for span in (asked.before, asked.after)
    )
    total, sees_devices, devices = figures.total(), figures.guard is None, figures.known
    shown = bars(figures.greatest_devices(MAX_DEVICES), {str(key): found for key, found in devices.items()})
    return {
        "total": total,
        "moved": between(before, after),
        "change_titles": CHANGES,
        "change_reasons": WHY,
        "trend": _trend(collector, query, asked.interval),
        "stages_of_life": {str(stage): name for stage, name in STAGES.items()},
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
        "sees_devices": sees_devices,
        "units_to_choose": _units(collector, figures.guard),
    }


def _trend(collector: Collector, query: footprints.Query, interval: Interval | None) -> Trend | None:
    if interval is None:
        return None
    return trend(footprints.figures(collector, replace(query, interval=interval)), interval)


def _choices(collector: Collector, asked: Chosen, begin: str, end: str) -> dict[str, Any]:
    """What the form offers."""
    days = (datetime.fromtimestamp(at, collector.zone) for at in (asked.span.first, asked.span.last - 1))
    first, last = (day.date().isoformat() for day in days)
    return {
        "kinds": KINDS if asked.kind in KINDS else {asked.kind: PERIODS["30d"]} | KINDS,
        "own": {"first": begin or first, "last": end or last},
        "criteria": CRITERIA,
    }


def _units(collector: Collector, guard: Guard | None) -> list[str]:
    """Org units that have devices and those above them, of those that may be shown."""
    if guard is not None:
        known = set(guard.tree.shown) - {""}
    else:
        names = {found.org_unit: found.org_unit.split("/") for found in devices(collector.store).values()}
        known = {"/".join(path[: depth + 1]) for path in names.values() for depth in range(len(path))}
    return sorted(unit for unit in known if unit != collector.scope.root and collector.scope.covers(unit))


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

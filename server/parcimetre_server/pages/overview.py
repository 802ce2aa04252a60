"""`/`: the fleet's footprint at a glance: by stage, unit and category, its trend, what changed and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion

from ..access.answer_cache import whole
from ..access.context import Collector, aggregates
from ..access.disclosure import Guard
from ..agents import measuring
from ..base.i18n import mark
from ..base.periods import Span
from ..base.scope import Scope
from ..chosen_period import Chosen, Kind, chosen
from ..fleet.devices import devices
from ..fleet.hardware import is_virtual
from ..footprint import compute, result
from ..footprint.query import Query as FootprintQuery
from ..presentation.labels import CHANGES, CRITERIA, STAGES, WHY, title
from ..reports.changes import between
from ..views import bars, stage_views, top
from .rendering import respond
from .trend import trend_of

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
MANY = 1000


@dataclass(frozen=True)
class Asked:
    """What a reader asks the page for; the first page as it stands."""

    period: Kind = "7d"
    at: str = ""
    begin: str = ""
    end: str = ""
    criterion: Criterion = Criterion.GWP
    org_unit: str = ""


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
    asked = Asked(period, at, begin, end, criterion, org_unit or collector.scope.root or "")
    moment = collector.moments.tell((collector.scope, asked), collector, lambda: _told(collector, asked))
    span: Span = moment.told["span"]
    query = FootprintQuery(span, criterion, org_unit=asked.org_unit or None)
    values = {
        **moment.told,
        "criterion": criterion,
        "org_unit": asked.org_unit,
        "as_of": moment.at if moment.kept else None,
        "crumbs": crumbs(asked.org_unit, collector.scope),
        "scope_root": collector.scope.root,
        "title": title,
        "change_titles": CHANGES,
        "change_reasons": WHY,
        "stages_of_life": {str(stage): name for stage, name in STAGES.items()},
        "criteria": CRITERIA,
        "link": lambda unit: _link(request, org_unit=unit),
        "at": lambda name: _link(request, at=name),
        "here": urlencode({"period": NEAREST.get(period, "30d"), "criterion": criterion}),
        "api": "/v1/footprint?" + urlencode(_api(query, collector.scope)),
    }
    return respond(request, collector, "overview.html", values)


def prepare(collector: Collector) -> None:
    """Have the first page of a large fleet ready, so that nobody waits for it."""
    if _is_large(collector):
        first = Asked()
        collector.moments.renew((collector.scope, first), collector, lambda: _told(collector, first))


def _is_large(collector: Collector) -> bool:
    """Whether the fleet has so many devices that what is told of it, or of a part, is kept for a while."""
    return len(devices(whole(collector.store))) >= MANY


def _told(collector: Collector, asked: Asked) -> tuple[dict[str, Any], bool]:
    """What the page tells at a moment, and whether it may be kept."""
    period = chosen(asked.period, asked.at, asked.begin, asked.end, collector.zone, collector.now())
    query = FootprintQuery(period.span, asked.criterion, org_unit=asked.org_unit or None)
    figures = compute.figures(collector, query)
    before, after = (
        compute.figures(collector, replace(query, span=span)) for span in (period.before, period.after)
    )
    told = {
        "asked": period,
        "span": period.span,
        "moved": between(before, after),
        "trend": trend_of(collector, replace(query, interval=period.interval)) if period.interval else None,
        "units_to_choose": _units(collector, figures.guard),
        **_groups(collector, figures, asked.org_unit),
        **_choices(collector, period, asked),
    }
    return told, _is_large(collector)


def _groups(collector: Collector, figures: result.Figures, org_unit: str) -> dict[str, Any]:
    """The period's total, and what it is made of."""
    total, sees_devices, known = figures.total(), figures.guard is None, figures.known
    shown = bars(figures.greatest_devices(MAX_DEVICES), {str(key): found for key, found in known.items()})
    return {
        "total": total,
        "stages": stage_views(figures.rows("stage")),
        "categories": bars(figures.rows_if_allowed("category")),
        "units": bars(figures.rows("org_unit", below=top(known.values(), org_unit))),
        "devices": shown,
        "more": len(figures.in_service()) - len(shown) if sees_devices else 0,
        "count": figures.count,
        "withheld": figures.withheld,
        "left_out": figures.left_out if sees_devices else (),
        "measuring": measuring(collector, known.values()) if sees_devices else None,
        "virtual": sum(is_virtual(device) for device in known.values()) if sees_devices else 0,
        "simulated": total.simulated,
        "sees_devices": sees_devices,
    }


def _choices(collector: Collector, period: Chosen, asked: Asked) -> dict[str, Any]:
    """What the form offers."""
    days = (datetime.fromtimestamp(at, collector.zone) for at in (period.span.first, period.span.last - 1))
    first, last = (day.date().isoformat() for day in days)
    return {
        "kinds": KINDS if period.kind in KINDS else {period.kind: PERIODS["30d"]} | KINDS,
        "own": {"first": asked.begin or first, "last": asked.end or last},
    }


def _units(collector: Collector, guard: Guard | None) -> list[str]:
    """Org units that have devices and those above them, of those that may be shown."""
    if guard is not None:
        known = set(guard.tree.shown) - {""}
    else:
        names = {found.org_unit: found.org_unit.split("/") for found in devices(collector.store).values()}
        known = {"/".join(path[: depth + 1]) for path in names.values() for depth in range(len(path))}
    return sorted(unit for unit in known if unit != collector.scope.root and collector.scope.covers(unit))


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

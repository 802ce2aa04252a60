"""The overview of a fleet as plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from parcimetre_factors.criteria import Criterion

from ..access.answer_cache import whole
from ..access.context import Context
from ..access.disclosure import DisclosureControl
from ..base.i18n import N_
from ..fleet.devices import devices
from ..fleet.hardware import is_virtual
from ..footprint import compute, result
from ..footprint.query import FootprintQuery
from .agent_health import measuring_cost
from .bars import bars, lowest_common_unit, stage_shares
from .changes import compare_results
from .period_choice import ChosenPeriod, Kind, choose_period
from .trend import trend_of

Period = Literal["today", "7d", "30d"]
DAYS: dict[Period, int] = {"today": 1, "7d": 7, "30d": 30}
PERIODS: dict[Period, str] = {"today": N_("Today"), "7d": N_("7 days"), "30d": N_("30 days")}
KINDS: dict[Kind, str] = {
    "today": N_("Today"),
    "7d": N_("7 days"),
    "week": N_("Week"),
    "month": N_("Month"),
    "year": N_("Year"),
    "own": N_("Own days"),
}
MAX_DEVICES = 10
MANY = 1000


@dataclass(frozen=True)
class OverviewRequest:
    """What a reader asks the page for; the first page as it stands."""

    period: Kind = "7d"
    at: str = ""
    begin: str = ""
    end: str = ""
    criterion: Criterion = Criterion.GWP
    org_unit: str = ""


def refresh_cached_overview(context: Context) -> None:
    """Have the first page of a large fleet ready, so that nobody waits for it."""
    if _is_large(context):
        first = OverviewRequest()
        context.moments.renew((context.scope, first), context, lambda: compute_overview(context, first))


def _is_large(context: Context) -> bool:
    """Whether the fleet has so many devices that what is told of it, or of a part, is kept for a while."""
    return len(devices(whole(context.store))) >= MANY


def compute_overview(context: Context, asked: OverviewRequest) -> tuple[dict[str, Any], bool]:
    """What the page tells at a moment, and whether it may be kept."""
    period = choose_period(asked.period, asked.at, asked.begin, asked.end, context.zone, context.now())
    query = FootprintQuery(period.span, asked.criterion, org_unit=asked.org_unit or None)
    figures = compute.compute_footprint(context, query)
    before, after = (
        compute.compute_footprint(context, replace(query, span=span))
        for span in (period.before, period.after)
    )
    told = {
        "asked": period,
        "span": period.span,
        "moved": compare_results(before, after),
        "trend": trend_of(context, replace(query, interval=period.interval)) if period.interval else None,
        "units_to_choose": _units(context, figures.guard),
        **_groups(context, figures, asked.org_unit),
        **_choices(context, period, asked),
    }
    return told, _is_large(context)


def _groups(context: Context, figures: result.FootprintResult, org_unit: str) -> dict[str, Any]:
    """The period's total, and what it is made of."""
    total, sees_devices, known = figures.total(), figures.guard is None, figures.known
    shown = bars(figures.greatest_devices(MAX_DEVICES), {str(key): found for key, found in known.items()})
    return {
        "total": total,
        "stages": stage_shares(figures.rows("stage")),
        "categories": bars(figures.rows_if_allowed("category")),
        "units": bars(figures.rows("org_unit", below=lowest_common_unit(known.values(), org_unit))),
        "devices": shown,
        "more": len(figures.in_service()) - len(shown) if sees_devices else 0,
        "count": figures.count,
        "withheld": figures.withheld,
        "left_out": figures.left_out if sees_devices else (),
        "measuring": measuring_cost(context, known.values()) if sees_devices else None,
        "virtual": sum(is_virtual(device) for device in known.values()) if sees_devices else 0,
        "simulated": total.simulated,
        "sees_devices": sees_devices,
    }


def _choices(context: Context, period: ChosenPeriod, asked: OverviewRequest) -> dict[str, Any]:
    """What the form offers."""
    days = (datetime.fromtimestamp(at, context.zone) for at in (period.span.first, period.span.last - 1))
    first, last = (day.date().isoformat() for day in days)
    return {
        "kinds": KINDS if period.kind in KINDS else {period.kind: PERIODS["30d"]} | KINDS,
        "own": {"first": asked.begin or first, "last": asked.end or last},
    }


def _units(context: Context, guard: DisclosureControl | None) -> list[str]:
    """Org units that have devices and those above them, of those that may be shown."""
    if guard is not None:
        known = set(guard.tree.shown) - {""}
    else:
        names = {found.org_unit: found.org_unit.split("/") for found in devices(context.store).values()}
        known = {"/".join(path[: depth + 1]) for path in names.values() for depth in range(len(path))}
    return sorted(unit for unit in known if unit != context.scope.root and context.scope.covers(unit))

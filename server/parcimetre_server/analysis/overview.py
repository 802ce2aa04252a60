"""Overview of a fleet: its total, what it is made of, its trend and its changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from parcimetre_factors.criteria import Criterion

from ..access.answer_cache import CachedAnswer, get_or_compute, recompute
from ..access.context import Context
from ..access.disclosure import DisclosureControl
from ..access.scoped_store import whole
from ..base.periods import Span
from ..base.scope import Scope
from ..fleet.device import Device
from ..fleet.devices import devices
from ..fleet.hardware import is_virtual
from ..footprint.compute import compute_footprint, shown_days
from ..footprint.query import FootprintQuery, FootprintRow
from ..organisation.left_out import LeftOut, collect_left_out
from .agent_health import MeasuringCost, measuring_cost
from .bars import Bar, StageShare, bars, lowest_common_unit, stage_shares
from .changes import Changes, compare_results
from .left_out import visible_left_out
from .period_choice import ChosenPeriod, Kind, choose_period
from .trend import Trend, trend_of

MOST_DEVICES = 10
LARGE_FLEET = 1000


@dataclass(frozen=True)
class OverviewRequest:
    """Period, criterion and org unit of an overview; the defaults are those of the first page."""

    period: Kind = "7d"
    at: str = ""
    begin: str = ""
    end: str = ""
    criterion: Criterion = Criterion.GWP
    org_unit: str = ""


@dataclass(frozen=True)
class Overview:
    """An overview; what concerns single devices is empty for readers who see sums of groups only.

    `span` is what the figures cover: viewers are shown whole days. `more` is the number of devices beyond
    those listed, `left_out` the monitors that are not counted, and `unusable` the devices whose data cannot
    be used.
    """

    period: ChosenPeriod
    span: Span
    total: FootprintRow
    changes: Changes | None
    trend: Trend | None
    stages: list[StageShare]
    categories: list[Bar]
    units: list[Bar]
    devices: list[Bar]
    more: int
    count: int
    withheld: bool
    sees_devices: bool
    left_out: tuple[Device, ...]
    measuring: MeasuringCost | None
    virtual: int
    org_units: list[str]
    unusable: tuple[LeftOut, ...] = ()


def cached_overview(
    context: Context, request: OverviewRequest, large_fleet: int = LARGE_FLEET
) -> CachedAnswer:
    """Return an overview, from the answer cache where the fleet has `large_fleet` devices or more."""
    compute = partial(_cacheable_overview, context, request, large_fleet)
    return get_or_compute(context.answers, context.question(request), context.store, context.now(), compute)


def refresh_cached_overview(context: Context, large_fleet: int = LARGE_FLEET) -> None:
    """Compute the first page of a large fleet anew, so that no reader waits for it."""
    if is_large(context, large_fleet):
        request, reader = OverviewRequest(), context.within(Scope())
        compute = partial(_cacheable_overview, reader, request, large_fleet)
        recompute(reader.answers, reader.question(request), reader.store, reader.now(), compute)


def _cacheable_overview(
    context: Context, request: OverviewRequest, large_fleet: int
) -> tuple[Overview, bool]:
    """Return an overview, and whether to cache it."""
    with collect_left_out() as collected:
        overview = compute_overview(context, request)
    unusable = visible_left_out(context, collected)
    return replace(overview, unusable=unusable), is_large(context, large_fleet)


def is_large(context: Context, large_fleet: int) -> bool:
    """Whether the whole fleet has so many devices that overviews are cached."""
    return len(devices(whole(context.store))) >= large_fleet


def compute_overview(context: Context, request: OverviewRequest) -> Overview:
    """Return the overview of a period. Raises BadPeriod, and NotAllowed for too small an org unit."""
    shown = request.period if request.period != "today" or context.scope.sees_devices else "7d"
    period = choose_period(shown, request.at, request.begin, request.end, context.zone, context.now())
    query = FootprintQuery(period.span, request.criterion, org_unit=request.org_unit or None)
    query = shown_days(context, query) or query
    period = replace(period, span=query.span)
    result = compute_footprint(context, query).checked()
    before, after = (
        compute_footprint(context, replace(query, span=span)) for span in (period.before, period.after)
    )
    by_id = result.devices_by_id
    sees_devices = result.disclosure is None
    greatest = bars(
        result.greatest_devices(MOST_DEVICES), {str(device_id): device for device_id, device in by_id.items()}
    )
    return Overview(
        period=period,
        span=result.span,
        total=result.total(),
        changes=compare_results(before, after),
        trend=trend_of(context, replace(query, interval=period.interval)) if period.interval else None,
        stages=stage_shares(result.rows("stage")),
        categories=bars(result.rows("category")),
        units=bars(result.rows("org_unit", below=lowest_common_unit(by_id.values(), request.org_unit))),
        devices=greatest,
        more=len(result.in_service()) - len(greatest) if sees_devices else 0,
        count=result.count,
        withheld=result.withheld,
        sees_devices=sees_devices,
        left_out=result.left_out if sees_devices else (),
        measuring=measuring_cost(context, by_id.values()) if sees_devices else None,
        virtual=_virtual(by_id.values()) if sees_devices else 0,
        org_units=_org_units(context, result.disclosure),
    )


def _virtual(found: Iterable[Device]) -> int:
    return sum(is_virtual(device) for device in found)


def _org_units(context: Context, disclosure: DisclosureControl | None) -> list[str]:
    """Org units with devices and those above them, of those that may be shown."""
    if disclosure is not None:
        units = set(disclosure.units)
    else:
        paths = {device.org_unit: device.org_unit.split("/") for device in devices(context.store).values()}
        units = {"/".join(path[: depth + 1]) for path in paths.values() for depth in range(len(path))}
    return sorted(unit for unit in units if unit != context.scope.root and context.scope.covers(unit))

"""Weekly report: the footprint of an ISO week, its changes, recommendations and printing, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet

from ..access.context import Context
from ..access.presence import is_midnight
from ..analysis.bars import lowest_common_unit
from ..analysis.changes import compare_results
from ..analysis.idle_use import IdlePattern, IdleUseObserver, visible_patterns
from ..analysis.left_out import visible_left_out
from ..analysis.recommendations import Action, recommend_actions
from ..base.periods import DAY_S, Span, cut, week_span, weeks_later
from ..base.scope import Scope
from ..fleet.device import Device
from ..fleet.hardware import is_virtual
from ..fleet.printing import consumables
from ..footprint.compute import compute_footprint, shown_days
from ..footprint.query import FootprintQuery, FootprintRow
from ..footprint.result import FootprintResult
from ..grid.supply_contracts import contracts
from ..organisation.left_out import LeftOut, collect_left_out
from ..store.records import DeviceId
from .content import NamedDevice, State, WeeklyReport

TOP = 10
SETTLED_S = 28 * DAY_S


@dataclass(frozen=True)
class WeekResults:
    """Footprints of a week, of the week before and by day, and the idle patterns of the week.

    `earlier` are the first two with the factor set that the week before was published with, if another.
    """

    week: FootprintResult
    previous: FootprintResult
    by_day: FootprintResult
    idle_patterns: tuple[IdlePattern, ...]
    earlier: tuple[FootprintResult, FootprintResult] | None
    left_out: Mapping[DeviceId, LeftOut] = field(default_factory=dict)

    def withheld_where_hidden(self) -> WeekResults:
        """Return the results without any figure where nothing may be shown of the org unit asked for."""
        return replace(self, week=self.week.withheld_where_hidden())

    def redacted_for(self, scope: Scope) -> WeekResults:
        """Return the results for a reader of a scope who may see devices."""

        def redacted(result: FootprintResult) -> FootprintResult:
            """One of the results, of the scope's devices."""
            return (result if scope.root is None else result.within(scope.root)).redacted_for(scope)

        week = redacted(self.week)
        span = Span(*week.periods.edges[[0, -1]].tolist())
        return WeekResults(
            week,
            redacted(self.previous),
            redacted(self.by_day),
            tuple(visible_patterns(week.devices_by_id, self.idle_patterns, span)),
            None if self.earlier is None else (redacted(self.earlier[0]), redacted(self.earlier[1])),
            self.left_out,
        )


def compute_week(
    context: Context, week: str, org_unit: str | None = None, factors_before: FactorSet | None = None
) -> WeekResults:
    """Compute the results of a week's report; `factors_before` is the factor set that the week before was
    published with. Raises BadPeriod.
    """
    span, before = _spans(context, week)
    query = FootprintQuery(span, Criterion.GWP, "total", org_unit)
    observer = IdleUseObserver(span, context.zone)
    with collect_left_out() as left_out:
        result = compute_footprint(context, query, observer.observe)
        return WeekResults(
            result,
            compute_footprint(context, replace(query, span=before)),
            compute_footprint(context, replace(query, interval="day")),
            tuple(observer.patterns(result.devices_by_id if result.disclosure is None else result.members)),
            None if factors_before is None else _with_factors(context, factors_before, query, before),
            left_out,
        )


def weekly_report(
    context: Context, week: str, org_unit: str | None = None, results: WeekResults | None = None
) -> WeeklyReport:
    """Return the report of an ISO week in the organisation's time zone, from `results` if given.

    Raises BadPeriod.
    """
    span, _ = _spans(context, week)
    results = results or compute_week(context, week, org_unit)
    with collect_left_out() as left_out:
        printing = _printing(context, span, org_unit)
    result, previous = results.week.checked(), results.previous
    in_service, devices = result.in_service(), result.devices_by_id
    below = lowest_common_unit(devices.values(), org_unit or "")
    sees_devices = result.disclosure is None
    return WeeklyReport(
        week=week,
        span=span,
        org_unit=org_unit,
        state=_state(span, context.now()),
        devices=len(in_service) if sees_devices else result.count,
        virtual=sum(map(is_virtual, in_service)) if sees_devices else 0,
        total=result.total(),
        market=_market(context, span, org_unit),
        previous=previous.total(),
        changes=compare_results(previous, result, results.earlier),
        by_unit=_greatest(result.rows("org_unit", below=below)),
        by_category=_greatest(result.rows("category")),
        by_stage=tuple(result.rows("stage")),
        by_power_source=_greatest(result.rows("power_source")),
        by_day=tuple(results.by_day.rows()),
        actions=_actions(context, results, below),
        eur_per_kwh=context.settings.eur_per_kwh,
        greatest=tuple((_named(devices[DeviceId(row.group)]), row) for row in result.greatest_devices(TOP)),
        factor_set=context.factors.id,
        withheld=result.withheld,
        printing=printing,
        left_out=visible_left_out(context, {**results.left_out, **left_out}),
    )


def _printing(context: Context, span: Span, org_unit: str | None) -> tuple[consumables.ConsumablesRow, ...]:
    """Paper and toner by org unit; none for readers who see sums of groups only."""
    if not context.scope.sees_devices:
        return ()
    return tuple(
        consumables.consumption(context, consumables.ConsumablesQuery(span, org_unit=org_unit), "org_unit")
    )


def _spans(context: Context, week: str) -> tuple[Span, Span]:
    """The week, and the part of the week before that it is compared with: as many days as are shown."""
    zone, now = context.zone, context.now()
    span, before = week_span(week, zone), week_span(weeks_later(week, -1, zone), zone)
    whole_s = before.last - before.first
    if now >= span.last:
        return span, before
    if not context.scope.sees_devices:
        days = datetime.fromtimestamp(now, zone).weekday()
        return span, Span(before.first, int(cut(before, "day", zone).edges[max(days, 1)]))
    elapsed_s = min(max(now // SLOT_S * SLOT_S + SLOT_S - span.first, SLOT_S), whole_s)
    shown = shown_days(context, FootprintQuery(Span(span.first, span.first + elapsed_s)))
    over = int(np.searchsorted(cut(span, "day", zone).edges, shown.span.last)) if shown else 0
    if shown and is_midnight(shown.span.last, zone):
        return span, Span(before.first, int(cut(before, "day", zone).edges[over]))
    same = Span(before.first, before.first + elapsed_s)
    if shown_days(context, FootprintQuery(same)) is None:
        return span, Span(before.first, int(cut(before, "day", zone).edges[max(over - 1, 1)]))
    return span, same


def _state(span: Span, now: int) -> State:
    if now < span.last:
        return "running"
    return "provisional" if now < span.last + SETTLED_S else "final"


def _with_factors(
    context: Context, factors: FactorSet, query: FootprintQuery, before: Span
) -> tuple[FootprintResult, FootprintResult] | None:
    """Both weeks with another factor set, None where it is the present one."""
    if factors.id == context.factors.id:
        return None
    then = replace(context, factors=factors)
    return compute_footprint(then, replace(query, span=before)), compute_footprint(then, query)


def _actions(context: Context, results: WeekResults, below: str) -> tuple[Action, ...]:
    week = results.week
    by_id = week.devices_by_id if week.disclosure is None else week.members
    own = [pattern for pattern in results.idle_patterns if _is_present(pattern.device, by_id)]
    return recommend_actions(own, context.settings.eur_per_kwh, TOP, week.disclosure, below)


def _is_present(device: Device, by_id: Mapping[DeviceId, Device]) -> bool:
    """Whether a device's last placement within the result is at the same org unit."""
    last = by_id.get(device.id)
    return last is not None and last.org_unit == device.org_unit


def _named(device: Device) -> NamedDevice:
    return NamedDevice(
        device.id, device.name, device.category, device.org_unit, device.simulated, device.virtual
    )


def _market(context: Context, span: Span, org_unit: str | None) -> FootprintRow | None:
    """The market-based total, where a contract covers some of the electricity."""
    if not contracts(context.store):
        return None
    row = compute_footprint(context, FootprintQuery(span, org_unit=org_unit, electricity="market")).total()
    return row if any("contract" in tiers for tiers in row.grid_tiers.values()) else None


def _greatest(rows: list[FootprintRow]) -> tuple[FootprintRow, ...]:
    return tuple(sorted(rows, key=lambda row: row.value or 0.0, reverse=True))

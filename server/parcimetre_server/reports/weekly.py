"""What the weekly report says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet

from ..access.context import Context
from ..analysis.bars import lowest_common_unit
from ..analysis.changes import compare_results
from ..analysis.idle_use import IdlePattern, IdleUseObserver, visible_patterns
from ..analysis.recommendations import Action, recommend_actions
from ..base.periods import DAY_S, Span, week_span, weeks_later
from ..base.scope import Scope
from ..fleet.device import Device
from ..fleet.hardware import is_virtual
from ..fleet.printing import consumables
from ..footprint.compute import compute_footprint
from ..footprint.query import FootprintQuery, FootprintRow
from ..footprint.redaction import disclosure_control
from ..footprint.result import FootprintResult
from ..grid.supply_contracts import contracts
from ..store.records import DeviceId
from .content import Named, State, WeeklyReport

TOP = 10
SETTLED_S = 28 * DAY_S


@dataclass(frozen=True)
class WeekResults:
    """What a week's report rests on: figures of the week, of the one before and by day, and habits.

    `then` are the first two with the factors that the week before was published with, if those were others.
    """

    found: FootprintResult
    previous: FootprintResult
    by_day: FootprintResult
    habits: tuple[IdlePattern, ...]
    then: tuple[FootprintResult, FootprintResult] | None

    def seen_by(self, scope: Scope, standing: Sequence[str]) -> WeekResults:
        """The same for a reader of a scope, of its part of the fleet, whose devices are at `standing` now."""
        guard = None if scope.sees_devices else disclosure_control(scope, scope.root, standing)

        def seen(known: FootprintResult) -> FootprintResult:
            """Some of the figures, cut so."""
            part = known if scope.root is None else known.within(scope.root)
            return part.seen_by(scope, guard)

        found = seen(self.found)
        return WeekResults(
            found,
            seen(self.previous),
            seen(self.by_day),
            tuple(visible_patterns(found.known, self.habits, Span(*found.periods.edges[[0, -1]].tolist()))),
            None if self.then is None else (seen(self.then[0]), seen(self.then[1])),
        )


def compute_week(
    context: Context, week: str, org_unit: str | None = None, earlier: FactorSet | None = None
) -> WeekResults:
    """Look up what the report of a week rests on; `earlier` is the factor set that the week before was
    published with. Raises BadPeriod.
    """
    span, before = _spans(context, week)
    asked = FootprintQuery(span, Criterion.GWP, "total", org_unit)
    seen = IdleUseObserver(span, context.zone)
    found = compute_footprint(context, asked, seen.watch)
    return WeekResults(
        found,
        compute_footprint(context, replace(asked, span=before)),
        compute_footprint(context, replace(asked, interval="day")),
        tuple(seen.of(found.known)),
        None if earlier is None else _then(context, earlier, asked, before),
    )


def weekly_report(
    context: Context, week: str, org_unit: str | None = None, looked: WeekResults | None = None
) -> WeeklyReport:
    """The report of an ISO week, in the organisation's time zone, from what was `looked` up if it was.

    Raises BadPeriod.
    """
    span, _ = _spans(context, week)
    looked = looked or compute_week(context, week, org_unit)
    found, previous = looked.found, looked.previous
    counted, devices = found.in_service(), found.known
    below = lowest_common_unit(devices.values(), org_unit or "")
    return WeeklyReport(
        week=week,
        span=span,
        org_unit=org_unit,
        state=_state(span, context.now()),
        devices=len(counted) if found.guard is None else found.count,
        virtual=sum(map(is_virtual, counted)) if found.guard is None else 0,
        total=found.total(),
        market=_market(context, span, org_unit),
        previous=previous.total(),
        changes=compare_results(previous, found, looked.then),
        by_unit=_greatest(found.rows("org_unit", below=below)),
        by_category=_greatest(found.rows_if_allowed("category")),
        by_stage=tuple(found.rows("stage")),
        by_power_source=_greatest(found.rows_if_allowed("power_source")),
        by_day=tuple(looked.by_day.rows()),
        actions=_actions(context, looked, below),
        eur_per_kwh=context.settings.eur_per_kwh,
        greatest=tuple((_named(devices[DeviceId(row.group)]), row) for row in found.greatest_devices(TOP)),
        factor_set=context.factors.id,
        withheld=found.withheld,
        printing=_printing(context, span, org_unit),
    )


def _printing(context: Context, span: Span, org_unit: str | None) -> tuple[consumables.ConsumablesRow, ...]:
    """Paper and toner by org unit; none for who may see sums of groups only."""
    if not context.scope.sees_devices:
        return ()
    return tuple(
        consumables.consumption(context, consumables.ConsumablesQuery(span, org_unit=org_unit), "org_unit")
    )


def _spans(context: Context, week: str) -> tuple[Span, Span]:
    """The week, and the part of the one before that a running week is compared with."""
    zone, now = context.zone, context.now()
    span, before = week_span(week, zone), week_span(weeks_later(week, -1, zone), zone)
    whole_s = before.last - before.first
    if now >= span.last:
        return span, before
    seen_s = min(max(now // SLOT_S * SLOT_S + SLOT_S - span.first, SLOT_S), whole_s)
    return span, Span(before.first, before.first + seen_s)


def _state(span: Span, now: int) -> State:
    if now < span.last:
        return "running"
    return "provisional" if now < span.last + SETTLED_S else "final"


def _then(
    context: Context, earlier: FactorSet, asked: FootprintQuery, before: Span
) -> tuple[FootprintResult, FootprintResult] | None:
    """Both weeks with the factors that the week before was published with, where they are not the present."""
    if earlier.id == context.factors.id:
        return None
    then = replace(context, factors=earlier)
    return compute_footprint(then, replace(asked, span=before)), compute_footprint(then, asked)


def _actions(context: Context, looked: WeekResults, below: str) -> tuple[Action, ...]:
    found = looked.found
    own = [habit for habit in looked.habits if _is_of(habit.device, found.known)]
    return recommend_actions(own, context.settings.eur_per_kwh, TOP, found.guard, below)


def _is_of(device: Device, known: Mapping[DeviceId, Device]) -> bool:
    """Whether a device is at one of these org units now, and did not just leave it."""
    found = known.get(device.id)
    return found is not None and found.org_unit == device.org_unit


def _named(device: Device) -> Named:
    return Named(device.id, device.name, device.category, device.org_unit, device.simulated, device.virtual)


def _market(context: Context, span: Span, org_unit: str | None) -> FootprintRow | None:
    """The market-based total, where a contract covers some of the electricity."""
    if not contracts(context.store):
        return None
    row = compute_footprint(context, FootprintQuery(span, org_unit=org_unit, electricity="market")).total()
    return row if any("contract" in tiers for tiers in row.grid_tiers.values()) else None


def _greatest(rows: list[FootprintRow]) -> tuple[FootprintRow, ...]:
    return tuple(sorted(rows, key=lambda row: row.value or 0.0, reverse=True))

"""What the weekly report says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.factor import FactorSet

from ..access.context import Collector
from ..analysis.bars import top
from ..analysis.changes import Changes, between
from ..analysis.idle_use import Habit, Habits, seen_by
from ..analysis.recommendations import Action, actions
from ..base.periods import DAY_S, Span, week_span, weeks_later
from ..base.scope import Scope
from ..fleet.device import Device
from ..fleet.hardware import is_virtual
from ..fleet.printing import consumables
from ..footprint.compute import figures
from ..footprint.query import Query, Row
from ..footprint.redaction import guard_of
from ..footprint.result import Figures
from ..grid.supply_contracts import contracts
from ..store.records import DeviceId

TOP = 10
SETTLED_S = 28 * DAY_S
State = Literal["running", "provisional", "final"]


@dataclass(frozen=True)
class Named:
    """What a report says of a single device."""

    id: DeviceId
    name: str
    category: str
    org_unit: str
    simulated: bool
    virtual: str


@dataclass(frozen=True)
class Moved:
    """A figure that is no longer what an earlier edition said, with the name of its group."""

    what: str
    group: str
    before: float
    after: float
    unit: str


@dataclass(frozen=True)
class Restated:
    """The edition that a report takes the place of, and which of its figures moved, the total's first."""

    edition: int
    published_at: int
    moved: tuple[Moved, ...]


@dataclass(frozen=True)
class Weekly:
    """An ISO week of an org unit and all below it.

    `state` is running until the week is over, and provisional while late records are waited for; `previous`
    is the week before, of a running one the same part of it. `withheld` says that there are devices, but too
    few to be shown to the reader; nothing else is told then. `market` is the total by the suppliers'
    contracts, None where none holds in the week. `actions` are worth `eur_per_kwh`. `printing` is paper and
    toner by org unit, in no other figure.
    """

    week: str
    span: Span
    org_unit: str | None
    state: State
    devices: int
    virtual: int
    total: Row
    market: Row | None
    previous: Row
    changes: Changes | None
    by_unit: tuple[Row, ...]
    by_category: tuple[Row, ...]
    by_stage: tuple[Row, ...]
    by_power_source: tuple[Row, ...]
    by_day: tuple[Row, ...]
    actions: tuple[Action, ...]
    eur_per_kwh: float
    greatest: tuple[tuple[Named, Row], ...]
    factor_set: str
    withheld: bool = False
    printing: tuple[consumables.Row, ...] = ()
    restated: Restated | None = None

    @property
    def provisional(self) -> bool:
        """Whether the week is not over."""
        return self.state == "running"

    @property
    def change(self) -> float | None:
        """Change of the total against the week before, of 1; None where there is nothing to compare."""
        return _change(self.total.value, self.previous.value)

    @property
    def energy_change(self) -> float | None:
        """The same of the electricity."""
        return _change(self.total.energy_kwh, self.previous.energy_kwh)

    @property
    def cost_eur(self) -> float:
        """What the electricity cost."""
        return self.total.energy_kwh * self.eur_per_kwh


def _change(now: float | None, before: float | None) -> float | None:
    return now / before - 1 if now is not None and before else None


@dataclass(frozen=True)
class Looked:
    """What a week's report rests on: figures of the week, of the one before and by day, and habits.

    `then` are the first two with the factors that the week before was published with, if those were others.
    """

    found: Figures
    previous: Figures
    by_day: Figures
    habits: tuple[Habit, ...]
    then: tuple[Figures, Figures] | None

    def seen_by(self, scope: Scope, standing: Sequence[str]) -> Looked:
        """The same for a reader of a scope, of its part of the fleet, whose devices are at `standing` now."""
        guard = None if scope.sees_devices else guard_of(scope, scope.root, standing)

        def seen(known: Figures) -> Figures:
            """Some of the figures, cut so."""
            part = known if scope.root is None else known.within(scope.root)
            return part.seen_by(scope, guard)

        found = seen(self.found)
        return Looked(
            found,
            seen(self.previous),
            seen(self.by_day),
            tuple(seen_by(found.known, self.habits, Span(*found.periods.edges[[0, -1]].tolist()))),
            None if self.then is None else (seen(self.then[0]), seen(self.then[1])),
        )


def look(
    collector: Collector, week: str, org_unit: str | None = None, earlier: FactorSet | None = None
) -> Looked:
    """Look up what the report of a week rests on; `earlier` is the factor set that the week before was
    published with. Raises BadPeriod.
    """
    span, before = _spans(collector, week)
    asked = Query(span, Criterion.GWP, "total", org_unit)
    seen = Habits(span, collector.zone)
    found = figures(collector, asked, seen.watch)
    return Looked(
        found,
        figures(collector, replace(asked, span=before)),
        figures(collector, replace(asked, interval="day")),
        tuple(seen.of(found.known)),
        None if earlier is None else _then(collector, earlier, asked, before),
    )


def weekly(
    collector: Collector, week: str, org_unit: str | None = None, looked: Looked | None = None
) -> Weekly:
    """The report of an ISO week, in the organisation's time zone, from what was `looked` up if it was.

    Raises BadPeriod.
    """
    span, _ = _spans(collector, week)
    looked = looked or look(collector, week, org_unit)
    found, previous = looked.found, looked.previous
    counted, devices = found.in_service(), found.known
    below = top(devices.values(), org_unit or "")
    return Weekly(
        week=week,
        span=span,
        org_unit=org_unit,
        state=_state(span, collector.now()),
        devices=len(counted) if found.guard is None else found.count,
        virtual=sum(map(is_virtual, counted)) if found.guard is None else 0,
        total=found.total(),
        market=_market(collector, span, org_unit),
        previous=previous.total(),
        changes=between(previous, found, looked.then),
        by_unit=_greatest(found.rows("org_unit", below=below)),
        by_category=_greatest(found.rows_if_allowed("category")),
        by_stage=tuple(found.rows("stage")),
        by_power_source=_greatest(found.rows_if_allowed("power_source")),
        by_day=tuple(looked.by_day.rows()),
        actions=_actions(collector, looked, below),
        eur_per_kwh=collector.settings.eur_per_kwh,
        greatest=tuple((_named(devices[DeviceId(row.group)]), row) for row in found.greatest_devices(TOP)),
        factor_set=collector.factors.id,
        withheld=found.withheld,
        printing=_printing(collector, span, org_unit),
    )


def _printing(collector: Collector, span: Span, org_unit: str | None) -> tuple[consumables.Row, ...]:
    """Paper and toner by org unit; none for who may see sums of groups only."""
    if not collector.scope.sees_devices:
        return ()
    return tuple(consumables.consumption(collector, consumables.Query(span, org_unit=org_unit), "org_unit"))


def _spans(collector: Collector, week: str) -> tuple[Span, Span]:
    """The week, and the part of the one before that a running week is compared with."""
    zone, now = collector.zone, collector.now()
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
    collector: Collector, earlier: FactorSet, asked: Query, before: Span
) -> tuple[Figures, Figures] | None:
    """Both weeks with the factors that the week before was published with, where they are not the present."""
    if earlier.id == collector.factors.id:
        return None
    then = replace(collector, factors=earlier)
    return figures(then, replace(asked, span=before)), figures(then, asked)


def _actions(collector: Collector, looked: Looked, below: str) -> tuple[Action, ...]:
    found = looked.found
    own = [habit for habit in looked.habits if _is_of(habit.device, found.known)]
    return actions(own, collector.settings.eur_per_kwh, TOP, found.guard, below)


def _is_of(device: Device, known: Mapping[DeviceId, Device]) -> bool:
    """Whether a device is at one of these org units now, and did not just leave it."""
    found = known.get(device.id)
    return found is not None and found.org_unit == device.org_unit


def _named(device: Device) -> Named:
    return Named(device.id, device.name, device.category, device.org_unit, device.simulated, device.virtual)


def _market(collector: Collector, span: Span, org_unit: str | None) -> Row | None:
    """The market-based total, where a contract covers some of the electricity."""
    if not contracts(collector.store):
        return None
    row = figures(collector, Query(span, org_unit=org_unit, electricity="market")).total()
    return row if any("contract" in tiers for tiers in row.grid_tiers.values()) else None


def _greatest(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: row.value or 0.0, reverse=True))


def as_json(report: Weekly) -> dict[str, Any]:
    """The report for machines."""
    rows = {
        name: [asdict(row) for row in getattr(report, name)]
        for name in ("by_unit", "by_category", "by_stage", "by_power_source", "by_day")
    }
    return {
        "week": report.week,
        "from": report.span.first,
        "to": report.span.last,
        "org_unit": report.org_unit,
        "state": report.state,
        "provisional": report.provisional,
        "devices": report.devices,
        "virtual_machines": report.virtual,
        "total": asdict(report.total),
        "total_market": None if report.market is None else asdict(report.market),
        "previous": asdict(report.previous),
        "change": report.change,
        "energy_change": report.energy_change,
        "changes": None if report.changes is None else asdict(report.changes),
        **rows,
        "printing": [asdict(row) for row in report.printing],
        "actions": [asdict(action) for action in report.actions],
        "eur_per_kwh": report.eur_per_kwh,
        "cost_eur": report.cost_eur,
        "greatest": [
            asdict(row) | {"name": device.name, "category": device.category, "org_unit": device.org_unit}
            for device, row in report.greatest
        ],
        "factor_set": report.factor_set,
        "withheld": report.withheld,
        "restated": None if report.restated is None else asdict(report.restated),
    }

"""What the weekly report says, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion

from .. import consumption
from ..collector import Collector
from ..contracts import contracts
from ..devices import Device
from ..footprints import Query, Row, figures
from ..hardware import is_virtual
from ..periods import Span, week_span, weeks_later
from ..store import DeviceId
from ..views import top

TOP = 10


@dataclass(frozen=True)
class Weekly:
    """An ISO week of an org unit and all below it.

    `provisional` says that the week is not over; `previous` is then the same part of the week before.
    `withheld` says that there are devices, but too few to be shown to the reader; nothing else is told then.
    `printing` is paper and toner by org unit, in no other figure.
    `market` is the total by the suppliers' contracts, None where none holds in the week.
    """

    week: str
    span: Span
    org_unit: str | None
    provisional: bool
    devices: int
    virtual: int
    total: Row
    market: Row | None
    previous: Row
    by_unit: tuple[Row, ...]
    by_category: tuple[Row, ...]
    by_stage: tuple[Row, ...]
    by_power_source: tuple[Row, ...]
    by_day: tuple[Row, ...]
    greatest: tuple[tuple[Device, Row], ...]
    factor_set: str
    withheld: bool = False
    printing: tuple[consumption.Row, ...] = ()

    @property
    def change(self) -> float | None:
        """Change of the total against the week before, of 1; None where there is nothing to compare."""
        return _change(self.total.value, self.previous.value)

    @property
    def energy_change(self) -> float | None:
        """The same of the electricity."""
        return _change(self.total.energy_kwh, self.previous.energy_kwh)


def _change(now: float | None, before: float | None) -> float | None:
    return now / before - 1 if now is not None and before else None


def weekly(collector: Collector, week: str, org_unit: str | None = None) -> Weekly:
    """The report of an ISO week, in the organisation's time zone. Raises BadPeriod."""
    zone, now = collector.zone, collector.now()
    span = week_span(week, zone)
    before = week_span(weeks_later(week, -1, zone), zone)
    seen_s = min(max(now // SLOT_S * SLOT_S + SLOT_S - span.first, SLOT_S), before.last - before.first)
    found = figures(collector, Query(span, Criterion.GWP, "total", org_unit))
    days = figures(collector, Query(span, Criterion.GWP, "day", org_unit))
    earlier = Query(Span(before.first, before.first + seen_s), Criterion.GWP, "total", org_unit)
    devices = found.known
    counted = found.in_service()
    return Weekly(
        week=week,
        span=span,
        org_unit=org_unit,
        provisional=now < span.last,
        devices=len(counted) if found.guard is None else found.count,
        virtual=sum(map(is_virtual, counted)) if found.guard is None else 0,
        total=found.total(),
        market=_market(collector, span, org_unit),
        previous=figures(collector, earlier).total(),
        by_unit=_greatest(found.rows("org_unit", below=top(devices.values(), org_unit or ""))),
        by_category=_greatest(found.rows_if_allowed("category")),
        by_stage=tuple(found.rows("stage")),
        by_power_source=_greatest(found.rows_if_allowed("power_source")),
        by_day=tuple(days.rows()),
        greatest=tuple((devices[DeviceId(row.group)], row) for row in found.greatest_devices(TOP)),
        factor_set=collector.factors.id,
        withheld=found.withheld,
        printing=_printing(collector, span, org_unit),
    )


def _printing(collector: Collector, span: Span, org_unit: str | None) -> tuple[consumption.Row, ...]:
    """Paper and toner by org unit; none for who may see sums of groups only."""
    if not collector.scope.sees_devices:
        return ()
    return tuple(consumption.consumption(collector, consumption.Query(span, org_unit=org_unit), "org_unit"))


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
        "provisional": report.provisional,
        "devices": report.devices,
        "virtual_machines": report.virtual,
        "total": asdict(report.total),
        "total_market": None if report.market is None else asdict(report.market),
        "previous": asdict(report.previous),
        "change": report.change,
        "energy_change": report.energy_change,
        **rows,
        "printing": [asdict(row) for row in report.printing],
        "greatest": [
            asdict(row) | {"name": device.name, "category": device.category, "org_unit": device.org_unit}
            for device, row in report.greatest
        ],
        "factor_set": report.factor_set,
        "withheld": report.withheld,
    }

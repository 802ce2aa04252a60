"""Content of the weekly report as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..analysis.changes import Changes
from ..analysis.recommendations import Action
from ..base.periods import Span
from ..fleet.printing import consumables
from ..footprint.query import FootprintRow
from ..organisation.left_out import LeftOut
from ..store.records import DeviceId

State = Literal["running", "provisional", "final"]


@dataclass(frozen=True)
class NamedDevice:
    """A single device in a report."""

    id: DeviceId
    name: str
    category: str
    org_unit: str
    simulated: bool
    virtual: str


@dataclass(frozen=True)
class MovedFigure:
    """A figure that differs from the superseded revision, with the name of its group."""

    what: str
    group: str
    before: float
    after: float
    unit: str


@dataclass(frozen=True)
class Correction:
    """The superseded revision of a report, and its figures that moved, the total's first."""

    edition: int
    published_at: int
    moved: tuple[MovedFigure, ...]


@dataclass(frozen=True)
class WeeklyReport:
    """An ISO week of an org unit and all below it.

    `state` is running until the week is over, and provisional while late records are waited for; `previous`
    is the week before, of a running one the same part of it. `withheld` says that there are devices, but too
    few to be shown to the reader; nothing else is given then. `market` is the total by the suppliers'
    contracts, None where none holds in the week. `actions` are worth `eur_per_kwh`. `printing` is paper and
    toner by org unit, in no other figure. `left_out` are devices whose data cannot be used.
    """

    week: str
    span: Span
    org_unit: str | None
    state: State
    devices: int
    virtual: int
    total: FootprintRow
    market: FootprintRow | None
    previous: FootprintRow
    changes: Changes | None
    by_unit: tuple[FootprintRow, ...]
    by_category: tuple[FootprintRow, ...]
    by_stage: tuple[FootprintRow, ...]
    by_power_source: tuple[FootprintRow, ...]
    by_day: tuple[FootprintRow, ...]
    actions: tuple[Action, ...]
    eur_per_kwh: float
    greatest: tuple[tuple[NamedDevice, FootprintRow], ...]
    factor_set: str
    withheld: bool = False
    printing: tuple[consumables.ConsumablesRow, ...] = ()
    restated: Correction | None = None
    left_out: tuple[LeftOut, ...] = ()

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


def as_json(report: WeeklyReport) -> dict[str, Any]:
    """Return the report as JSON."""
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
        "left_out": [asdict(one) for one in report.left_out],
    }

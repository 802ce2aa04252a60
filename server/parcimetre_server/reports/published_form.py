"""Convert the weekly report to its published form and back, field by field.

The published form is what `store.published_schema` describes: a class of the report may gain, lose or rename
a field without a published report changing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from parcimetre_factors.criteria import Stage

from ..analysis.changes import ChangePart, Changes, Reason
from ..analysis.recommendations import Action, Kind
from ..base.periods import Span
from ..fleet.printing.consumables import Bounded, ConsumablesRow
from ..footprint.query import Extrapolated, FootprintRow
from ..grid.supply_contracts import Electricity
from ..organisation.left_out import LeftOut
from ..store.published_schema import (
    PublishedAction,
    PublishedBounds,
    PublishedChanges,
    PublishedConsumables,
    PublishedDevice,
    PublishedLeftOut,
    PublishedReport,
    PublishedRestatement,
    PublishedRow,
)
from ..store.records import DeviceId
from .content import Correction, MovedFigure, NamedDevice, State, WeeklyReport

DIGITS = 10


def to_published(report: WeeklyReport) -> PublishedReport:
    """Return the published form of a report. Amounts are floats, so that equal reports have equal text."""
    left_out = [PublishedLeftOut(device=one.device, reason=one.reason) for one in report.left_out]
    published: PublishedReport = {
        "week": report.week,
        "span": {"first": report.span.first, "last": report.span.last},
        "org_unit": report.org_unit,
        "state": report.state,
        "devices": report.devices,
        "virtual": report.virtual,
        "total": _row(report.total),
        "market": None if report.market is None else _row(report.market),
        "previous": _row(report.previous),
        "changes": None if report.changes is None else _changes(report.changes),
        "by_unit": _rows(report.by_unit),
        "by_category": _rows(report.by_category),
        "by_stage": _rows(report.by_stage),
        "by_power_source": _rows(report.by_power_source),
        "by_day": _rows(report.by_day),
        "actions": [_action(action) for action in report.actions],
        "eur_per_kwh": float(report.eur_per_kwh),
        "greatest": [(_device(named), _row(row)) for named, row in report.greatest],
        "factor_set": report.factor_set,
        "withheld": report.withheld,
        "printing": [_consumables(row) for row in report.printing],
        "restated": None if report.restated is None else _restatement(report.restated),
    }
    return {**published, "left_out": left_out} if left_out else published


def from_published(published: PublishedReport) -> WeeklyReport:
    """Return the report of a published form."""
    market, changes, restated = published["market"], published["changes"], published["restated"]
    return WeeklyReport(
        week=published["week"],
        span=Span(published["span"]["first"], published["span"]["last"]),
        org_unit=published["org_unit"],
        state=cast(State, published["state"]),
        devices=published["devices"],
        virtual=published["virtual"],
        total=_row_from(published["total"]),
        market=None if market is None else _row_from(market),
        previous=_row_from(published["previous"]),
        changes=None if changes is None else _changes_from(changes),
        by_unit=_rows_from(published["by_unit"]),
        by_category=_rows_from(published["by_category"]),
        by_stage=_rows_from(published["by_stage"]),
        by_power_source=_rows_from(published["by_power_source"]),
        by_day=_rows_from(published["by_day"]),
        actions=tuple(_action_from(action) for action in published["actions"]),
        eur_per_kwh=published["eur_per_kwh"],
        greatest=tuple((_device_from(device), _row_from(row)) for device, row in published["greatest"]),
        factor_set=published["factor_set"],
        withheld=published["withheld"],
        printing=tuple(_consumables_from(row) for row in published["printing"]),
        restated=None if restated is None else _restatement_from(restated),
        left_out=tuple(
            LeftOut(DeviceId(one["device"]), one["reason"]) for one in published.get("left_out", ())
        ),
    )


def rounded(report: WeeklyReport) -> WeeklyReport:
    """Return the report with ten significant digits: beyond them, the order of a sum shows."""
    return from_published(_rounded(to_published(report)))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS - 1}e}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, (list, tuple)) else value


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _row(row: FootprintRow) -> PublishedRow:
    return {
        "group": row.group,
        "period": row.period,
        "energy_kwh": float(row.energy_kwh),
        "value": _float(row.value),
        "low": _float(row.low),
        "high": _float(row.high),
        "unit": row.unit,
        "coverage": _float(row.coverage),
        "measured_share": _float(row.measured_share),
        "factor_set": row.factor_set,
        "absent": [str(stage) for stage in row.absent],
        "simulated": row.simulated,
        "extrapolated": None
        if row.extrapolated is None
        else {
            "energy_kwh": float(row.extrapolated.energy_kwh),
            "value": float(row.extrapolated.value),
            "low": float(row.extrapolated.low),
            "high": float(row.extrapolated.high),
        },
        "electricity": row.electricity,
        "grid_tiers": {
            zone: {tier: float(share) for tier, share in tiers.items()}
            for zone, tiers in row.grid_tiers.items()
        },
    }


def _row_from(published: PublishedRow) -> FootprintRow:
    extrapolated = published["extrapolated"]
    return FootprintRow(
        group=published["group"],
        period=published["period"],
        energy_kwh=published["energy_kwh"],
        value=published["value"],
        low=published["low"],
        high=published["high"],
        unit=published["unit"],
        coverage=published["coverage"],
        measured_share=published["measured_share"],
        factor_set=published["factor_set"],
        absent=tuple(Stage(stage) for stage in published["absent"]),
        simulated=published["simulated"],
        extrapolated=None
        if extrapolated is None
        else Extrapolated(
            energy_kwh=extrapolated["energy_kwh"],
            value=extrapolated["value"],
            low=extrapolated["low"],
            high=extrapolated["high"],
        ),
        electricity=cast(Electricity, published["electricity"]),
        grid_tiers=published["grid_tiers"],
    )


def _rows(rows: Iterable[FootprintRow]) -> list[PublishedRow]:
    return [_row(row) for row in rows]


def _rows_from(published: Iterable[PublishedRow]) -> tuple[FootprintRow, ...]:
    return tuple(_row_from(row) for row in published)


def _changes(changes: Changes) -> PublishedChanges:
    return {
        "before": float(changes.before),
        "after": float(changes.after),
        "unit": changes.unit,
        "parts": [
            {"reason": part.reason, "value": float(part.value), "devices": part.devices}
            for part in changes.parts
        ],
    }


def _changes_from(published: PublishedChanges) -> Changes:
    return Changes(
        before=published["before"],
        after=published["after"],
        unit=published["unit"],
        parts=tuple(
            ChangePart(cast(Reason, part["reason"]), part["value"], part["devices"])
            for part in published["parts"]
        ),
    )


def _action(action: Action) -> PublishedAction:
    return {
        "kind": action.kind,
        "subject": action.subject,
        "category": action.category,
        "devices": action.devices,
        "energy_kwh": float(action.energy_kwh),
        "gwp_kgco2e": float(action.gwp_kgco2e),
        "eur": float(action.eur),
        "ratio": _float(action.ratio),
        "name": action.name,
    }


def _action_from(published: PublishedAction) -> Action:
    return Action(
        kind=cast(Kind, published["kind"]),
        subject=published["subject"],
        category=published["category"],
        devices=published["devices"],
        energy_kwh=published["energy_kwh"],
        gwp_kgco2e=published["gwp_kgco2e"],
        eur=published["eur"],
        ratio=published["ratio"],
        name=published["name"],
    )


def _device(named: NamedDevice) -> PublishedDevice:
    return {
        "id": named.id,
        "name": named.name,
        "category": named.category,
        "org_unit": named.org_unit,
        "simulated": named.simulated,
        "virtual": named.virtual,
    }


def _device_from(published: PublishedDevice) -> NamedDevice:
    return NamedDevice(
        id=DeviceId(published["id"]),
        name=published["name"],
        category=published["category"],
        org_unit=published["org_unit"],
        simulated=published["simulated"],
        virtual=published["virtual"],
    )


def _consumables(row: ConsumablesRow) -> PublishedConsumables:
    return {
        "group": row.group,
        "period": row.period,
        "printers": row.printers,
        "counted": {counter: float(count) for counter, count in row.counted.items()},
        "sheets": float(row.sheets),
        "paper": _bounds(row.paper),
        "marking": _bounds(row.marking),
        "total": _bounds(row.total),
        "spared_by_duplex": None if row.spared_by_duplex is None else _bounds(row.spared_by_duplex),
        "spent_on_colour": None if row.spent_on_colour is None else _bounds(row.spent_on_colour),
        "unit": row.unit,
        "coverage": float(row.coverage),
        "factor_set": row.factor_set,
        "among": {counter: float(count) for counter, count in row.among.items()},
    }


def _consumables_from(published: PublishedConsumables) -> ConsumablesRow:
    duplex, colour = published["spared_by_duplex"], published["spent_on_colour"]
    return ConsumablesRow(
        group=published["group"],
        period=published["period"],
        printers=published["printers"],
        counted=published["counted"],
        sheets=published["sheets"],
        paper=_bounds_from(published["paper"]),
        marking=_bounds_from(published["marking"]),
        total=_bounds_from(published["total"]),
        spared_by_duplex=None if duplex is None else _bounds_from(duplex),
        spent_on_colour=None if colour is None else _bounds_from(colour),
        unit=published["unit"],
        coverage=published["coverage"],
        factor_set=published["factor_set"],
        among=published["among"],
    )


def _bounds(bounded: Bounded) -> PublishedBounds:
    return {"value": float(bounded.value), "low": float(bounded.low), "high": float(bounded.high)}


def _bounds_from(published: PublishedBounds) -> Bounded:
    return Bounded(published["value"], published["low"], published["high"])


def _restatement(restated: Correction) -> PublishedRestatement:
    return {
        "edition": restated.edition,
        "published_at": restated.published_at,
        "moved": [
            {
                "what": move.what,
                "group": move.group,
                "before": float(move.before),
                "after": float(move.after),
                "unit": move.unit,
            }
            for move in restated.moved
        ],
    }


def _restatement_from(published: PublishedRestatement) -> Correction:
    return Correction(
        edition=published["edition"],
        published_at=published["published_at"],
        moved=tuple(
            MovedFigure(move["what"], move["group"], move["before"], move["after"], move["unit"])
            for move in published["moved"]
        ),
    )

"""Rows of the weekly report, for the CSV and the sheets of the XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ..base.names import shown
from ..fleet.printing import consumables as consumption
from ..footprint.query import FootprintRow
from .content import WeeklyReport

COLUMNS = (
    "section", "group", "period", "energy_kwh", "value", "low", "high", "unit", "coverage", "measured_share",
    "devices", "eur", "impressions", "sheets",
)  # fmt: skip
SECTIONS = {
    "org_unit": "by_unit",
    "category": "by_category",
    "stage": "by_stage",
    "day": "by_day",
    "power_source": "by_power_source",
}
CONSUMABLES = ("paper", "marking")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Cells = Mapping[str, Any]


def rows(report: WeeklyReport) -> Iterator[Cells]:
    """Return each figure of the report, by section, with the invisible characters of names escaped.

    A section's values add up to the total, those of `change` to its change. Sections `paper` and `marking`
    are consumables by org unit, excluded from other figures, with printers as devices.
    """
    for row in _rows(report):
        yield {name: shown(cell) if isinstance(cell, str) else cell for name, cell in row.items()}


def _rows(report: WeeklyReport) -> Iterator[Cells]:
    yield _cells("total", report.total) | {"devices": report.devices, "eur": report.cost_eur}
    yield _cells("week_before", report.previous)
    if report.market is not None:
        yield _cells("total_market", report.market)
    for part in report.changes.parts if report.changes else ():
        yield {"section": "change", "group": part.reason, "value": part.value, "devices": part.devices,
               "unit": report.total.unit}  # fmt: skip
    for section, name in SECTIONS.items():
        yield from (_cells(section, row) for row in getattr(report, name))
    for action in report.actions:
        group = " · ".join(filter(None, (action.kind, action.category, action.name or action.subject)))
        yield {"section": "action", "group": group, "energy_kwh": action.energy_kwh,
               "value": action.gwp_kgco2e, "unit": report.total.unit, "devices": action.devices,
               "eur": action.eur}  # fmt: skip
    for named, row in report.greatest:
        yield _cells("device", row) | {"group": named.name}
    for section in CONSUMABLES:
        for printing in report.printing:
            yield _of_consumable(section, printing)


def _of_consumable(section: str, row: consumption.ConsumablesRow) -> Cells:
    amount: consumption.Bounded = getattr(row, section)
    cells = {"section": section, "group": row.group, "period": row.period, "unit": row.unit,
             "coverage": row.coverage, "devices": row.printers}  # fmt: skip
    if section == "paper":
        cells |= {"impressions": row.counted.get("impressions"), "sheets": row.sheets}
    return cells | asdict(amount)


def _cells(section: str, row: FootprintRow) -> dict[str, Any]:
    cells = {name: getattr(row, name, None) for name in COLUMNS}
    return cells | {"section": section, "eur": None, "devices": None}


def csv_text(report: WeeklyReport) -> str:
    """Return the rows as CSV (RFC 4180) with decimal points; cells that look like formulas are quoted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _harmless(cell) for name, cell in row.items()} for row in rows(report))
    return text.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell

"""The weekly report as rows for machines: the CSV, and what the sheets of the XLSX hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

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
    """Each figure of the report; values of a section add up to the total, those of `change` to the change.

    Those of `paper` and `marking` are consumables by org unit, in no other figure; devices are printers.
    """
    yield _cells("total", report.total) | {"devices": report.devices, "eur": report.cost_eur}
    yield _cells("week_before", report.previous)
    if report.market is not None:
        yield _cells("total_market", report.market)
    for part in report.changes.parts if report.changes else ():
        yield {"section": "change", "group": part.reason, "value": part.value, "devices": part.devices,
               "unit": report.total.unit}  # fmt: skip
    for section, name in SECTIONS.items():
        yield from (_cells(section, row) for row in getattr(report, name))
    for one in report.actions:
        group = " · ".join(filter(None, (one.kind, one.category, one.name or one.subject)))
        yield {"section": "action", "group": group, "energy_kwh": one.energy_kwh, "value": one.gwp_kgco2e,
               "unit": report.total.unit, "devices": one.devices, "eur": one.eur}  # fmt: skip
    for named, row in report.greatest:
        yield _cells("device", row) | {"group": named.name}
    for section in CONSUMABLES:
        for printing in report.printing:
            yield _of_consumable(section, printing)


def _of_consumable(section: str, row: consumption.ConsumablesRow) -> Cells:
    amount: consumption.Bounded = getattr(row, section)
    found = {"section": section, "group": row.group, "period": row.period, "unit": row.unit,
             "coverage": row.coverage, "devices": row.printers}  # fmt: skip
    if section == "paper":
        found |= {"impressions": row.counted.get("impressions"), "sheets": row.sheets}
    return found | asdict(amount)


def _cells(section: str, row: FootprintRow) -> dict[str, Any]:
    found = {name: getattr(row, name, None) for name in COLUMNS}
    return found | {"section": section, "eur": None, "devices": None}


def csv_text(report: WeeklyReport) -> str:
    """The rows as CSV (RFC 4180), with a point in decimals; what a spreadsheet would run is quoted."""
    told = io.StringIO()
    writer = csv.DictWriter(told, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _harmless(cell) for name, cell in row.items()} for row in rows(report))
    return told.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell

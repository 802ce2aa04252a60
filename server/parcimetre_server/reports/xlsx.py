"""Workbook of the weekly report: a summary sheet, and a sheet of numbers for each section."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..base.i18n import N_, Translator
from .content import WeeklyReport
from .rows import COLUMNS, Cells, rows
from .wording import ReportText

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

SHEETS = {
    "total": N_("Total"),
    "week_before": N_("Week before"),
    "total_market": N_("By contracts"),
    "change": N_("Changes"),
    "org_unit": N_("Org units"),
    "category": N_("Categories"),
    "stage": N_("Stages of life"),
    "day": N_("Days"),
    "power_source": N_("Power sources"),
    "action": N_("Actions"),
    "device": N_("Devices"),
    "paper": N_("Paper"),
    "marking": N_("Toner or ink"),
}
HEADINGS = {
    "group": N_("Group"),
    "period": N_("Period"),
    "energy_kwh": N_("Electricity, kWh"),
    "value": N_("Value"),
    "low": N_("Low"),
    "high": N_("High"),
    "unit": N_("Unit"),
    "coverage": N_("Coverage"),
    "measured_share": N_("Measured share"),
    "devices": N_("Devices"),
    "eur": N_("Euros"),
    "impressions": N_("Impressions"),
    "sheets": N_("Sheets of A4"),
}
SHARES = ("coverage", "measured_share")
WIDE, NARROW = 42, 16


def xlsx(report: WeeklyReport, letter: ReportText) -> bytes:
    """Return the workbook as XLSX; names are written as text, so that none becomes a formula."""
    from xlsxwriter import Workbook

    translator, content = Translator(letter.language), io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"title": letter.title, "subject": letter.whose, "author": "Parcimètre"})
        _summary(book, letter)
        for section, of_section in groupby(rows(report), key=lambda row: row["section"]):
            _sheet(book, translator(SHEETS[section]), translator, list(of_section))
    return content.getvalue()


def _summary(book: Workbook, letter: ReportText) -> None:
    """Write the summary sheet."""
    sheet = book.add_worksheet(letter.week)
    bold, title = book.add_format({"bold": True}), book.add_format({"bold": True, "font_size": 16})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, NARROW * 2)
    sheet.set_column(1, 1, WIDE * 2, wrapped)
    sheet.write_string(0, 0, letter.title, title)
    for at, (name, value) in enumerate(_summary_lines(letter), start=1):
        sheet.write_string(at, 0, name, bold)
        sheet.write_string(at, 1, value, wrapped)


def _summary_lines(letter: ReportText) -> Iterator[tuple[str, str]]:
    yield letter.whose, letter.subtitle
    yield from (("", text) for text in (letter.badge, *letter.warnings) if text)
    if letter.value:
        yield letter.unit, f"{letter.value} ({letter.interval})"
    yield from letter.facts
    yield from (("", paragraph) for paragraph in letter.lead)
    yield from letter.closing


def _sheet(book: Workbook, name: str, translator: Translator, cells: list[Cells]) -> None:
    """Write the rows of a section, with the columns that have any value."""
    sheet: Worksheet = book.add_worksheet(name)
    shown = [column for column in COLUMNS[1:] if any(row.get(column) is not None for row in cells)]
    heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    number, share = book.add_format({"num_format": "#,##0.000"}), book.add_format({"num_format": "0.0%"})
    sheet.freeze_panes(1, 1)
    for at, column in enumerate(shown):
        sheet.set_column(at, at, WIDE if column == "group" else NARROW)
        sheet.write_string(0, at, translator(HEADINGS[column]), heading)
        for line, row in enumerate(cells, start=1):
            _write(sheet, line, at, row.get(column), share if column in SHARES else number)


def _write(sheet: Worksheet, line: int, at: int, cell: Any, shape: Any) -> None:
    if isinstance(cell, str):
        sheet.write_string(line, at, cell)
    elif isinstance(cell, int):
        sheet.write_number(line, at, cell)
    elif cell is not None:
        sheet.write_number(line, at, cell, shape)

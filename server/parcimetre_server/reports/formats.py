"""Formats of the weekly report: HTML, PDF, XLSX, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from ..access.context import Context
from ..base.errors import ParcimetreError
from ..base.i18n import Language
from ..base.names import shown_lines
from .content import WeeklyReport, as_json
from .html import html
from .pdf import pdf
from .rows import csv_text
from .wording import report_text
from .xlsx import xlsx

Format = Literal["html", "pdf", "xlsx", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


class NoSuchFormat(ParcimetreError):
    """An unknown format of a report."""

    status = 406
    kind = "unknown-format"


@dataclass(frozen=True)
class File:
    """A report as a file: name, media type and content."""

    name: str
    media_type: str
    content: bytes


def format_of(name: str) -> Format:
    """Return the format of that name. Raises NoSuchFormat."""
    for known in FORMATS:
        if name == known:
            return known
    raise NoSuchFormat(f"{name} is not a format of the weekly report: give format={' or '.join(FORMATS)}")


def render(report: WeeklyReport, context: Context, language: Language, wanted: Format) -> File:
    """Return the report in a language and a format."""
    name = f"weekly-{report.week}{_slug(report.org_unit)}.{language}.{wanted}"
    return File(name, MEDIA_TYPES[wanted], _content(report, context, language, wanted))


def render_all(
    report: WeeklyReport, context: Context, language: Language, wanted: Iterable[Format]
) -> list[File]:
    """Return the report in a language in several formats."""
    return [render(report, context, language, name) for name in wanted]


def _content(report: WeeklyReport, context: Context, language: Language, wanted: Format) -> bytes:
    match wanted:
        case "html":
            return html(report, context, language).encode()
        case "pdf":
            return pdf(report_text(report, context, language))
        case "xlsx":
            return xlsx(report, report_text(report, context, language))
        case "csv":
            return csv_text(report).encode()
        case "json":
            return shown_lines(json.dumps(as_json(report), ensure_ascii=False, indent=2)).encode()


def _slug(org_unit: str | None) -> str:
    """An org unit's path as part of a file name."""
    name = "".join(c if c.isalnum() else "-" for c in org_unit or "")
    return f".{name.strip('-')}" if name.strip("-") else ""

"""HTML of the weekly report: one file without links to others, for archives and printing."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from ..access.context import Context
from ..analysis.bars import bars, stage_shares
from ..base.i18n import Language
from ..presentation.jinja_environment import environment, template_tools
from ..presentation.labels import label
from ..presentation.palette import style
from .content import WeeklyReport
from .wording import report_text


def values(report: WeeklyReport, context: Context, language: Language) -> dict[str, Any]:
    """Return the variables of the report's templates."""
    return {
        "letter": report_text(report, context, language),
        "report": report,
        "span": report.span,
        "total": report.total,
        "stages": stage_shares(list(report.by_stage)),
        "units": bars(report.by_unit),
        "categories": bars(report.by_category),
        "sources": bars([row for row in report.by_power_source if row.energy_kwh > 0]),
        "days": bars(report.by_day, by_value=False),
        "simulated": report.total.simulated,
        "title": label,
    }


def html(report: WeeklyReport, context: Context, language: Language) -> str:
    """Return the report in one language as HTML, style included."""
    template = environment("reports").get_template("report.html")
    tools = template_tools(language, context.zone, context.settings.organisation, context.factors)
    return template.render(tools | values(report, context, language) | {"style": style()})


def content_security_policy() -> str:
    """Return a content security policy that allows the report's own style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"

"""`GET /v1/reports/weekly/{iso week}`: the weekly report, for people and for machines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from ..collector import Collector, aggregates
from ..errors import ParcimetreError
from ..i18n import Language
from ..pages.rendering import asked_language
from ..reports import weekly as report
from ..reports.html import content_security_policy, html
from .footprint import Unit

router = APIRouter(prefix="/v1", tags=["reports"])
FORMATS = ("html", "json")


class NoSuchFormat(ParcimetreError):
    """A format that reports are not written in."""

    status = 406
    kind = "unknown-format"


@router.get("/reports/weekly/{week}", response_class=HTMLResponse)
def weekly(
    week: Annotated[str, Path(description="ISO week, like 2026-W47.")],
    request: Request,
    collector: Annotated[Collector, Depends(aggregates)],
    org_unit: Unit = None,
    format: Annotated[str, Query(max_length=20, description="html or json")] = "html",  # noqa: A002
    lang: Annotated[Language | None, Query(description="fr or en; else what the browser prefers.")] = None,
) -> Response:
    """The report of an ISO week (2026-W47) in the organisation's time zone, of an org unit's subtree."""
    if format not in FORMATS:
        raise NoSuchFormat(f"there is no weekly report as {format}; ask for format={' or '.join(FORMATS)}")
    made = report.weekly(collector, week, org_unit or collector.scope.root)
    if format == "json":
        return JSONResponse(report.as_json(made))
    page = html(made, collector, lang or asked_language(request))
    return HTMLResponse(page, headers={"Content-Security-Policy": content_security_policy()})

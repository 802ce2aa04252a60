"""`GET /v1/reports/weekly/{iso week}`: the weekly report, for people and for machines, as of now."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from ...access.context import Context
from ...base.i18n import Language
from ...reports import weekly as report
from ...reports.formats import FORMATS, format_of, render
from ...reports.html import content_security_policy
from ..dependencies import aggregated, asked_language
from ..query_parameters import OrgUnitParameter

router = APIRouter(prefix="/v1", tags=["reports"])


@router.get("/reports/weekly/{week}", response_class=HTMLResponse)
def weekly(
    week: Annotated[str, Path(description="ISO week, like 2026-W47.")],
    request: Request,
    context: Annotated[Context, Depends(aggregated)],
    org_unit: OrgUnitParameter = None,
    format: Annotated[str, Query(max_length=20, description=", ".join(FORMATS))] = "html",  # noqa: A002
    lang: Annotated[Language | None, Query(description="fr or en; else what the browser prefers.")] = None,
) -> Response:
    """The report of an ISO week (2026-W47) in the organisation's time zone, of an org unit's subtree."""
    wanted = format_of(format)
    made = report.weekly_report(context, week, org_unit or context.scope.root)
    file = render(made, context, lang or asked_language(request), wanted)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
    if wanted == "html":
        headers = {"Content-Security-Policy": content_security_policy()}
    elif wanted == "json":
        headers = {}
    return Response(file.content, media_type=file.media_type, headers=headers)

"""`/reports/weekly/{iso week}`: the weekly report as a page."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ...access.context import Context
from ...access.presence import PresenceNeeded
from ...base.i18n import NAMES
from ...base.periods import week_of, weeks_later
from ...reports.deliveries import STATE_TITLES, list_publications
from ...reports.formats import FORMATS
from ...reports.html import values
from ...reports.weekly import weekly_report as report
from ..dependencies import aggregated, asked_language
from .rendering import respond

router = APIRouter(include_in_schema=False)


@router.get("/reports/weekly/{week}", response_class=HTMLResponse)
def weekly(
    week: str,
    request: Request,
    context: Annotated[Context, Depends(aggregated)],
    org_unit: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """The report of one week, with its neighbours and what to take along.

    Where nothing of the running week may be shown yet, on its first day, the week before is shown instead.
    """
    zone = context.zone
    unit = {"org_unit": org_unit} if org_unit else {}
    tail = f"?{urlencode(unit)}" if unit else ""
    try:
        made = report(context, week, org_unit or context.scope.root)
    except PresenceNeeded:
        if week != week_of(context.now(), zone):
            raise
        return RedirectResponse(f"/reports/weekly/{weeks_later(week, -1, zone)}{tail}", 303)
    earlier, later = weeks_later(week, -1, zone), weeks_later(week, 1, zone)
    weeks = [(f"/reports/weekly/{earlier}{tail}", f"← {earlier}", "prev")]
    if later <= week_of(context.now(), zone):
        weeks.append((f"/reports/weekly/{later}{tail}", f"{later} →", "next"))
    file = f"/v1/reports/weekly/{week}?"
    downloads = [(file + urlencode(unit | {"lang": code}), f"HTML ({name})") for code, name in NAMES.items()]
    downloads += [
        (file + urlencode(unit | {"format": kind}), kind.upper()) for kind in FORMATS if kind != "html"
    ]
    told = {"published": []} | values(made, context, asked_language(request))
    if context.scope.administers:
        told["published"] = list_publications(context.store, with_deliveries=True, week=week)
    return respond(
        request,
        context,
        "weekly.html",
        told | {"weeks": weeks, "downloads": downloads, "delivery_states": STATE_TITLES},
    )

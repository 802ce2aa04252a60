"""Named filters of the list of devices, stored in a cookie of the browser."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse

from ...access.context import Context
from ...access.sessions import Sessions
from ...base.errors import ParcimetreError
from ...base.names import name_fault
from ..dependencies import aggregated
from .forms import Filled

router = APIRouter(include_in_schema=False)
MOST, MOST_CHARACTERS, MOST_OF_NAME = 12, 600, 40
LIST = "/devices"


class BadFilterName(ParcimetreError):
    """A name that a filter cannot have."""


@router.post("/devices/filters")
def save_filter(
    request: Request, context: Annotated[Context, Depends(aggregated)], form: Filled
) -> RedirectResponse:
    """Give the filter in force a name, or forget the one of that name."""
    context.scope.need("devices", "the list of devices")
    sessions, found = _sessions(request), saved_filters(request)
    name, query = form.get("name", "").strip(), form.get("query", "")[:MOST_CHARACTERS]
    fault = name_fault(name, MOST_OF_NAME) if name else None
    if fault:
        raise BadFilterName(f"{name[:MOST_OF_NAME]!r} is not a valid name of a filter: {fault}")
    if "forget" in form:
        found.pop(form["forget"], None)
    elif name:
        found = {
            name: urlencode(parse_qsl(query)),
            **{key: kept for key, kept in found.items() if key != name},
        }
    answer = RedirectResponse(f"{LIST}?{urlencode(parse_qsl(query))}", 303)
    sessions.set(answer, request, "filters", dict(list(found.items())[:MOST]))
    return answer


def saved_filters(request: Request) -> dict[str, str]:
    """Queries of the list by the names that this browser's user gave them, the latest first."""
    return dict(_sessions(request).content_of(request, "filters") or {})


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions

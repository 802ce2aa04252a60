"""`/access-record`: who looked at single devices, for the data protection officer."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from ...access.access_record import DETAILS, looks
from ...access.context import Context
from ...access.presence import is_switched_on, switched_at
from ...base.i18n import N_
from ..dependencies import aggregated
from .rendering import respond

router = APIRouter(include_in_schema=False)
SHOWN = 500
WAYS = {
    "machine": N_("without a login, on the collector's machine"),
    "token": N_("token"),
    "login": N_("login"),
    "command": N_("command"),
}


@router.get("/access-record", response_class=HTMLResponse)
def access_record(
    request: Request,
    context: Annotated[Context, Depends(aggregated)],
    device: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """The latest looks, at one device or at all."""
    context.scope.need("access_record", "the access record")
    values = {
        "looks": list(islice(looks(context.store, device or None), SHOWN)),
        "most": SHOWN,
        "device_id": device,
        "details": DETAILS,
        "ways": WAYS,
        "kept_days": context.settings.keep_access_record_days,
        "presence": is_switched_on(context.store),
        "switched_at": switched_at(context.store),
    }
    return respond(request, context, "access_record.html", values)

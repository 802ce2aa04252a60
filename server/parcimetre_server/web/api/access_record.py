"""`GET /v1/access-record`: who looked at single devices."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ...access.access_record import looks
from ...access.context import Context
from ...base.periods import span
from ..dependencies import aggregated
from ..query_parameters import BeginParameter, EndParameter

router = APIRouter(prefix="/v1", tags=["access"])


@router.get("/access-record")
def access_record(
    context: Annotated[Context, Depends(aggregated)],
    begin: BeginParameter = None,
    end: EndParameter = None,
    device: Annotated[str | None, Query(max_length=64, description="Id of one device.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=10_000, description="Maximum number of looks, the latest first.")
    ] = 1000,
) -> dict[str, Any]:
    """Looks at single devices and lists of them, the latest first; for the data protection officer.

    `detail` is what was shown: a list of devices, one device by day, or presence data. The same look of the
    same reader is recorded once an hour. `device` is empty for a list.
    """
    context.scope.need("access_record", "the access record")
    asked = span(begin, end, context.zone, context.now())
    found = (look for look in looks(context.store, device, asked.first) if look.at < asked.last)
    return {
        "from": asked.first,
        "to": asked.last,
        "kept_days": context.settings.keep_access_record_days,
        "looks": [asdict(look) for look in islice(found, limit)],
    }

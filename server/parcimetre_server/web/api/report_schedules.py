"""`/v1/reports` and `/v1/reports/schedules`: published reports, their deliveries and recipients."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from ...access.context import Context
from ...base.i18n import Language
from ...base.scope import NotAllowed, ReportRole
from ...reports import schedules
from ...reports.deliveries import list_publications
from ...reports.formats import Format
from ...reports.schedules import Channel
from ..dependencies import aggregated, readable, serving_context

router = APIRouter(prefix="/v1/reports", tags=["reports"])


class Wanted(BaseModel):
    """A recipient of an org unit's weekly reports; of the reader's whole scope where no unit is named."""

    org_unit: str | None = Field(default=None, max_length=400)
    way: Channel = "mail"
    to: str = Field(max_length=500)
    language: Language = "fr"
    formats: list[Format] = Field(default=["pdf"], max_length=5)
    role: ReportRole = "viewer"


@router.get("")
def published(context: Annotated[Context, Depends(aggregated)]) -> dict[str, Any]:
    """Published reports, the latest week first; admins also see the state of each delivery."""
    return {"reports": list_publications(context.store, context.scope.administers)}


@router.get("/schedules")
def list_schedules(context: Annotated[Context, Depends(readable)]) -> dict[str, Any]:
    """Recipients of reports in the reader's scope; for admins."""
    context.scope.need("administration", "the list of recipients")
    return {"schedules": [schedules.as_json(one) for one in schedules.schedules(context.store)]}


@router.post("/schedules", status_code=201)
def create_schedule(
    wanted: Wanted, request: Request, context: Annotated[Context, Depends(readable)]
) -> dict[str, Any]:
    """Add a recipient, from the next report on; for admins of the org unit.

    Webhooks need an administrator of the whole organisation, since the collector calls them; folders can only
    be added with the command, on the collector's machine.
    """
    if wanted.way == "folder" or (wanted.way == "webhook" and not context.scope.whole):
        raise NotAllowed(
            f"a {wanted.way} can only be added with `parcimetre report schedule add` on the "
            "collector's own machine"
        )
    unit = wanted.org_unit or context.scope.root
    whole = serving_context(request)
    made = schedules.add(
        whole.store,
        whole.now(),
        unit,
        wanted.way,
        wanted.to,
        wanted.language,
        wanted.formats,
        wanted.role,
        context.scope,
    )
    return schedules.as_json(made)


@router.delete("/schedules/{id}")
def end_schedule(
    request: Request,
    context: Annotated[Context, Depends(readable)],
    schedule_id: Annotated[str, Path(alias="id", max_length=64, description="Id of a schedule.")],
) -> dict[str, Any]:
    """Remove a recipient; for admins of its org unit."""
    schedules.schedule(context.store, schedule_id)
    whole = serving_context(request)
    return schedules.as_json(schedules.end(whole.store, schedule_id, whole.now()))

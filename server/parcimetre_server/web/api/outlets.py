"""`/v1/outlets`: outlets of PDUs, UPSs and PoE switches, their assigned devices and energy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from ...access.context import Context
from ...base.periods import span
from ...fleet.outlets import mapping as known
from ...fleet.outlets.mapping import Statement
from ...store.records import DeviceId
from ..dependencies import readable, serving_context
from ..query_parameters import BeginParameter, EndParameter

router = APIRouter(prefix="/v1", tags=["devices"])


class Hanging(BaseModel):
    """What hangs on an outlet: feeder and device by id, its beginning or name; `from` is the first day."""

    feeder: str = Field(min_length=1, max_length=255)
    outlet: str = Field(min_length=1, max_length=40)
    device: str | None = Field(default=None, max_length=255)
    day: str | None = Field(default=None, alias="from", max_length=10)


class Map(BaseModel):
    """What hangs where; with `dry_run` it is judged, and nothing kept."""

    outlets: list[Hanging] = Field(max_length=known.MOST_LINES)
    dry_run: bool = False


@router.get("/outlets")
def list_outlets(
    context: Annotated[Context, Depends(readable)],
    begin: BeginParameter = None,
    end: EndParameter = None,
    device: Annotated[
        str | None,
        Query(max_length=64, description="Id of a feeder, or of a device assigned to one of its outlets."),
    ] = None,
) -> dict[str, Any]:
    """Each outlet with its present device, and the electricity that it supplied in the period.

    `unattributed_kwh` is the energy supplied while no device was assigned; it is not included in any total.
    """
    wanted = DeviceId(device) if device else None
    within = known.shown_span(context, span(begin, end, context.zone, context.now()), wanted)
    rows = known.listed(context, within, wanted)
    return {"from": within.first, "to": within.last, "outlets": [asdict(row) for row in rows]}


@router.post("/outlets")
def state_outlets(
    wanted: Map, request: Request, context: Annotated[Context, Depends(readable)]
) -> dict[str, Any]:
    """Assign devices to outlets, from a day on, or for all time without `from`; for admins of feeder and
    device.

    If one assignment has a fault, none is stored.
    """
    whole = serving_context(request)
    stated = [
        Statement(f"outlets[{i}]", one.feeder, one.outlet, one.device or "", one.day or "")
        for i, one in enumerate(wanted.outlets)
    ]
    kept = known.store_mapping(whole.store, stated, whole.zone, whole.now(), context.scope, wanted.dry_run)
    return {"changed": kept.changed, "known": kept.known, "dry_run": wanted.dry_run}

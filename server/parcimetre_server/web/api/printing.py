"""`GET /v1/printing`: printed pages with their paper and toner, by group and period."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from parcimetre_factors.consumables import Paper

from ...access.context import Context
from ...analysis.left_out import visible_left_out
from ...base.periods import Interval, span
from ...fleet.printing import consumables as consumption
from ...fleet.printing.consumables import GroupBy
from ...organisation.left_out import collect_left_out
from ...store.records import DeviceId
from ..dependencies import readable
from ..query_parameters import BeginParameter, EndParameter, OrgUnitParameter

router = APIRouter(prefix="/v1", tags=["figures"])


@router.get("/printing")
def printing(
    context: Annotated[Context, Depends(readable)],
    begin: BeginParameter = None,
    end: EndParameter = None,
    group_by: Annotated[
        GroupBy | None, Query(description="What each row groups by; default: one total.")
    ] = None,
    interval: Annotated[Interval, Query(description="Length of each row's period.")] = "total",
    org_unit: OrgUnitParameter = None,
    device: Annotated[str | None, Query(max_length=64, description="Id of one printer.")] = None,
    paper: Annotated[Paper, Query(description="Fibre of the paper.")] = "virgin",
) -> dict[str, Any]:
    """Impressions by counter, sheets of A4, and kg CO2 eq of paper and of toner or ink.

    The footprint of `/v1/footprint` does not include it. `spared_by_duplex` is the paper saved by printing on
    both sides, `spent_on_colour` the extra toner or ink of colour compared with black; null if no printer
    counts it.
    """
    within = span(begin, end, context.zone, context.now())
    asked = consumption.ConsumablesQuery(
        within, interval, org_unit, DeviceId(device) if device else None, paper
    )
    with collect_left_out() as left_out:
        rows = consumption.consumption(context, asked, group_by)
    return {
        "from": within.first,
        "to": within.last,
        "paper": paper,
        "rows": [asdict(row) for row in rows],
        "left_out": [asdict(one) for one in visible_left_out(context, left_out)],
    }

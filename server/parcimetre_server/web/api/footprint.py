"""`GET /v1/footprint`: figures by group and period."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.service_life.amortisation import Policy

from ...access.context import Context
from ...base.periods import Interval, span
from ...footprint import compute, query
from ...footprint.contributions import GroupBy
from ...grid.supply_contracts import Electricity
from ...store.records import DeviceId
from ..dependencies import aggregated

router = APIRouter(prefix="/v1", tags=["figures"])

Begin = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description="Date or time (ISO 8601), or seconds since 1970 UTC; default: 7 days before `to`.",
    ),
]
End = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=40,
        description="End of the period, not included; same formats as `from`; default: now.",
    ),
]
Asked = Annotated[Criterion, Query(description="Climate, metals and minerals, or primary energy.")]
Spread = Annotated[
    Policy | None,
    Query(
        description="How embodied impact is spread: over the service life, in the year of purchase, or by "
        "active hours; default: the collector's policy."
    ),
]
Basis = Annotated[
    Electricity,
    Query(
        description="Basis of the electricity: the grid at the location, or the market (supply contracts). "
        "Only gwp has market-based values; other criteria are always location-based."
    ),
]
Unit = Annotated[str | None, Query(max_length=400, description="Path of an org unit: it and all below it.")]


@router.get("/footprint")
def footprint(
    context: Annotated[Context, Depends(aggregated)],
    begin: Begin = None,
    end: End = None,
    criterion: Asked = Criterion.GWP,
    group_by: Annotated[
        GroupBy | None, Query(description="What each row groups by; default: one total.")
    ] = None,
    interval: Annotated[Interval, Query(description="Length of each row's period.")] = "total",
    org_unit: Unit = None,
    device: Annotated[str | None, Query(max_length=64, description="Id of one device.")] = None,
    amortisation: Spread = None,
    electricity: Basis = "location",
) -> dict[str, Any]:
    """Footprint with its 95 % interval, coverage and measured share, by group and period.

    Days, weeks and months are those of the organisation's time zone, hours and slots those of UTC. The
    values of the groups add up to the total; the bounds of intervals do not, as errors are shared. `value`
    is null if no factor gives the criterion, and `absent` lists the stages missing from a value.
    `electricity` is what a row is based on, and `grid_tiers` how its electricity's intensity is known: shares
    by grid zone, and by slot, profile, year, contract or residual.
    """
    asked = query.FootprintQuery(
        span(begin, end, context.zone, context.now()),
        criterion,
        interval,
        org_unit,
        DeviceId(device) if device else None,
        amortisation or context.settings.amortisation,
        electricity,
    )
    return {
        "from": asked.span.first,
        "to": asked.span.last,
        "criterion": criterion,
        "amortisation": asked.amortisation,
        "rows": [asdict(row) for row in compute.footprint_rows(context, asked, group_by)],
    }

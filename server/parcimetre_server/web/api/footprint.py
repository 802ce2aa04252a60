"""`GET /v1/footprint`: figures by group and period."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from parcimetre_factors.criteria import Criterion

from ...access.context import Context
from ...analysis.left_out import visible_left_out
from ...base.periods import Interval, span
from ...footprint import compute, query
from ...footprint.contributions import GroupBy
from ...organisation.left_out import collect_left_out
from ...store.records import DeviceId
from ..dependencies import aggregated
from ..query_parameters import (
    BeginParameter,
    CriterionParameter,
    ElectricityParameter,
    EndParameter,
    OrgUnitParameter,
    PolicyParameter,
)

router = APIRouter(prefix="/v1", tags=["figures"])


@router.get("/footprint")
def footprint(
    context: Annotated[Context, Depends(aggregated)],
    begin: BeginParameter = None,
    end: EndParameter = None,
    criterion: CriterionParameter = Criterion.GWP,
    group_by: Annotated[
        GroupBy | None, Query(description="What each row groups by; default: one total.")
    ] = None,
    interval: Annotated[Interval, Query(description="Length of each row's period.")] = "total",
    org_unit: OrgUnitParameter = None,
    device: Annotated[str | None, Query(max_length=64, description="Id of one device.")] = None,
    amortisation: PolicyParameter = None,
    electricity: ElectricityParameter = "location",
) -> dict[str, Any]:
    """Footprint with its 95 % interval, coverage and measured share, by group and period.

    Days, weeks and months are those of the organisation's time zone, hours and slots those of UTC. The
    values of the groups add up to the total; the bounds of intervals do not, as errors are shared. `value`
    is null if no factor gives the criterion, and `absent` lists the stages missing from a value.
    `electricity` is what a row is based on, and `grid_tiers` how its electricity's intensity is known: shares
    by grid zone, and by slot, profile, year, contract or residual. `left_out` names devices whose data cannot
    be used, each with the reason.

    For viewers, periods are whole days that are over, and groups are those that disclosure control shows;
    `small_groups` is what no group can be shown of. Without the role presence, figures of single personal
    machines are those of whole days that are over; shorter periods are sums of five of them or more.
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
    asked = compute.shown_days(context, asked) or asked
    with collect_left_out() as left_out:
        result = compute.compute_footprint(context, asked).checked()
        rows = result.rows(group_by)
    return {
        "from": result.span.first,
        "to": result.span.last,
        "criterion": criterion,
        "amortisation": asked.amortisation,
        "rows": [asdict(row) for row in rows],
        "left_out": [asdict(one) for one in visible_left_out(context, left_out)],
    }

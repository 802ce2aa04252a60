"""`GET /v1/explain`: the tree of terms behind a figure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from parcimetre_factors.criteria import Criterion

from ...access.context import Context
from ...analysis.left_out import visible_left_out
from ...base.periods import span
from ...footprint.explanation.as_json import as_json
from ...footprint.explanation.device import explain_device
from ...footprint.explanation.org_unit import explain_unit
from ...organisation.left_out import collect_left_out
from ...store.records import DeviceId
from ..dependencies import readable
from ..query_parameters import (
    BeginParameter,
    CriterionParameter,
    ElectricityParameter,
    EndParameter,
    OrgUnitParameter,
    PolicyParameter,
)

router = APIRouter(prefix="/v1", tags=["figures"])


@router.get("/explain")
def explain(
    context: Annotated[Context, Depends(readable)],
    device: Annotated[str | None, Query(max_length=64, description="Id of one device.")] = None,
    begin: BeginParameter = None,
    end: EndParameter = None,
    criterion: CriterionParameter = Criterion.GWP,
    org_unit: OrgUnitParameter = None,
    amortisation: PolicyParameter = None,
    electricity: ElectricityParameter = "location",
) -> dict[str, Any]:
    """How a device's footprint is computed, or an org unit's as the sum of its devices.

    The value of `term` is the figure of /v1/footprint for the same period; recomputing the tree from its
    leaves gives it. Terms with a `ref` are given in full under `definitions`, or are devices to query.
    Periods of up to two days are explained slot by slot, longer ones day by day.
    """
    asked = span(begin, end, context.zone, context.now())
    policies = (amortisation, electricity)
    with collect_left_out() as left_out:
        if device is not None:
            found = explain_device(context, DeviceId(device), asked, criterion, *policies)
        else:
            unit = org_unit or context.scope.root
            found = explain_unit(context, unit, asked, criterion, *policies)
    return as_json(found) | {"left_out": [asdict(one) for one in visible_left_out(context, left_out)]}

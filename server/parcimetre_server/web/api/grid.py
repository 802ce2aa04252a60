"""`GET /v1/grid/{zone}`: impact of a kilowatt-hour in each slot, with its quality."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from parcimetre_factors.criteria import Criterion

from ...access.context import Context
from ...analysis.grid_slots import grid_slots
from ...base.periods import span
from ..dependencies import aggregated
from ..query_parameters import BeginParameter, CriterionParameter, EndParameter

router = APIRouter(prefix="/v1", tags=["factors"])


@router.get("/grid/{zone}")
def grid(
    zone: Annotated[str, Path(description="Grid zone, like FR.")],
    context: Annotated[Context, Depends(aggregated)],
    begin: BeginParameter = None,
    end: EndParameter = None,
    criterion: CriterionParameter = Criterion.GWP,
) -> dict[str, Any]:
    """Impact of a kilowatt-hour in each slot; `tier`: value of the slot, of a profile or of the year."""
    return grid_slots(
        context, zone, span(begin, end, context.zone, context.now(), days=1, from_midnight=False), criterion
    )

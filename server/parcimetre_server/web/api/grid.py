"""`GET /v1/grid/{zone}`: what a kilowatt-hour costs in each slot, and how well that is known."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from parcimetre_factors.criteria import Criterion

from ...access.context import Context
from ...analysis.grid_slots import grid_slots
from ...base.periods import span
from ..dependencies import aggregated
from .footprint import Asked, Begin, End

router = APIRouter(prefix="/v1", tags=["factors"])


@router.get("/grid/{zone}")
def grid(
    zone: Annotated[str, Path(description="Grid zone, like FR.")],
    context: Annotated[Context, Depends(aggregated)],
    begin: Begin = None,
    end: End = None,
    criterion: Asked = Criterion.GWP,
) -> dict[str, Any]:
    """Impact of a kilowatt-hour in each slot; `tier`: value of the slot, of a profile or of the year."""
    return grid_slots(context, zone, span(begin, end, context.zone, context.now(), days=1), criterion)

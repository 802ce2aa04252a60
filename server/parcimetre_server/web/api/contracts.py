"""`GET /v1/contracts`: the suppliers' contracts that market-based figures rest on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ...access.context import Collector
from ...grid import supply_contracts as known
from ..dependencies import aggregates

router = APIRouter(prefix="/v1", tags=["factors"])


@router.get("/contracts")
def contracts(collector: Annotated[Collector, Depends(aggregates)]) -> list[dict[str, Any]]:
    """Every contract that was stated, with what it is for and the days on which it holds."""
    return [known.as_json(held, collector.zone) for held in known.contracts(collector.store)]

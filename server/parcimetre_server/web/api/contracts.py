"""`GET /v1/contracts`: the suppliers' contracts that market-based figures rest on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ...access.context import Context
from ...grid import supply_contracts as known
from ..dependencies import aggregated

router = APIRouter(prefix="/v1", tags=["factors"])


@router.get("/contracts")
def contracts(context: Annotated[Context, Depends(aggregated)]) -> list[dict[str, Any]]:
    """Every supply contract, with its site or org unit and the days on which it is valid."""
    return [known.contract_as_json(held, context.zone) for held in known.contracts(context.store)]

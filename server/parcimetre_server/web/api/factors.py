"""`GET /v1/factors` and `/v1/factors/{id}`: the numbers that figures rest on, with their sources."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from parcimetre_factors.errors import UnknownFactor

from ...access.context import Context
from ...analysis.factor_sets.search import find_factors
from ...base.errors import ParcimetreError
from ..dependencies import aggregated

router = APIRouter(prefix="/v1", tags=["factors"])


class NoSuchFactor(ParcimetreError):
    """A factor that the set in use does not hold."""

    status = 404
    kind = "unknown-factor"


@router.get("/factors")
def factors(
    context: Annotated[Context, Depends(aggregated)],
    q: Annotated[
        str, Query(max_length=200, description="Words; a factor matches if it contains all of them.")
    ] = "",
) -> dict[str, Any]:
    """Factors of the set in use, each with its value, 95 % range, unit, source and licence."""
    found = [asdict(factor) for factor in find_factors(context.factors, q)]
    return {
        "factor_set": context.factors.id,
        "factor_set_version": context.factors.version,
        "count": len(found),
        "factors": found,
    }


@router.get("/factors/{id}")
def factor(
    id: Annotated[str, Path(description="Id of a factor.")],  # noqa: A002
    context: Annotated[Context, Depends(aggregated)],
) -> dict[str, Any]:
    """One factor."""
    try:
        return asdict(context.factors.get(id))
    except UnknownFactor as error:
        raise NoSuchFactor(f"{error}; GET /v1/factors?q= searches them") from error

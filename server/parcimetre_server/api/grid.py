"""`GET /v1/grid/{zone}`: what a kilowatt-hour costs in each slot, and how well that is known."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import UNITS, Criterion
from parcimetre_factors.errors import UnknownZone
from parcimetre_factors.grid import TIERS, intensity, zones

from ..collector import Collector, of
from ..errors import ParcimetreError
from ..periods import DAY_S, BadPeriod, span
from .footprint import Asked, Begin, End

router = APIRouter(prefix="/v1", tags=["factors"])
LONGEST_DAYS = 400


class NoSuchZone(ParcimetreError):
    """A grid zone without factors."""

    status = 404
    kind = "unknown-zone"


@router.get("/grid/{zone}")
def grid(
    zone: Annotated[str, Path(description="Grid zone, like FR.")],
    collector: Annotated[Collector, Depends(of)],
    begin: Begin = None,
    end: End = None,
    criterion: Asked = Criterion.GWP,
) -> dict[str, Any]:
    """Impact of a kilowatt-hour in each slot; `tier`: is it of the slot, a profile or the year."""
    asked = span(begin, end, collector.zone, collector.now(), days=1)
    if asked.last - asked.first > LONGEST_DAYS * DAY_S:
        raise BadPeriod(f"the grid is told for {LONGEST_DAYS} days at most; choose a shorter period")
    starts = np.arange(asked.first, asked.last, SLOT_S, dtype=np.int64)
    try:
        found = intensity(zone, starts, collector.factors, criterion=criterion)
    except UnknownZone as error:
        raise NoSuchZone(f"{error}; known zones: {', '.join(zones(collector.factors))}") from error
    slots = (
        []
        if found is None
        else [
            {"start": start, "value": value, "tier": TIERS[tier]}
            for start, value, tier in zip(
                starts.tolist(), found.kg_per_kwh.tolist(), found.tier.tolist(), strict=True
            )
        ]
    )
    return {
        "zone": zone,
        "criterion": criterion,
        "unit": f"{UNITS[criterion]}/kWh",
        "factors": [] if found is None else list(found.errors),
        "factor_set": collector.factors.id,
        "slots": slots,
    }

"""Grid intensity of a zone by slot."""

from __future__ import annotations

from typing import Any

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import UNITS, Criterion
from parcimetre_factors.errors import UnknownZone
from parcimetre_factors.grid.intensity import TIERS

from ..access.context import Context
from ..base.errors import ParcimetreError
from ..base.periods import DAY_S, BadPeriod, Span
from ..footprint.grid_intensity import Grid

LONGEST_DAYS = 400


class NoSuchZone(ParcimetreError):
    """A grid zone without factors."""

    status = 404
    kind = "unknown-zone"


def grid_slots(context: Context, zone: str, asked: Span, criterion: Criterion) -> dict[str, Any]:
    """Return the intensity of each slot of a zone as JSON. Raises NoSuchZone, and BadPeriod if too long."""
    if asked.last - asked.first > LONGEST_DAYS * DAY_S:
        raise BadPeriod(f"the period is too long (limit {LONGEST_DAYS} days): choose a shorter one")
    try:
        found = Grid(context, asked, criterion).of(zone)
    except UnknownZone as error:
        raise NoSuchZone(str(error)) from error
    starts = range(asked.first, asked.last, SLOT_S)
    slots = () if found is None else zip(starts, found.kg_per_kwh.tolist(), found.tier.tolist(), strict=True)
    return {
        "zone": zone,
        "criterion": criterion,
        "unit": f"{UNITS[criterion]}/kWh",
        "factors": [] if found is None else list(found.errors),
        "factor_set": context.factors.id,
        "slots": [{"start": start, "value": value, "tier": TIERS[tier]} for start, value, tier in slots],
    }

"""Query parameters of several routes: period, criterion, policy, basis of the electricity, org unit."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.service_life.amortisation import Policy

from ..grid.supply_contracts import Electricity

BeginParameter = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description="Date or time (ISO 8601), or seconds since 1970 UTC; default: midnight 7 days before.",
    ),
]
EndParameter = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=40,
        description="End of the period, not included; same formats as `from`; default: now.",
    ),
]
CriterionParameter = Annotated[
    Criterion, Query(description="Climate, metals and minerals, or primary energy.")
]
PolicyParameter = Annotated[
    Policy | None,
    Query(
        description="How embodied impact is spread: over the service life, in the year of purchase, or by "
        "active hours; default: the collector's policy."
    ),
]
ElectricityParameter = Annotated[
    Electricity,
    Query(
        description="Basis of the electricity: the grid at the location, or the market (supply contracts). "
        "Only gwp has market-based values; other criteria are always location-based."
    ),
]
OrgUnitParameter = Annotated[
    str | None, Query(max_length=400, description="Path of an org unit: it and all below it.")
]

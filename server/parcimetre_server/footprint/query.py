"""Footprint queries and the rows that answer them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.service_life.amortisation import Policy

from ..base.periods import Interval, Span
from ..grid.supply_contracts import Electricity
from ..store.records import DeviceId

COMPLETE = 0.995
STAGES = tuple(
    str(stage) for stage in (Stage.USE, Stage.MANUFACTURING, Stage.DISTRIBUTION, Stage.END_OF_LIFE)
)


@dataclass(frozen=True)
class FootprintQuery:
    """Devices, period, criterion and method of a footprint.

    `org_unit` includes its subtree; without `amortisation` the collector's own policy applies.
    `electricity` is by location (grid) or by market (supply contracts), the latter for gwp only.
    """

    span: Span
    criterion: Criterion = Criterion.GWP
    interval: Interval = "total"
    org_unit: str | None = None
    device: DeviceId | None = None
    amortisation: Policy | None = None
    electricity: Electricity = "location"


@dataclass(frozen=True)
class Extrapolated:
    """Footprint of a group with its missing time extrapolated from the recorded time."""

    energy_kwh: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FootprintRow:
    """Footprint of a group in a period; `value` is None where no factor has the criterion.

    `low` and `high` are the bounds of the 95 % interval. `absent` are the stages missing from the value for
    at least one device. `extrapolated` is None where no record can stand in for the missing time.
    `electricity` is the basis of the use stage; `grid_tiers` are the shares of the electricity by grid zone
    and tier of evidence of its intensity (TIERS of the engine), together 1.
    """

    group: str
    period: str
    energy_kwh: float
    value: float | None
    low: float | None
    high: float | None
    unit: str
    coverage: float | None
    measured_share: float | None
    factor_set: str
    absent: tuple[Stage, ...]
    simulated: bool | Literal["partly"]
    extrapolated: Extrapolated | None
    electricity: Electricity
    grid_tiers: Mapping[str, Mapping[str, float]]

    @property
    def incomplete(self) -> bool:
        """Whether coverage is so low that the extrapolation should be shown."""
        return self.extrapolated is not None and self.coverage is not None and self.coverage < COMPLETE

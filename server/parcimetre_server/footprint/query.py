"""A question about the footprint of devices over a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.service_life.amortisation import Policy

from ..base.errors import ParcimetreError
from ..base.periods import Interval, Span
from ..grid.supply_contracts import Electricity
from ..store.records import DeviceId

COMPLETE = 0.995


class TooManyRows(ParcimetreError):
    """An answer that would be too long."""

    status = 400
    kind = "too-many-rows"


@dataclass(frozen=True)
class FootprintQuery:
    """Which footprint; `org_unit` stands for its whole subtree, and no policy for the collector's own.

    `electricity` is by location (what the grid did) or by market (what contracts say); gwp alone knows both.
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
    """Footprint of a group, had the time without a record been like the time with one."""

    energy_kwh: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FootprintRow:
    """Footprint of a group in a period; `value` is None where no factor knows the criterion.

    `low` and `high` bound 95 % of what the factors' errors allow. `absent` are the stages that the value
    leaves out for at least one device. `extrapolated` is None where no record can stand for the missing ones.
    `electricity` says what the use stage is based on; `grid_tiers` holds, by grid zone, the shares of the
    electricity by what stands behind its intensity (TIERS of the engine), together 1.
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
        """Whether so much has no record that what stands for it is worth showing."""
        return self.extrapolated is not None and self.coverage is not None and self.coverage < COMPLETE

"""What feeds say of single slots of a grid zone: megawatts by origin, or a published intensity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..activity import SLOT_S

FUELS = ("biomass", "coal", "gas", "geothermal", "hydro", "nuclear", "oil", "solar", "wind")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class GridObservation:
    """A zone's electricity in the slot that begins at `start` (seconds UTC), as `source` states it.

    Either megawatts produced by fuel (of FUELS) and imported by zone, or, where the publisher computed it,
    life-cycle kg CO2 eq per kWh; `at_meter` says that this counts the losses of the grid already.
    """

    start: int
    source: str
    produced_mw: Mapping[str, float] = field(default_factory=dict)
    imported_mw: Mapping[str, float] = field(default_factory=dict)
    kg_per_kwh: float | None = None
    at_meter: bool = False

    @property
    def shares(self) -> dict[tuple[str, str], float]:
        """Shares of the kWh, by ("fuel", name) and ("import", zone), that add up to 1; none if nothing flows.

        What is negative counts as zero: plants that take their own use from the grid, and exports, which
        have the zone's own mix and do not change it. Pumping is demand, not production.
        """
        flows = {("fuel", fuel): mw for fuel, mw in self.produced_mw.items() if mw > 0}
        flows |= {("import", zone): mw for zone, mw in self.imported_mw.items() if mw > 0}
        whole = sum(flows.values())
        return {origin: mw / whole for origin, mw in flows.items()}


@dataclass(frozen=True)
class ObservedSlots:
    """Readings of one zone as columns: `starts` (m,) ascending, `shares` (m,) by origin, published values.

    `kg_per_kwh` (m,) is NaN in a slot that is known by its shares.
    """

    readings: Mapping[int, GridObservation]
    starts: NDArray[np.int64]
    shares: Mapping[tuple[str, str], Array]
    kg_per_kwh: Array
    at_meter: NDArray[np.bool_]


def collect_observations(readings: Iterable[GridObservation]) -> ObservedSlots | None:
    """Readings as columns; of two for one slot the later one counts, and a slot without any flow is a gap."""
    last = {r.start // SLOT_S * SLOT_S: r for r in readings if r.kg_per_kwh is not None or r.shares}
    if not last:
        return None
    ordered = dict(sorted(last.items()))
    known = list(ordered.values())
    by_slot = [{} if r.kg_per_kwh is not None else r.shares for r in known]
    origins = sorted({origin for of_slot in by_slot for origin in of_slot})
    return ObservedSlots(
        ordered,
        np.array(list(ordered), np.int64),
        {origin: np.array([of_slot.get(origin, 0.0) for of_slot in by_slot]) for origin in origins},
        np.array([np.nan if r.kg_per_kwh is None else r.kg_per_kwh for r in known]),
        np.array([r.at_meter for r in known]),
    )

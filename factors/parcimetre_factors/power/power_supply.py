"""From what is counted behind a power supply to the wall: the supply's efficiency at its load.

Published minima at 10, 20, 50 and 100 % of the rating, straight between them and level below 10 %; one
error for all. A device's idle watts are at the wall already, with what its supply loses at idle: what comes
on top of them (a processor's load) is converted at the supply's efficiency at half load.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..explanation.leaves import factor_leaf
from ..explanation.term import Term
from ..hardware.description import Hardware
from ..tables.factor_set import FactorId, FactorSet
from .clients import class_of

POINTS = (10, 20, 50, 100)
SUPPLY_KINDS = {
    "laptop": "external", "mini_pc": "external", "thin_client": "external", "desktop": "internal",
    "all_in_one": "internal", "workstation": "internal", "other": "internal",
}  # fmt: skip
BATTERY = "power.supply.battery"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class SupplyEfficiency:
    """A device's power supply: watts at full load, efficiency at POINTS, and of a battery's charge."""

    kind: str
    rated_w: float
    efficiency: tuple[float, ...]
    battery: float
    error: FactorId

    def at(self, watts: Array) -> Array:
        """Efficiency while the supply gives `watts`, the shape of them."""
        load = 100 * np.asarray(watts) / self.rated_w
        return np.interp(load, POINTS, self.efficiency)

    @property
    def at_half_load(self) -> float:
        """Efficiency of what comes on top of idle."""
        return self.efficiency[POINTS.index(50)]


def supply_kind(hardware: Hardware) -> str:
    """Which supply a device has: that of a server, an external one, or one inside."""
    return "server" if hardware.category == "server" else SUPPLY_KINDS[class_of(hardware)]


def supply(hardware: Hardware, factors: FactorSet) -> SupplyEfficiency:
    """The supply that devices of its kind usually have."""
    prefix = f"power.supply.{supply_kind(hardware)}"
    return SupplyEfficiency(
        supply_kind(hardware),
        factors.get(f"{prefix}.rated").value,
        tuple(factors.get(f"{prefix}.{at}").value for at in POINTS),
        factors.get(BATTERY).value,
        factors.get(f"{prefix}.error").id,
    )


def at_half_load(hardware: Hardware, factors: FactorSet) -> Term:
    """Efficiency of what comes on top of idle, as a term."""
    return factor_leaf("efficiency of the power supply", f"power.supply.{supply_kind(hardware)}.50", factors)

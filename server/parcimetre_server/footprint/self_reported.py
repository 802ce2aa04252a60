"""Energy that devices on metered outlets report themselves, beside that of their outlets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from parcimetre_factors.power.power_sources import select_power_source

from ..base.periods import Span
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..fleet.hardware import is_virtual
from ..fleet.outlets.energy import by_outlets
from ..organisation import merges
from ..organisation.connections import ConnectionMap
from ..store.interface import Store
from .hardware_model import HardwareModel


@dataclass(frozen=True)
class SelfReported:
    """Electricity in slots that outlets counted whole and that the device recorded too.

    `own_kwh` is by the device's own counters or model; `outlets_kwh` is the figure that counts.
    """

    outlets_kwh: float
    own_kwh: float


def self_reported(store: Store, device: Device, model: HardwareModel, span: Span) -> SelfReported | None:
    """Return both energies of a device over a span, None where they have no slot in common."""
    if not device.wired:
        return None
    starts, energy_j = by_outlets(store, ConnectionMap.of(store), device.id, span.first, span.last)
    own = merges.activity(store, device.id, span.first, span.last)
    common, of_outlets, of_own = np.intersect1d(starts, own.start, assume_unique=True, return_indices=True)
    if not len(common):
        return None
    own_j = select_power_source(own, model.watts, is_virtual(device), model.supply).energy_j
    return SelfReported(float(energy_j[of_outlets].sum()) / J_PER_KWH, float(own_j[of_own].sum()) / J_PER_KWH)

"""What a device that hangs on outlets says itself, beside what they counted: two figures of the same time."""

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
    """Electricity of the quarter hours that outlets counted whole and of which the device has a record too.

    `own_kwh` is what its own counters, or its model, say of them; `outlets_kwh` is what counts.
    """

    outlets_kwh: float
    own_kwh: float


def self_reported(store: Store, device: Device, profile: HardwareModel, span: Span) -> SelfReported | None:
    """Both figures of a device, None where there are none to compare."""
    if not device.wired:
        return None
    starts, energy_j = by_outlets(store, ConnectionMap.of(store), device.id, span.first, span.last)
    own = merges.activity(store, device.id, span.first, span.last)
    both, told, recorded = np.intersect1d(starts, own.start, assume_unique=True, return_indices=True)
    if not len(both):
        return None
    own_j = select_power_source(own, profile.watts, is_virtual(device), profile.supply).energy_j
    return SelfReported(float(energy_j[told].sum()) / J_PER_KWH, float(own_j[recorded].sum()) / J_PER_KWH)

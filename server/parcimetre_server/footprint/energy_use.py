"""What devices that are alike used: energy and its impact by rung, device and period, from their slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import DECILES, Activity, MeasuredEnergy
from parcimetre_factors.grid.intensity import TIERS, GridSlots
from parcimetre_factors.power.power_sources import POWER_SOURCES, SourcedEnergy, select_power_source

from ..base.periods import Periods
from ..base.units import J_PER_KWH
from .hardware_model import Errors, HardwareModel

Array = NDArray[np.float64]
STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s")


@dataclass(frozen=True)
class DeviceSlots:
    """Slots of n devices, those of one after those of another; `of` says whose each is."""

    n: int
    of: NDArray[np.intp]
    activity: Activity
    _chosen: dict[HardwareModel, SourcedEnergy] = field(default_factory=dict)

    def chosen(self, profile: HardwareModel) -> SourcedEnergy:
        """Energy of each slot by the hardware's profile, looked at once."""
        if profile not in self._chosen:
            virtual = profile.hardware.virtual
            self._chosen[profile] = select_power_source(self.activity, profile.watts, virtual, profile.supply)
        return self._chosen[profile]


@dataclass(frozen=True)
class EnergyUse:
    """Energy and impact of use by rung, device and period (r, n, p), and covered seconds (n, p).

    The impact is told by the errors that it carries, the energy again by the tier of the grid's evidence;
    both are empty where no factor knows the criterion.
    """

    energy_j: Array
    measured_j: Array
    covered_s: Array
    by_errors: Mapping[Errors, Array]
    tier_j: Mapping[str, Array]


def join_slots(activities: Sequence[Activity | None]) -> DeviceSlots:
    """The slots of several devices, in their order; a counter is zero where a device does not have it."""
    known = [(i, activity) for i, activity in enumerate(activities) if activity is not None]
    counts = [len(activity.start) for _, activity in known]
    of = np.repeat(np.array([i for i, _ in known], np.intp), counts)
    edges = np.cumsum([0, *counts])
    counters: dict[tuple[str, str, str], tuple[Array, Array]] = {}
    for (_, activity), first, last in zip(known, edges, edges[1:], strict=False):
        for counter in activity.measured:
            channel = (counter.source, counter.scope, counter.quality)
            energy_j, duration_s = counters.setdefault(channel, (np.zeros(len(of)), np.zeros(len(of))))
            energy_j[first:last], duration_s[first:last] = counter.energy_j, counter.duration_s
    joined = {
        name: np.concatenate([np.zeros(0), *(getattr(activity, name) for _, activity in known)])
        for name in STATES
    }
    start = np.concatenate([np.zeros(0, np.int64), *(activity.start for _, activity in known)])
    loads_s = [np.zeros((0, DECILES)), *(activity.load_deciles_s for _, activity in known)]
    load_s = np.concatenate(loads_s, out=np.empty((DECILES, len(of))).T)  # by column, as the days are read
    measured = tuple(MeasuredEnergy(*channel, *counted) for channel, counted in counters.items())
    return DeviceSlots(
        len(activities), of, Activity(start, **joined, load_deciles_s=load_s, measured=measured)
    )


def energy_use(
    slots: DeviceSlots,
    profile: HardwareModel,
    grid: GridSlots | None,
    at: NDArray[np.int64],
    periods: Periods,
) -> EnergyUse:
    """What devices of one profile and one grid used; `at` is where each slot stands in the grid's arrays."""
    activity, p = slots.activity, len(periods.names)
    chosen = slots.chosen(profile)
    of_period = periods.index(activity.start)
    cells = (chosen.rung.astype(np.intp) * slots.n + slots.of) * p + of_period

    def binned(values: Array) -> Array:
        """Values added up by rung, device and period."""
        shape = (len(POWER_SOURCES), slots.n, p)
        return np.bincount(cells, values, len(POWER_SOURCES) * slots.n * p).astype(np.float64).reshape(shape)

    by_errors: dict[Errors, Array] = {}
    tier_j: dict[str, Array] = {}
    if grid is not None:
        carried = _carried(chosen, profile)
        for errors, kg_per_kwh in grid.parts.items():
            per_j = kg_per_kwh[at] / J_PER_KWH
            if per_j.any():
                for own, energy_j in carried.items():
                    key = tuple(sorted((*own, *errors)))
                    by_errors[key] = by_errors.get(key, 0.0) + binned(energy_j * per_j)
        tiers = grid.tier[at]
        tier_j = {
            TIERS[tier]: binned(np.where(tiers == tier, chosen.energy_j, 0.0))
            for tier in np.flatnonzero(np.bincount(tiers)).tolist()
        }
    covered_s = np.bincount(slots.of * p + of_period, activity.covered_s, slots.n * p).astype(np.float64)
    return EnergyUse(
        binned(chosen.energy_j), binned(chosen.measured_j), covered_s.reshape(slots.n, p), by_errors, tier_j
    )


def _carried(chosen: SourcedEnergy, profile: HardwareModel) -> dict[Errors, Array]:
    """Energy of each slot by the errors of counting and modelling it."""
    found = {errors: chosen.modelled_s @ watts for errors, watts in profile.watts_by_errors.items()}
    for errors, energy_j in chosen.counted_by_errors.items():
        found[errors] = found.get(errors, 0.0) + energy_j
    return {errors: energy_j for errors, energy_j in found.items() if energy_j.any()}

"""Energy use of a cohort: energy and its impact by power source, device and period, from slots."""

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
    """Slots of n devices, one device after another; `owner` is the index of each slot's device."""

    n: int
    owner: NDArray[np.intp]
    activity: Activity
    _sourced: dict[HardwareModel, SourcedEnergy] = field(default_factory=dict)

    def sourced_energy(self, model: HardwareModel) -> SourcedEnergy:
        """Return the energy of each slot and its power source, computed once per hardware model."""
        if model not in self._sourced:
            virtual = model.hardware.virtual
            self._sourced[model] = select_power_source(self.activity, model.watts, virtual, model.supply)
        return self._sourced[model]


@dataclass(frozen=True)
class EnergyUse:
    """Energy in J by power source, device and period (r, n, p), and covered seconds (n, p).

    `by_errors` is the impact by the errors it carries, `tier_j` the energy by tier of the grid's evidence;
    both are empty where no factor has the criterion.
    """

    energy_j: Array
    measured_j: Array
    covered_s: Array
    by_errors: Mapping[Errors, Array]
    tier_j: Mapping[str, Array]


def join_slots(activities: Sequence[Activity | None]) -> DeviceSlots:
    """Join the slots of several devices, in their order; a device without a counter has zeros in it."""
    present = [(i, activity) for i, activity in enumerate(activities) if activity is not None]
    counts = [len(activity.start) for _, activity in present]
    owner = np.repeat(np.array([i for i, _ in present], np.intp), counts)
    edges = np.cumsum([0, *counts])
    counters: dict[tuple[str, str, str], tuple[Array, Array]] = {}
    for (_, activity), first, last in zip(present, edges, edges[1:], strict=False):
        for counter in activity.measured:
            channel = (counter.source, counter.scope, counter.quality)
            energy_j, duration_s = counters.setdefault(channel, (np.zeros(len(owner)), np.zeros(len(owner))))
            energy_j[first:last], duration_s[first:last] = counter.energy_j, counter.duration_s
    joined = {
        name: np.concatenate([np.zeros(0), *(getattr(activity, name) for _, activity in present)])
        for name in STATES
    }
    start = np.concatenate([np.zeros(0, np.int64), *(activity.start for _, activity in present)])
    loads_s = [np.zeros((0, DECILES)), *(activity.load_deciles_s for _, activity in present)]
    load_s = np.concatenate(loads_s, out=np.empty((DECILES, len(owner))).T)  # by column, as the days are read
    measured = tuple(MeasuredEnergy(*channel, *counted) for channel, counted in counters.items())
    return DeviceSlots(
        len(activities), owner, Activity(start, **joined, load_deciles_s=load_s, measured=measured)
    )


def energy_use(
    slots: DeviceSlots,
    model: HardwareModel,
    grid: GridSlots | None,
    at: NDArray[np.int64],
    periods: Periods,
) -> EnergyUse:
    """Return the energy use of devices of one hardware model and grid; `at` indexes the grid by slot."""
    activity, p = slots.activity, len(periods.names)
    sourced = slots.sourced_energy(model)
    of_period = periods.index(activity.start)
    cells = (sourced.source.astype(np.intp) * slots.n + slots.owner) * p + of_period

    def binned(values: Array) -> Array:
        """Values added up by power source, device and period (r, n, p)."""
        shape = (len(POWER_SOURCES), slots.n, p)
        return np.bincount(cells, values, len(POWER_SOURCES) * slots.n * p).astype(np.float64).reshape(shape)

    by_errors: dict[Errors, Array] = {}
    tier_j: dict[str, Array] = {}
    if grid is not None:
        energies = _energy_by_errors(sourced, model)
        for errors, kg_per_kwh in grid.parts.items():
            per_j = kg_per_kwh[at] / J_PER_KWH
            if per_j.any():
                for own, energy_j in energies.items():
                    key = tuple(sorted((*own, *errors)))
                    by_errors[key] = by_errors.get(key, 0.0) + binned(energy_j * per_j)
        tiers = grid.tier[at]
        tier_j = {
            TIERS[tier]: binned(np.where(tiers == tier, sourced.energy_j, 0.0))
            for tier in np.flatnonzero(np.bincount(tiers)).tolist()
        }
    covered_s = np.bincount(slots.owner * p + of_period, activity.covered_s, slots.n * p).astype(np.float64)
    return EnergyUse(
        binned(sourced.energy_j), binned(sourced.measured_j), covered_s.reshape(slots.n, p), by_errors, tier_j
    )


def _energy_by_errors(sourced: SourcedEnergy, model: HardwareModel) -> dict[Errors, Array]:
    """Energy of each slot in J by the errors of counting and modelling it."""
    energies = {errors: sourced.modelled_s @ watts for errors, watts in model.watts_by_errors.items()}
    for errors, energy_j in sourced.counted_by_errors.items():
        energies[errors] = energies.get(errors, 0.0) + energy_j
    return {errors: energy_j for errors, energy_j in energies.items() if energy_j.any()}

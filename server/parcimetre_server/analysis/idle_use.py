"""Idle use: computers awake and idle at night and at weekends, and servers idle all week.

It is computed from the records that footprints use: seconds in each state, time at each load, energy. A slot
is idle when nine tenths of its time awake were in the lowest load decile; slots without a recorded load do
not count. The method and its limits are Parcimètre's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity

from ..base.periods import HOUR_S, Span
from ..base.units import J_PER_KWH
from ..base.working_hours import WORKING, week_parts
from ..fleet.device import Device
from ..footprint.device_footprints import Cohort, QueryContext
from ..footprint.energy_use import Array, DeviceSlots
from ..store.records import DeviceId

WORKSTATIONS = frozenset({"desktop", "laptop", "all_in_one", "mini_pc"})
SERVERS = frozenset({"server", "virtual_machine"})
IDLE_SLOT, IDLE_SERVER = 0.9, 0.95
ENOUGH_S = 24 * HOUR_S
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class EnergyAmount:
    """Electricity in kWh and the climate impact of its use in kg CO2 eq."""

    energy_kwh: float = 0.0
    gwp_kgco2e: float = 0.0


@dataclass(frozen=True)
class IdlePattern:
    """A device's use while awake and idle outside hours, as an idle server, and in all its `awake_s` seconds.

    `left_on` counts energy above that of sleep, `idle_server` energy above that of being off.
    """

    device: Device
    left_on: EnergyAmount
    idle_server: EnergyAmount
    awake: EnergyAmount
    awake_s: float


class IdleUseObserver:
    """Collects idle patterns while the slots of a span are read for footprints."""

    def __init__(self, span: Span, zone: ZoneInfo) -> None:
        """Start without any pattern."""
        self._span, self._outside = span, outside_hours(span, zone)
        self._patterns: dict[tuple[DeviceId, int], IdlePattern] = {}

    def observe(self, cohort: Cohort, query_context: QueryContext, slots: DeviceSlots) -> None:
        """Add the patterns of a cohort of computers; other devices have none."""
        if cohort.devices[0].category not in WORKSTATIONS | SERVERS:
            return
        start = slots.activity.start
        kg_per_kwh = np.zeros(len(start))
        if cohort.slots is not None:
            kg_per_kwh = cohort.slots.kg_per_kwh[query_context.grid.index(start)]
        outside = self._outside[(start - self._span.first) // SLOT_S]
        for pattern in _patterns_of(cohort, slots, outside, kg_per_kwh):  # perhaps read before, with others
            self._patterns[pattern.device.id, pattern.device.since] = pattern

    def patterns(self, devices: Mapping[DeviceId, Device]) -> Iterator[IdlePattern]:
        """Return the patterns of devices at their present placement, in the order of their ids."""
        ordered = sorted(self._patterns.values(), key=lambda pattern: pattern.device.id)
        return visible_patterns(devices, ordered, self._span)


def visible_patterns(
    devices: Mapping[DeviceId, Device], patterns: Iterable[IdlePattern], span: Span
) -> Iterator[IdlePattern]:
    """Return the patterns of these devices, with their visible names, unless they left within the span."""
    for pattern in patterns:
        device = devices.get(pattern.device.id)
        if device is not None and pattern.device.since == device.since and device.until >= span.last:
            yield pattern if device is pattern.device else replace(pattern, device=device)


def outside_hours(span: Span, zone: ZoneInfo) -> Flags:
    """Return which slots begin at a weekend, before 7 or after 20 o'clock local time, shape (slots,)."""
    outside: Flags = week_parts(span.first, span.last, SLOT_S, zone) != WORKING
    return outside


def _patterns_of(
    cohort: Cohort, slots: DeviceSlots, outside: Flags, kg_per_kwh: Array
) -> Iterator[IdlePattern]:
    """The pattern of each computer of a cohort that has a record."""
    activity, model, n = slots.activity, cohort.model, slots.n
    energy_j = slots.sourced_energy(model).energy_j
    idle, awake = _idle(activity), activity.awake_s > 0

    def summed(selected: Flags, per_slot: Array) -> Array:
        """The sum of each device over some of its slots (n,)."""
        return np.bincount(slots.owner[selected], per_slot[selected], n).astype(np.float64)

    def amounts(selected: Flags, spent_j: Array) -> list[EnergyAmount]:
        """Energy of each device over some of its slots, and its impact by the grid's intensity in each."""
        kwh = np.maximum(spent_j, 0.0) / J_PER_KWH
        both = zip(summed(selected, kwh), summed(selected, kwh * kg_per_kwh), strict=True)
        return [EnergyAmount(float(used), float(kg)) for used, kg in both]

    beyond_sleep = energy_j - model.watts["asleep"].value * activity.covered_s
    beyond_off = energy_j - model.watts["off"].value * activity.covered_s
    left_on = amounts(outside & idle, beyond_sleep)
    unneeded, used = amounts(awake, beyond_off), amounts(awake, energy_j)
    awake_s, idle_s = summed(awake, activity.awake_s), summed(idle, activity.awake_s)
    for i in np.flatnonzero(np.bincount(slots.owner)).tolist():
        device = cohort.devices[i]
        desk = device.category in WORKSTATIONS
        idles = not desk and awake_s[i] >= ENOUGH_S and idle_s[i] >= IDLE_SERVER * awake_s[i]
        yield IdlePattern(
            device,
            left_on[i] if desk else EnergyAmount(),
            unneeded[i] if idles else EnergyAmount(),
            used[i],
            float(awake_s[i]),
        )


def _idle(activity: Activity) -> Flags:
    """Which slots had nine tenths of their time awake in the lowest load decile; shape (slots,)."""
    loaded_s = activity.loaded_s
    idle: Flags = (loaded_s > 0) & (activity.load_deciles_s[:, 0] >= IDLE_SLOT * loaded_s)
    return idle

"""What machines did that nobody needed: awake and idle at night and at weekends, or idle all week.

Nothing is read but what figures are made of: seconds of states, time at each load, energy. A slot is idle
when nine tenths of its time awake were spent in the lowest tenth of the load; where no load was recorded,
nothing is said. The method and its limits are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity

from ..base.periods import HOUR_S, Span
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..footprint.device_footprints import Cohort, QueryContext
from ..footprint.energy_use import Array, DeviceSlots
from ..store.records import DeviceId

WORKSTATIONS = frozenset({"desktop", "laptop", "all_in_one", "mini_pc"})
SERVERS = frozenset({"server", "virtual_machine"})
OPENS, CLOSES, WORKDAYS = 7, 20, 5
IDLE_SLOT, IDLE_SERVER = 0.9, 0.95
ENOUGH_S = 24 * HOUR_S
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class EnergyAmount:
    """Electricity, and the climate impact of its use."""

    energy_kwh: float = 0.0
    gwp_kgco2e: float = 0.0


@dataclass(frozen=True)
class IdlePattern:
    """A device's span: what it used while awake and idle outside hours, what it used as an idle server, and
    all it used awake, over `awake_s` seconds.

    The first two count what is beyond sleeping and beyond being off, each for the same time.
    """

    device: Device
    left_on: EnergyAmount
    idle_server: EnergyAmount
    awake: EnergyAmount
    awake_s: float


class IdleUseObserver:
    """Tells the habits of machines as the slots of a span are read for their figures."""

    def __init__(self, span: Span, zone: ZoneInfo) -> None:
        """Know the hours; nothing was seen yet."""
        self._span, self._outside = span, outside_hours(span, zone)
        self._seen: list[IdlePattern] = []

    def watch(self, group: Cohort, frame: QueryContext, slots: DeviceSlots) -> None:
        """Look at what machines that are alike did; others have no habits."""
        if group.devices[0].category not in WORKSTATIONS | SERVERS:
            return
        start = slots.activity.start
        kg_per_kwh = np.zeros(len(start))
        if group.slots is not None:
            kg_per_kwh = group.slots.kg_per_kwh[frame.grid.index(start)]
        outside = self._outside[(start - self._span.first) // SLOT_S]
        self._seen += _habits(group, slots, outside, kg_per_kwh)

    def of(self, known: Mapping[DeviceId, Device]) -> Iterator[IdlePattern]:
        """The habits of machines since they are where they are, in the order of their ids."""
        return visible_patterns(known, sorted(self._seen, key=lambda habit: habit.device.id), self._span)


def visible_patterns(
    known: Mapping[DeviceId, Device], habits: Iterable[IdlePattern], span: Span
) -> Iterator[IdlePattern]:
    """Habits that somebody may see who knows these devices, of those that have not left in the span."""
    for habit in habits:
        device = known.get(habit.device.id)
        if device is not None and habit.device.since == device.since and device.until >= span.last:
            yield habit if device is habit.device else replace(habit, device=device)


def outside_hours(span: Span, zone: ZoneInfo) -> Flags:
    """Which slots of a span begin at a weekend, before 7 or after 20 o'clock local time, shape (slots,)."""
    local = [datetime.fromtimestamp(start, zone) for start in range(span.first, span.last, SLOT_S)]
    return np.array([at.weekday() >= WORKDAYS or not OPENS <= at.hour < CLOSES for at in local], np.bool_)


def _habits(group: Cohort, slots: DeviceSlots, outside: Flags, kg_per_kwh: Array) -> Iterator[IdlePattern]:
    """The habits of machines that are alike; those without a record are left out."""
    activity, profile, n = slots.activity, group.profile, slots.n
    energy_j = slots.chosen(profile).energy_j
    idle, awake = _idle(activity), activity.awake_s > 0

    def summed(chosen: Flags, per_slot: Array) -> Array:
        """The sum of each device over some of its slots (n,)."""
        return np.bincount(slots.of[chosen], per_slot[chosen], n).astype(np.float64)

    def amounts(chosen: Flags, spent_j: Array) -> list[EnergyAmount]:
        """Energy of each device over some of its slots, with the grid's intensity in each."""
        kwh = np.maximum(spent_j, 0.0) / J_PER_KWH
        both = zip(summed(chosen, kwh), summed(chosen, kwh * kg_per_kwh), strict=True)
        return [EnergyAmount(float(used), float(kg)) for used, kg in both]

    beyond_sleep = energy_j - profile.watts["asleep"].value * activity.covered_s
    beyond_off = energy_j - profile.watts["off"].value * activity.covered_s
    left_on = amounts(outside & idle, beyond_sleep)
    unneeded, used = amounts(awake, beyond_off), amounts(awake, energy_j)
    awake_s, idle_s = summed(awake, activity.awake_s), summed(idle, activity.awake_s)
    for i in np.flatnonzero(np.bincount(slots.of)).tolist():
        device = group.devices[i]
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
    """Slots whose time awake had next to no load; none where no load was recorded."""
    loaded_s = activity.loaded_s
    idle: Flags = (loaded_s > 0) & (activity.load_deciles_s[:, 0] >= IDLE_SLOT * loaded_s)
    return idle

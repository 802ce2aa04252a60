"""What machines did that nobody needed: awake and idle at night and at weekends, or idle all week.

Nothing is read but what figures are made of: seconds of states, time at each load, energy. A slot is idle
when nine tenths of its time awake were spent in the lowest tenth of the load; where no load was recorded,
nothing is said. The method and its limits are ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.criteria import Criterion

from .. import lineage
from ..collector import Collector
from ..devices import Device
from ..figures import MOST_ALIKE, Grid
from ..periods import HOUR_S, Span
from ..profiles import Profile, profiles
from ..rungs import choose
from ..store import DeviceId
from ..use import J_PER_KWH, Array, together

DESKS = frozenset({"desktop", "laptop", "all_in_one", "mini_pc"})
SERVERS = frozenset({"server", "virtual_machine"})
OPENS, CLOSES, WORKDAYS = 7, 20, 5
IDLE_SLOT, IDLE_SERVER = 0.9, 0.95
ENOUGH_S = 24 * HOUR_S
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Amount:
    """Electricity, and the climate impact of its use."""

    energy_kwh: float = 0.0
    gwp_kgco2e: float = 0.0


@dataclass(frozen=True)
class Habit:
    """A device's span: what it used while awake and idle outside hours, what it used as an idle server, and
    all it used awake, over `awake_s` seconds.

    The first two count what is beyond sleeping and beyond being off, each for the same time.
    """

    device: Device
    left_on: Amount
    idle_server: Amount
    awake: Amount
    awake_s: float


def habits(collector: Collector, span: Span, found: Mapping[DeviceId, Device]) -> list[Habit]:
    """The habits of the machines among some devices, in the order of their ids."""
    grid = Grid(collector, span, Criterion.GWP)
    outside = outside_hours(span, collector.zone)
    known = profiles(collector.factors)
    alike: defaultdict[tuple[int, str], list[Device]] = defaultdict(list)
    for key in sorted(found):
        device = found[key]
        if device.category in DESKS | SERVERS:
            alike[id(known.of_device(device)), device.zone].append(device)
    made: list[Habit] = []
    for (_, zone), members in alike.items():
        slots, profile = grid.of(zone), known.of_device(members[0])
        kg_per_kwh = np.zeros(len(outside)) if slots is None else slots.kg_per_kwh
        for some in _pieces(members, MOST_ALIKE):
            made += _habits(list(_recorded(collector, some, span)), profile, span, outside, kg_per_kwh)
    return sorted(made, key=lambda habit: habit.device.id)


def _recorded(collector: Collector, some: Sequence[Device], span: Span) -> Iterator[tuple[Device, Activity]]:
    """What machines did since they are where they are; those without a record are left out."""
    ids = [one.id for one in some]
    read = dict(lineage.activities(collector.store, ids, span.first, span.last))
    for one in some:
        found = read.get(one.id)
        during = None if found is None else lineage.between(found, one.since, one.until)
        if during is not None and len(during.start):
            yield one, during


def outside_hours(span: Span, zone: ZoneInfo) -> Flags:
    """Which slots of a span begin at a weekend, before 7 or after 20 o'clock local time, shape (slots,)."""
    local = [datetime.fromtimestamp(start, zone) for start in range(span.first, span.last, SLOT_S)]
    return np.array([at.weekday() >= WORKDAYS or not OPENS <= at.hour < CLOSES for at in local], np.bool_)


def _pieces(members: Sequence[Device], size: int) -> Iterator[Sequence[Device]]:
    return (members[at : at + size] for at in range(0, len(members), size))


def _habits(
    recorded: Sequence[tuple[Device, Activity]],
    profile: Profile,
    span: Span,
    outside: Flags,
    kg_per_kwh: Array,
) -> Iterable[Habit]:
    """The habits of machines that are alike."""
    slots, n = together([activity for _, activity in recorded]), len(recorded)
    activity = slots.activity
    at = (activity.start - span.first) // SLOT_S
    energy_j = choose(activity, profile.watts, profile.hardware.virtual, profile.supply).energy_j
    idle, awake = _idle(activity), activity.awake_s > 0

    def summed(chosen: Flags, per_slot: Array) -> Array:
        """The sum of each device over some of its slots (n,)."""
        return np.bincount(slots.of[chosen], per_slot[chosen], n).astype(np.float64)

    def amounts(chosen: Flags, spent_j: Array) -> list[Amount]:
        """Energy of each device over some of its slots, with the grid's intensity in each."""
        kwh = np.maximum(spent_j, 0.0) / J_PER_KWH
        both = zip(summed(chosen, kwh), summed(chosen, kwh * kg_per_kwh[at]), strict=True)
        return [Amount(float(used), float(kg)) for used, kg in both]

    beyond_sleep = energy_j - profile.watts["asleep"].value * activity.covered_s
    beyond_off = energy_j - profile.watts["off"].value * activity.covered_s
    left_on = amounts(outside[at] & idle, beyond_sleep)
    unneeded, used = amounts(awake, beyond_off), amounts(awake, energy_j)
    awake_s, idle_s = summed(awake, activity.awake_s), summed(idle, activity.awake_s)
    for i, (device, _) in enumerate(recorded):
        desk = device.category in DESKS
        idles = not desk and awake_s[i] >= ENOUGH_S and idle_s[i] >= IDLE_SERVER * awake_s[i]
        yield Habit(
            device,
            left_on[i] if desk else Amount(),
            unneeded[i] if idles else Amount(),
            used[i],
            float(awake_s[i]),
        )


def _idle(activity: Activity) -> Flags:
    """Slots whose time awake had next to no load; none where no load was recorded."""
    loaded_s = activity.load_deciles_s.sum(axis=1)
    idle: Flags = (loaded_s > 0) & (activity.load_deciles_s[:, 0] >= IDLE_SLOT * loaded_s)
    return idle

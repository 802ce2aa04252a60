"""What outlets counted, slot by slot, and what those of one device counted together.

That sum stands for all that a device took only where each of its outlets counted nearly the whole slot: a
part never passes for the whole. What somebody modelled is no count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.power.power_sources import QUALITIES, Array

from ...organisation.connections import Hung, Outlet
from ...store.interface import Store
from ...store.joining import join
from ...store.records import DeviceId

NEARLY_S = 810  # of the 900 s of a slot: the rest may be modelled
SEVERAL = "outlets"
USABLE = QUALITIES[:2]
Flags = NDArray[np.bool_]
Ids = tuple[DeviceId, ...]


@dataclass(frozen=True)
class OutletSlots:
    """The slots of a span, and where they stand in arrays over all of them."""

    starts: NDArray[np.int64]

    @classmethod
    def between(cls, first: int, last: int) -> OutletSlots:
        """The slots with first <= start < last."""
        return cls(np.arange(-(-first // SLOT_S) * SLOT_S, last, SLOT_S, dtype=np.int64))

    def index(self, second: int) -> int:
        """The first slot that starts at a time or after it."""
        return int(np.searchsorted(self.starts, second))


@dataclass(frozen=True)
class Counted:
    """What an outlet counted in each slot of a span (n,); `quality` indexes USABLE."""

    energy_j: Array
    duration_s: Array
    quality: NDArray[np.int8]


@dataclass(frozen=True)
class Supply:
    """What all outlets of a device counted together (n,), and in which slots that is the whole."""

    energy_j: Array
    duration_s: Array
    quality: NDArray[np.int8]
    source: NDArray[np.object_]
    whole: Flags


def counted(store: Store, outlets: Iterable[Outlet], slots: OutletSlots) -> dict[Ids, Counted]:
    """What outlets counted that have a record in a span, by the ids of their records."""
    wanted = list(outlets)
    if not wanted or not len(slots.starts):
        return {}
    several = {key for outlet in wanted if len(outlet.ids) > 1 for key in outlet.ids}
    found: dict[Ids, Counted] = {}
    parts: dict[DeviceId, Activity] = {}
    keys = [key for outlet in wanted for key in outlet.ids]
    for key, activity in store.activities(keys, int(slots.starts[0]), int(slots.starts[-1]) + SLOT_S):
        if key in several:
            parts[key] = activity
        else:
            found[(key,)] = _dense(activity, slots)
    for outlet in wanted:
        of_it = [parts[key] for key in outlet.ids if key in parts]
        if of_it:
            found[outlet.ids] = _dense(join(of_it), slots)
    return found


def _dense(activity: Activity, slots: OutletSlots) -> Counted:
    n = len(slots.starts)
    made = Counted(np.zeros(n), np.zeros(n), np.zeros(n, np.int8))
    at = (activity.start - slots.starts[0]) // SLOT_S
    for channel in activity.measured:
        if channel.quality in USABLE:
            told = channel.duration_s > 0
            made.energy_j[at[told]] = channel.energy_j[told]
            made.duration_s[at[told]] = channel.duration_s[told]
            made.quality[at[told]] = USABLE.index(channel.quality)
    return made


def supply(hung: Sequence[Hung], read: Mapping[Ids, Counted], slots: OutletSlots) -> Supply:
    """The sum over the outlets on which a device hung at each time."""
    n = len(slots.starts)
    made = Supply(
        np.zeros(n), np.zeros(n), np.zeros(n, np.int8), np.full(n, "", np.object_), np.zeros(n, np.bool_)
    )
    edges = sorted({0, n, *(slots.index(at) for _, one in hung for at in (one.first, one.last))})
    for first, last in pairwise(edges):
        at = int(slots.starts[first])
        here = [outlet for outlet, one in hung if one.first <= at < one.last]
        if here and all(outlet.ids in read for outlet in here):
            _add_up(made, slice(first, last), here, [read[outlet.ids] for outlet in here])
    return made


def _add_up(made: Supply, there: slice, outlets: Sequence[Outlet], read: Sequence[Counted]) -> None:
    """The sum of some outlets while a device hung on all of them."""
    sources = {outlet.source for outlet in outlets}
    made.energy_j[there] = sum(one.energy_j[there] for one in read)
    made.duration_s[there] = np.min([one.duration_s[there] for one in read], axis=0)
    made.quality[there] = np.max([one.quality[there] for one in read], axis=0)
    made.source[there] = sources.pop() if len(sources) == 1 else SEVERAL
    made.whole[there] = made.duration_s[there] >= NEARLY_S

"""Energy that outlets counted, slot by slot, and the sum over the outlets of one device.

The sum counts as all energy of a device only in slots that each of its outlets counted nearly whole. Modelled
energy does not count.
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
    """The slots of a span, and their indexes in arrays over all of them."""

    starts: NDArray[np.int64]

    @classmethod
    def between(cls, first: int, last: int) -> OutletSlots:
        """Return the slots with first <= start < last."""
        return cls(np.arange(-(-first // SLOT_S) * SLOT_S, last, SLOT_S, dtype=np.int64))

    def index(self, second: int) -> int:
        """Return the index of the first slot that starts at a second or after it."""
        return int(np.searchsorted(self.starts, second))


@dataclass(frozen=True)
class Counted:
    """Joules and seconds that an outlet counted in each slot of a span (n,); `quality` indexes USABLE."""

    energy_j: Array
    duration_s: Array
    quality: NDArray[np.int8]


@dataclass(frozen=True)
class Supply:
    """Joules and seconds that all outlets of a device counted (n,); `whole` marks the slots that count."""

    energy_j: Array
    duration_s: Array
    quality: NDArray[np.int8]
    source: NDArray[np.object_]
    whole: Flags


def counted(store: Store, outlets: Iterable[Outlet], slots: OutletSlots) -> dict[Ids, Counted]:
    """Return what each outlet with a record in a span counted, by the ids of its records."""
    wanted = list(outlets)
    if not wanted or not len(slots.starts):
        return {}
    several = {key for outlet in wanted if len(outlet.ids) > 1 for key in outlet.ids}
    by_ids: dict[Ids, Counted] = {}
    parts: dict[DeviceId, Activity] = {}
    keys = [key for outlet in wanted for key in outlet.ids]
    for key, activity in store.activities(keys, int(slots.starts[0]), int(slots.starts[-1]) + SLOT_S):
        if key in several:
            parts[key] = activity
        else:
            by_ids[(key,)] = _dense(activity, slots)
    for outlet in wanted:
        of_outlet = [parts[key] for key in outlet.ids if key in parts]
        if of_outlet:
            by_ids[outlet.ids] = _dense(join(of_outlet), slots)
    return by_ids


def _dense(activity: Activity, slots: OutletSlots) -> Counted:
    """Return what an outlet's activity counted, over all slots."""
    n = len(slots.starts)
    dense = Counted(np.zeros(n), np.zeros(n), np.zeros(n, np.int8))
    at = (activity.start - slots.starts[0]) // SLOT_S
    for channel in activity.measured:
        if channel.quality in USABLE:
            measured = channel.duration_s > 0
            dense.energy_j[at[measured]] = channel.energy_j[measured]
            dense.duration_s[at[measured]] = channel.duration_s[measured]
            dense.quality[at[measured]] = USABLE.index(channel.quality)
    return dense


def supply(hung: Sequence[Hung], read: Mapping[Ids, Counted], slots: OutletSlots) -> Supply:
    """Return the sum over the outlets that a device was assigned to at each time."""
    n = len(slots.starts)
    total = Supply(
        np.zeros(n), np.zeros(n), np.zeros(n, np.int8), np.full(n, "", np.object_), np.zeros(n, np.bool_)
    )
    edges = sorted({0, n, *(slots.index(at) for _, one in hung for at in (one.first, one.last))})
    for first, last in pairwise(edges):
        at = int(slots.starts[first])
        here = [outlet for outlet, one in hung if one.first <= at < one.last]
        if here and all(outlet.ids in read for outlet in here):
            _add_up(total, slice(first, last), here, [read[outlet.ids] for outlet in here])
    return total


def _add_up(total: Supply, there: slice, outlets: Sequence[Outlet], read: Sequence[Counted]) -> None:
    """Set the part `there` of a total to the sum of the outlets that a device was assigned to then."""
    sources = {outlet.source for outlet in outlets}
    total.energy_j[there] = sum(one.energy_j[there] for one in read)
    total.duration_s[there] = np.min([one.duration_s[there] for one in read], axis=0)
    total.quality[there] = np.max([one.quality[there] for one in read], axis=0)
    total.source[there] = sources.pop() if len(sources) == 1 else SEVERAL
    total.whole[there] = total.duration_s[there] >= NEARLY_S

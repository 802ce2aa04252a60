"""What counts of devices that wait to be joined: never two devices for one machine at one time.

Up to the last record of the earlier device that device counts, and after it the later one. As long as the
later one has no record after it, only the earlier one counts. That follows from the records alone: where the
earlier device reports again, its time is longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from parcimetre_factors.activity import SLOT_S

from ..access.context import Context
from ..access.scoped_store import whole
from ..base.periods import LAST_SECOND
from ..organisation import merges
from ..organisation.merges import MergeHistory
from ..store.interface import Store
from ..store.records import DeviceId
from .device import Device
from .joins import Join, waiting
from .monitors_at_home import NotCounted as Uncounted
from .monitors_at_home import not_counted

NotCounted = Uncounted | Literal["waits_to_be_joined"]
Times = Mapping[DeviceId, tuple[int, int]]
"""First second UTC of the time in which a device counts, and the one after the last."""


def counted(store: Store, placements: Iterable[Device]) -> list[Device]:
    """Return the placements of devices, without the time in which another device counts for the machine.

    It is the same for every reader: the whole store is asked which devices wait.
    """
    times = counted_times(whole(store))
    found = list(placements)
    return found if not times else [part for one in found if (part := _during(one, times.get(one.id)))]


def why_not_counted(context: Context, found: Iterable[Device]) -> dict[DeviceId, NotCounted]:
    """Return the devices that totals leave out, in whole or for a time, each with the reason."""
    devices = list(found)
    waits = {join.later for join in waiting(whole(context.store)) if join.what != "monitor"}
    reasons: dict[DeviceId, NotCounted] = {one.id: "waits_to_be_joined" for one in devices if one.id in waits}
    return reasons | dict(not_counted(context, devices))


def counted_times(store: Store) -> Times:
    """Return when each device counts that waits to be joined, or that another one waits for."""
    lineages = MergeHistory.of(store)
    joins = [join for join in waiting(store, lineages) if join.what != "monitor"]
    if not joins:
        return {}
    times: dict[DeviceId, tuple[int, int]] = {}
    spans = merges.spans(store)
    for first, later in _chains(joins, lineages):
        times |= _one_after_another(spans, first, later)
    return times


def _chains(joins: list[Join], lineages: MergeHistory) -> Iterator[tuple[DeviceId, list[DeviceId]]]:
    """Yield each device that others may be, with those others in the order in which they came."""
    earlier_of = {lineages.whole(join.later): lineages.whole(join.earlier) for join in joins}
    chains: defaultdict[DeviceId, list[DeviceId]] = defaultdict(list)
    for join in sorted(joins, key=lambda join: (join.since, join.id)):
        later = lineages.whole(join.later)
        first, seen = earlier_of[later], {later}
        while first in earlier_of and first not in seen:
            seen.add(first)
            first = earlier_of[first]
        chains[first].append(later)
    yield from chains.items()


def _one_after_another(spans: Times, first: DeviceId, later: list[DeviceId]) -> Times:
    """Return when each of some devices counts, by the first and last slot of each."""
    span = spans.get(first)
    before, at = first, 0 if span is None else span[1] + SLOT_S
    times: dict[DeviceId, tuple[int, int]] = {}
    begins = 0
    for device_id in later:
        span = spans.get(device_id)
        if span is None or span[1] < at:
            times[device_id] = (0, 0)
            continue
        times[before] = (begins, at)
        before, begins, at = device_id, at, span[1] + SLOT_S
    if begins:
        times[before] = (begins, LAST_SECOND)
    return times


def _during(placement: Device, time: tuple[int, int] | None) -> Device | None:
    """Return the part of a placement in some time; None for none."""
    if time is None:
        return placement
    since, until = max(placement.since, time[0]), min(placement.until, time[1])
    return replace(placement, since=since, until=until) if since < until else None

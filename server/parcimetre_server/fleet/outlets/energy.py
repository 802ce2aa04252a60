"""Activity of devices with the energy that outlets counted, less the energy they pass on over Ethernet.

The joules that a switch gives to a device which counts them are subtracted from those of the switch, so that
the sum of both remains what was drawn at the wall.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import DECILES, SLOT_S, Activity, MeasuredEnergy
from parcimetre_factors.power.power_sources import GIVEN, WALL, at_the_wall

from ...organisation import merges
from ...organisation.connections import POE, ConnectionMap, Hung, Outlet
from ...store.interface import Store
from ...store.joining import SECONDS
from ...store.records import DeviceId
from .counters import USABLE, OutletSlots, Supply, counted, supply

STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s")
Rows = NDArray[np.intp]
Ends = tuple[int, int]
MOST_READ = 256  # outlets whose slots are in memory at once


def activities(
    store: Store, connections: ConnectionMap, ids: Collection[DeviceId], first: int, last: int
) -> Iterator[tuple[DeviceId, Activity]]:
    """Yield the activity of each device with a slot in first <= start < last, energy of outlets included."""
    touched = [key for key in dict.fromkeys(ids) if connections.touches(key)]
    own: dict[DeviceId, Activity] = {}
    for key, found in merges.activities(store, ids, first, last):
        if connections.touches(key):
            own[key] = found
        else:
            yield key, found
    for some in _groups(touched, connections):
        read = _OutletReader(store, connections, some, OutletSlots.between(first, last))
        made = ((key, read.activity(key, own.pop(key, None))) for key in some)
        yield from ((key, found) for key, found in made if found is not None)


def activity(
    store: Store, connections: ConnectionMap, device_id: DeviceId, first: int, last: int
) -> Activity:
    """Return the same for one device, empty if it has no slot."""
    if not connections.touches(device_id):
        return merges.activity(store, device_id, first, last)
    found = dict(activities(store, connections, [device_id], first, last))
    return found.get(device_id) or merges.activity(store, device_id, first, first)


def by_outlets(
    store: Store, connections: ConnectionMap, device_id: DeviceId, first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the slots that a device's outlets counted whole, and the joules of each, both (n,)."""
    slots = OutletSlots.between(first, last)
    supplied = _OutletReader(store, connections, [device_id], slots).supply(device_id)
    if supplied is None:
        return slots.starts[:0], np.zeros(0)
    whole = np.flatnonzero(supplied.whole)
    return slots.starts[whole], supplied.energy_j[whole]


def spans(
    own: Mapping[DeviceId, Ends],
    stored: Mapping[DeviceId, Ends],
    connections: ConnectionMap,
    ids: Iterable[DeviceId],
) -> dict[DeviceId, Ends]:
    """Return the first and last slot of devices, by their own records and their outlets' (`stored`)."""
    with_outlets = dict(own)
    for key in ids:
        ends = [*_ends(connections.hung.get(key, ()), stored), *([own[key]] if key in own else [])]
        if ends:
            with_outlets[key] = min(first for first, _ in ends), max(last for _, last in ends)
    return with_outlets


def span(store: Store, connections: ConnectionMap, device_id: DeviceId) -> Ends | None:
    """Return the same for one device, None if there is no record."""
    own = merges.span(store, device_id)
    outlets = {key for outlet, _ in connections.hung.get(device_id, ()) for key in outlet.ids}
    stored = {key: ends for key in outlets if (ends := store.span(key)) is not None}
    return spans({device_id: own} if own else {}, stored, connections, [device_id]).get(device_id)


def _ends(hung: Iterable[Hung], stored: Mapping[DeviceId, Ends]) -> Iterator[Ends]:
    """Yield the first and last slot of each outlet while a device was assigned to it."""
    for outlet, feeding in hung:
        for key in outlet.ids:
            begin, end = stored.get(key, (0, -1))
            first, last = max(begin, feeding.first), min(end, feeding.last - SLOT_S)
            if first <= last:
                yield first, last


def _groups(touched: Sequence[DeviceId], connections: ConnectionMap) -> Iterator[list[DeviceId]]:
    """Yield devices in groups whose outlets fit in memory together."""
    some: list[DeviceId] = []
    outlets = 0
    for key in touched:
        more = len(connections.hung.get(key, ())) + len(connections.giving.get(key, ()))
        if some and outlets + more > MOST_READ:
            yield some
            some, outlets = [], 0
        some.append(key)
        outlets += more
    if some:
        yield some


class _OutletReader:
    """Reads the outlets that some devices need, once."""

    def __init__(
        self, store: Store, connections: ConnectionMap, ids: Iterable[DeviceId], slots: OutletSlots
    ) -> None:
        self._connections, self._slots = connections, slots
        self._supplies: dict[DeviceId | None, Supply | None] = {None: None}
        needed = {outlet.ids: outlet for key in ids for outlet in self._needed(key)}
        self._counted = counted(store, needed.values(), slots)

    def _needed(self, key: DeviceId) -> Iterator[Outlet]:
        """Yield a device's own outlets, and all those of the devices that it feeds."""
        fed = (feeding.device for _, feeding in self._connections.giving.get(key, ()))
        for one in (key, *fed):
            if one is not None:
                yield from (outlet for outlet, _ in self._connections.hung.get(one, ()))

    def activity(self, key: DeviceId, own: Activity | None) -> Activity | None:
        """Return a device's slots with what its outlets counted, less what it passed on."""
        of_outlets = self.supply(key)
        supplied = own if of_outlets is None else _with_supply(own, of_outlets, self._slots)
        given = self._connections.giving.get(key, ())
        return supplied if supplied is None or not given else self._less(supplied, given)

    def supply(self, key: DeviceId | None) -> Supply | None:
        """Return what a device's outlets counted together, None if none has a record."""
        if key not in self._supplies and key is not None:
            hung = self._connections.hung.get(key, ())
            recorded = any(outlet.ids in self._counted for outlet, _ in hung)
            self._supplies[key] = supply(hung, self._counted, self._slots) if recorded else None
        return self._supplies[key]

    def _less(self, activity: Activity, given: Sequence[Hung]) -> Activity:
        """Return a switch less what it gave to devices that count it, at most all of its own energy."""
        n = len(self._slots.starts)
        given_j, quality = np.zeros(n), np.zeros(n, np.int8)
        for outlet, feeding in given:
            of_fed, there = self.supply(feeding.device), self._between(feeding.first, feeding.last)
            if of_fed is not None and outlet.ids in self._counted:
                of_port, whole = self._counted[outlet.ids], of_fed.whole[there]
                given_j[there] += np.where(whole, of_port.energy_j[there], 0.0)
                quality[there] = np.maximum(quality[there], np.where(whole, of_port.quality[there], 0))
        at = np.searchsorted(self._slots.starts, activity.start)
        less_j = np.minimum(given_j[at], at_the_wall(activity))
        return replace(activity, measured=(*activity.measured, *_given(less_j, quality[at])))

    def _between(self, first: int, last: int) -> slice:
        return slice(self._slots.index(first), self._slots.index(last))


def _given(less_j: NDArray[np.float64], quality: NDArray[np.int8]) -> Iterator[MeasuredEnergy]:
    """Yield the energy passed on as negative counters, one for each quality."""
    for i, name in enumerate(USABLE):
        mine = (less_j > 0) & (quality == i)
        if mine.any():
            energy_j, duration_s = np.where(mine, -less_j, 0.0), np.where(mine, float(SLOT_S), 0.0)
            yield MeasuredEnergy(POE, GIVEN, name, energy_j, duration_s)


def _with_supply(own: Activity | None, of_outlets: Supply, slots: OutletSlots) -> Activity | None:
    """Return a device's slots with what its outlets counted, in place of any meter of its own at the wall.

    Time without a record of the device's own counts as awake with the display off.
    """
    whole = np.flatnonzero(of_outlets.whole)
    if not len(whole):
        return own
    start = slots.starts[whole] if own is None else np.union1d(own.start, slots.starts[whole])
    at, n = np.searchsorted(start, slots.starts[whole]), len(start)
    columns = {name: np.zeros((n, DECILES) if name == "load_deciles_s" else n) for name in SECONDS}
    measured: list[MeasuredEnergy] = []
    if own is not None:
        own_at = np.searchsorted(start, own.start)
        for name, column in columns.items():
            column[own_at] = getattr(own, name)
        measured += (_spread(one, own_at, n, at[: len(at) * (one.scope == WALL)]) for one in own.measured)
    known_s = np.add.reduce([columns[name][at] for name in STATES])
    columns["display_off_s"][at] += np.maximum(0.0, of_outlets.duration_s[whole] - known_s)
    return Activity(
        start, **columns, measured=_merge_counters((*measured, *_channels(of_outlets, whole, at, n)))
    )


def _channels(of_outlets: Supply, whole: Rows, at: Rows, n: int) -> Iterator[MeasuredEnergy]:
    """Yield a supply as counters, one for each source and quality."""
    sources, qualities = of_outlets.source[whole], of_outlets.quality[whole]
    for source, quality in sorted(set(zip(sources.tolist(), qualities.tolist(), strict=True))):
        mine = (sources == source) & (qualities == quality)
        energy_j, duration_s = np.zeros(n), np.zeros(n)
        energy_j[at[mine]] = of_outlets.energy_j[whole][mine]
        duration_s[at[mine]] = of_outlets.duration_s[whole][mine]
        yield MeasuredEnergy(source, WALL, USABLE[quality], energy_j, duration_s)


def _spread(channel: MeasuredEnergy, own_at: Rows, n: int, replaced: Rows) -> MeasuredEnergy:
    """Return a device's own counter over n slots, with 0 in those that are replaced."""
    energy_j, duration_s = np.zeros(n), np.zeros(n)
    energy_j[own_at], duration_s[own_at] = channel.energy_j, channel.duration_s
    energy_j[replaced] = duration_s[replaced] = 0.0
    return replace(channel, energy_j=energy_j, duration_s=duration_s)


def _merge_counters(channels: Iterable[MeasuredEnergy]) -> tuple[MeasuredEnergy, ...]:
    """Add up counters of one name, which have values in different slots."""
    by_name: dict[tuple[str, str, str], MeasuredEnergy] = {}
    for channel in channels:
        key = (channel.source, channel.scope, channel.quality)
        before = by_name.get(key)
        by_name[key] = (
            channel
            if before is None
            else replace(
                channel,
                energy_j=before.energy_j + channel.energy_j,
                duration_s=before.duration_s + channel.duration_s,
            )
        )
    return tuple(by_name.values())

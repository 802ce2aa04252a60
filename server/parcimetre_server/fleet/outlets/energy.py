"""The energy of devices with what outlets counted for them, and without what they gave on over Ethernet.

The joules that a switch gives to a device which counts them are taken off what the switch itself took, so
that the two together stay what left the wall.
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
    """Activity of each device that has any slot with first <= start < last, outlets considered."""
    touched = [key for key in dict.fromkeys(ids) if connections.touches(key)]
    own: dict[DeviceId, Activity] = {}
    for key, found in merges.activities(store, ids, first, last):
        if connections.touches(key):
            own[key] = found
        else:
            yield key, found
    for some in _few(touched, connections):
        read = _Read(store, connections, some, OutletSlots.between(first, last))
        made = ((key, read.of(key, own.pop(key, None))) for key in some)
        yield from ((key, found) for key, found in made if found is not None)


def activity(
    store: Store, connections: ConnectionMap, device_id: DeviceId, first: int, last: int
) -> Activity:
    """The same of one device, empty where it has no slot."""
    if not connections.touches(device_id):
        return merges.activity(store, device_id, first, last)
    found = dict(activities(store, connections, [device_id], first, last))
    return found.get(device_id) or merges.activity(store, device_id, first, first)


def by_outlets(
    store: Store, connections: ConnectionMap, device_id: DeviceId, first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The slots that a device's outlets counted whole, and the energy of each in joules (n,)."""
    slots = OutletSlots.between(first, last)
    found = _Read(store, connections, [device_id], slots).supply(device_id)
    told = np.flatnonzero(found.whole) if found is not None else np.zeros(0, np.intp)
    return slots.starts[told], np.zeros(0) if found is None else found.energy_j[told]


def spans(
    own: Mapping[DeviceId, Ends],
    stored: Mapping[DeviceId, Ends],
    connections: ConnectionMap,
    ids: Iterable[DeviceId],
) -> dict[DeviceId, Ends]:
    """First and last slot of devices, by their own records and by those of their outlets (`stored`)."""
    found = dict(own)
    for key in ids:
        ends = [*_ends(connections.hung.get(key, ()), stored), *([found[key]] if key in found else [])]
        if ends:
            found[key] = min(first for first, _ in ends), max(last for _, last in ends)
    return found


def span(store: Store, connections: ConnectionMap, device_id: DeviceId) -> Ends | None:
    """The same of one device, None where there is no record."""
    own = merges.span(store, device_id)
    outlets = {key for outlet, _ in connections.hung.get(device_id, ()) for key in outlet.ids}
    stored = {key: ends for key in outlets if (ends := store.span(key)) is not None}
    return spans({device_id: own} if own else {}, stored, connections, [device_id]).get(device_id)


def _ends(hung: Iterable[Hung], stored: Mapping[DeviceId, Ends]) -> Iterator[Ends]:
    for outlet, feeding in hung:
        for key in outlet.ids:
            begin, end = stored.get(key, (0, -1))
            first, last = max(begin, feeding.first), min(end, feeding.last - SLOT_S)
            if first <= last:
                yield first, last


def _few(touched: Sequence[DeviceId], connections: ConnectionMap) -> Iterator[list[DeviceId]]:
    """Devices in groups whose outlets may be in memory together."""
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


class _Read:
    """The outlets that some devices need, read once."""

    def __init__(
        self, store: Store, connections: ConnectionMap, ids: Iterable[DeviceId], slots: OutletSlots
    ) -> None:
        self._connections, self._slots = connections, slots
        self._supplies: dict[DeviceId | None, Supply | None] = {None: None}
        needed = {outlet.ids: outlet for key in ids for outlet in self._needed(key)}
        self._counted = counted(store, needed.values(), slots)

    def _needed(self, key: DeviceId) -> Iterator[Outlet]:
        """A device's own outlets, and all those of the devices that it feeds."""
        fed = (feeding.device for _, feeding in self._connections.giving.get(key, ()))
        for one in (key, *fed):
            if one is not None:
                yield from (outlet for outlet, _ in self._connections.hung.get(one, ()))

    def of(self, key: DeviceId, own: Activity | None) -> Activity | None:
        """A device's slots with what its outlets counted, less what it gave on."""
        of_outlets = self.supply(key)
        made = own if of_outlets is None else _with(own, of_outlets, self._slots)
        given = self._connections.giving.get(key, ())
        return made if made is None or not given else self._less(made, given)

    def supply(self, key: DeviceId | None) -> Supply | None:
        """What a device's outlets counted together, None where none has a record."""
        if key not in self._supplies and key is not None:
            hung = self._connections.hung.get(key, ())
            told = any(outlet.ids in self._counted for outlet, _ in hung)
            self._supplies[key] = supply(hung, self._counted, self._slots) if told else None
        return self._supplies[key]

    def _less(self, made: Activity, given: Sequence[Hung]) -> Activity:
        """A switch without what it gave to devices that count it: at most all that it took itself."""
        n = len(self._slots.starts)
        given_j, quality = np.zeros(n), np.zeros(n, np.int8)
        for outlet, feeding in given:
            of_fed, there = self.supply(feeding.device), self._between(feeding.first, feeding.last)
            if of_fed is not None and outlet.ids in self._counted:
                of_port, whole = self._counted[outlet.ids], of_fed.whole[there]
                given_j[there] += np.where(whole, of_port.energy_j[there], 0.0)
                quality[there] = np.maximum(quality[there], np.where(whole, of_port.quality[there], 0))
        at = np.searchsorted(self._slots.starts, made.start)
        less_j = np.minimum(given_j[at], at_the_wall(made))
        return replace(made, measured=(*made.measured, *_given(less_j, quality[at])))

    def _between(self, first: int, last: int) -> slice:
        return slice(self._slots.index(first), self._slots.index(last))


def _given(less_j: NDArray[np.float64], quality: NDArray[np.int8]) -> Iterator[MeasuredEnergy]:
    """What was given on as a counter that runs backwards, one for each quality."""
    for i, name in enumerate(USABLE):
        mine = (less_j > 0) & (quality == i)
        if mine.any():
            energy_j, duration_s = np.where(mine, -less_j, 0.0), np.where(mine, float(SLOT_S), 0.0)
            yield MeasuredEnergy(POE, GIVEN, name, energy_j, duration_s)


def _with(own: Activity | None, of_outlets: Supply, slots: OutletSlots) -> Activity | None:
    """A device's slots with what its outlets counted, which counts before any meter of its own at the wall.

    A slot that the device has no record of is one of time awake; so is what its own record does not know.
    """
    told = np.flatnonzero(of_outlets.whole)
    if not len(told):
        return own
    start = slots.starts[told] if own is None else np.union1d(own.start, slots.starts[told])
    at, n = np.searchsorted(start, slots.starts[told]), len(start)
    columns = {name: np.zeros((n, DECILES) if name == "load_deciles_s" else n) for name in SECONDS}
    measured: list[MeasuredEnergy] = []
    if own is not None:
        own_at = np.searchsorted(start, own.start)
        for name, column in columns.items():
            column[own_at] = getattr(own, name)
        measured += (_spread(one, own_at, n, at[: len(at) * (one.scope == WALL)]) for one in own.measured)
    known_s = np.add.reduce([columns[name][at] for name in STATES])
    columns["display_off_s"][at] += np.maximum(0.0, of_outlets.duration_s[told] - known_s)
    return Activity(start, **columns, measured=_each_once((*measured, *_channels(of_outlets, told, at, n))))


def _channels(of_outlets: Supply, told: Rows, at: Rows, n: int) -> Iterator[MeasuredEnergy]:
    """A supply as counters, one for each source and quality."""
    sources, qualities = of_outlets.source[told], of_outlets.quality[told]
    for source, quality in sorted(set(zip(sources.tolist(), qualities.tolist(), strict=True))):
        mine = (sources == source) & (qualities == quality)
        energy_j, duration_s = np.zeros(n), np.zeros(n)
        energy_j[at[mine]] = of_outlets.energy_j[told][mine]
        duration_s[at[mine]] = of_outlets.duration_s[told][mine]
        yield MeasuredEnergy(source, WALL, USABLE[quality], energy_j, duration_s)


def _spread(channel: MeasuredEnergy, own_at: Rows, n: int, silent: Rows) -> MeasuredEnergy:
    """A device's own counter over more slots, without what it said in some."""
    energy_j, duration_s = np.zeros(n), np.zeros(n)
    energy_j[own_at], duration_s[own_at] = channel.energy_j, channel.duration_s
    energy_j[silent] = duration_s[silent] = 0.0
    return replace(channel, energy_j=energy_j, duration_s=duration_s)


def _each_once(channels: Iterable[MeasuredEnergy]) -> tuple[MeasuredEnergy, ...]:
    """Counters of one name, which said something in different slots, as one."""
    found: dict[tuple[str, str, str], MeasuredEnergy] = {}
    for one in channels:
        key = (one.source, one.scope, one.quality)
        if key in found:
            before = found[key]
            energy_j, duration_s = before.energy_j + one.energy_j, before.duration_s + one.duration_s
            found[key] = replace(one, energy_j=energy_j, duration_s=duration_s)
        else:
            found[key] = one
    return tuple(found.values())

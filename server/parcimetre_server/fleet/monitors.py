"""What monitors did, told by the machines that drove them: nothing of it is stored twice.

A monitor is lit while its machine's display is on, and in standby for the rest of the machine's known time.
Where several machines claim it in a slot, the one whose display was on longer tells; else the one that saw it
last. A slot in which no machine claims it has no record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import DECILES, SLOT_S, Activity

from ..base.periods import Span
from ..organisation import merges
from ..organisation.connections import ConnectionMap
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .device import Device
from .outlets import energy

EVER = 1 << 62
FEW = 1000


class Claim(NamedTuple):
    """A machine had the monitor in the slots with first <= start < last."""

    machine: DeviceId
    first: int
    last: int


@dataclass(frozen=True)
class MonitorActivity:
    """A monitor's activity, and which machine told each slot: `teller` (n,) indexes `machines`."""

    activity: Activity
    machines: tuple[DeviceId, ...]
    teller: NDArray[np.intp]

    def between(self, first: int, last: int) -> MonitorActivity:
        """What was told of the slots with first <= start < last."""
        kept = (self.activity.start >= first) & (self.activity.start < last)
        return MonitorActivity(merges.between(self.activity, first, last), self.machines, self.teller[kept])

    def names(self, inside: NDArray[np.bool_]) -> tuple[DeviceId, ...]:
        """The machines that told some slots."""
        return tuple(dict.fromkeys(self.machines[i] for i in self.teller[inside]))


Claims = Mapping[DeviceId, Sequence[Claim]]


def claims(store: Store, monitors: Iterable[Device]) -> Claims:
    """The claims of their machines on some monitors, in the order in which they began."""
    wanted = {monitor.id: monitor for monitor in monitors if monitor.drivers}
    machines = {machine for monitor in wanted.values() for machine in monitor.drivers}
    found: dict[DeviceId, list[Claim]] = {key: [] for key in wanted}
    for machine, changes in _changes(store, machines):
        for key, claim in _claimed(machine, changes):
            if key in wanted and machine in wanted[key].drivers:
                found[key].append(claim)
    return {key: sorted(of_it, key=lambda claim: claim.first) for key, of_it in found.items()}


def _changes(store: Store, machines: Collection[DeviceId]) -> Iterator[tuple[DeviceId, Sequence[Fact]]]:
    """What each machine said of its displays over time: asked for one by one, or of many at once."""
    if len(machines) <= FEW:
        yield from ((machine, store.history("attached", machine)) for machine in machines)
        return
    by_machine: defaultdict[DeviceId, list[Fact]] = defaultdict(list)
    for fact in store.history("attached"):
        by_machine[DeviceId(fact.key)].append(fact)
    yield from ((machine, by_machine[machine]) for machine in machines)


def _claimed(machine: DeviceId, changes: Sequence[Fact]) -> Iterator[tuple[DeviceId, Claim]]:
    """The claims of a machine; one goes on while change after change names the monitor."""
    since: dict[str, int] = {}
    for fact in changes:
        at, named = int(fact.body["at"]) // SLOT_S * SLOT_S, fact.body["monitors"]
        for monitor in since.keys() - named:
            first = since.pop(monitor)
            if first < at:
                yield DeviceId(monitor), Claim(machine, first, at)
        for monitor in named:
            since.setdefault(monitor, at)
    for monitor, first in since.items():
        yield DeviceId(monitor), Claim(machine, first, EVER)


def monitor_activity(
    of_it: Sequence[Claim], recorded: Mapping[DeviceId, Activity], within: Span
) -> MonitorActivity:
    """A monitor's slots by what its machines recorded, each slot once."""
    parts = [_part(i, claim, recorded[claim.machine], within)
             for i, claim in enumerate(of_it) if claim.machine in recorded]  # fmt: skip
    start, lit_s, quiet_s, teller = _once(parts) if len(parts) > 1 else (parts or [_nothing()])[0]
    none = np.zeros(len(start))
    activity = Activity(start, lit_s, none, quiet_s, none, np.zeros((len(start), DECILES)))
    return MonitorActivity(activity, tuple(claim.machine for claim in of_it), teller)


Part = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]


def _once(parts: Sequence[Part]) -> Part:
    """Each slot of several claims by the one that lit it longest, then knew most, then began last."""
    start, lit_s, quiet_s, teller = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((teller, lit_s + quiet_s, lit_s, start))
    kept = order[np.append(np.diff(start[order]) > 0, True)[: len(order)]]
    return start[kept], lit_s[kept], quiet_s[kept], teller[kept]


def _part(i: int, claim: Claim, recorded: Activity, within: Span) -> Part:
    """What one claim tells: slots, seconds lit, seconds in standby, and the claim's number."""
    first, last = max(claim.first, within.first), min(claim.last, within.last)
    inside = (recorded.start >= first) & (recorded.start < last)
    lit_s = recorded.display_on_s[inside]
    quiet_s = recorded.covered_s[inside] - lit_s
    return recorded.start[inside], lit_s, quiet_s, np.full(len(lit_s), i, dtype=np.intp)


def _nothing() -> Part:
    return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.intp)


def _span(of_it: Iterable[Claim], spans: Mapping[DeviceId, tuple[int, int]]) -> tuple[int, int] | None:
    """First and last slot of a monitor, by its claims and its machines' spans."""
    held = [
        (max(claim.first, spans[claim.machine][0]), min(claim.last - SLOT_S, spans[claim.machine][1]))
        for claim in of_it
        if claim.machine in spans
    ]
    seen = [(first, last) for first, last in held if first <= last]
    return (min(first for first, _ in seen), max(last for _, last in seen)) if seen else None


def reported(
    store: Store, found: Collection[DeviceId], held: Claims, wiring: ConnectionMap
) -> dict[DeviceId, tuple[int, int]]:
    """Start of the first and of the last slot of each device that reported, monitors by their claims.

    A device may be known by its outlets alone.
    """
    own = {key: span for key, span in merges.spans(store).items() if key in found}
    spans = store.spans() if held or wiring.hung else {}
    own = energy.spans(own, spans, wiring, [key for key in wiring.hung if key in found])
    told_of = ((key, _span(of_it, spans)) for key, of_it in held.items())
    return own | {key: span for key, span in told_of if span is not None}


def spans(store: Store, found: Iterable[Device]) -> dict[DeviceId, tuple[int, int]]:
    """The same of some devices, whose claims are read."""
    asked = {one.id: one for one in found}
    return reported(store, asked, claims(store, asked.values()), ConnectionMap.of(store))


def activities(
    store: Store, ids: Collection[DeviceId], held: Claims, wiring: ConnectionMap, within: Span
) -> dict[DeviceId, Activity]:
    """Activity of each device that has any, a monitor's as its machines tell it; outlets are considered."""
    machines = {claim.machine for key in ids for claim in held.get(key, ())}
    own = {key for key in ids if key not in held}
    found = dict(energy.activities(store, wiring, own, within.first, within.last))
    read = dict(store.activities(machines, within.first, within.last)) if machines else {}
    return found | {key: monitor_activity(held[key], read, within).activity for key in ids if key in held}


def of_device(store: Store, device: Device, within: Span) -> MonitorActivity:
    """The activity of one device; a monitor's as its machines tell it."""
    if device.driven_by is None:
        wiring = ConnectionMap.of(store) if device.wired else ConnectionMap()
        own = energy.activity(store, wiring, device.id, within.first, within.last)
        return MonitorActivity(own, (device.id,), np.zeros(len(own.start), dtype=np.intp))
    of_it = claims(store, [device])[device.id]
    machines = {claim.machine for claim in of_it}
    return monitor_activity(of_it, dict(store.activities(machines, within.first, within.last)), within)


def span_of(store: Store, device: Device) -> tuple[int, int] | None:
    """First and last slot of one device; a monitor's by its machines."""
    if device.driven_by is None:
        return energy.span(store, ConnectionMap.of(store) if device.wired else ConnectionMap(), device.id)
    of_it = claims(store, [device])[device.id]
    known = {claim.machine: store.span(claim.machine) for claim in of_it}
    return _span(of_it, {machine: span for machine, span in known.items() if span is not None})

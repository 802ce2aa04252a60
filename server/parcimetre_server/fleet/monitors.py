"""Activity of monitors, derived from the records of the computers they were attached to; none is stored.

A monitor is lit while its machine's display is on, and in standby for the rest of the machine's known time.
Where several machines claim it in a slot, the one whose display was on longest counts, else the one to which
it was attached last. A slot in which no machine claims it has no record.
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
from ..organisation.left_out import leaving_out
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .device import Device
from .outlets import energy

OPEN_END = 1 << 62
FEW = 1000


class Claim(NamedTuple):
    """A monitor was attached to a machine in the slots with first <= start < last."""

    machine: DeviceId
    first: int
    last: int


@dataclass(frozen=True)
class MonitorActivity:
    """A monitor's activity, and the machine each slot is from: `machine_index` (n,) indexes `machines`."""

    activity: Activity
    machines: tuple[DeviceId, ...]
    machine_index: NDArray[np.intp]

    def between(self, first: int, last: int) -> MonitorActivity:
        """Return the part with first <= start < last."""
        inside = (self.activity.start >= first) & (self.activity.start < last)
        activity = merges.between(self.activity, first, last)
        return MonitorActivity(activity, self.machines, self.machine_index[inside])

    def names(self, inside: NDArray[np.bool_]) -> tuple[DeviceId, ...]:
        """Return the machines that some slots are from."""
        return tuple(dict.fromkeys(self.machines[i] for i in self.machine_index[inside]))


Claims = Mapping[DeviceId, Sequence[Claim]]


def claims(store: Store, monitors: Iterable[Device]) -> Claims:
    """Return the claims of machines on each monitor, in the order in which they began."""
    wanted = {monitor.id: monitor for monitor in monitors if monitor.drivers}
    machines = {machine for monitor in wanted.values() for machine in monitor.drivers}
    by_monitor: dict[DeviceId, list[Claim]] = {key: [] for key in wanted}
    for machine, changes in _changes(store, machines):
        with leaving_out(machine, "monitors of the device"):
            for key, claim in list(_claimed(machine, changes)):
                if key in wanted and machine in wanted[key].drivers:
                    by_monitor[key].append(claim)
    return {key: sorted(its_claims, key=lambda claim: claim.first) for key, its_claims in by_monitor.items()}


def _changes(store: Store, machines: Collection[DeviceId]) -> Iterator[tuple[DeviceId, Sequence[Fact]]]:
    """Yield the history of each machine's monitors: read one by one, or all at once where there are many."""
    if len(machines) <= FEW:
        yield from ((machine, store.history("attached", machine)) for machine in machines)
        return
    by_machine: defaultdict[DeviceId, list[Fact]] = defaultdict(list)
    for fact in store.history("attached"):
        by_machine[DeviceId(fact.key)].append(fact)
    yield from ((machine, by_machine[machine]) for machine in machines)


def _claimed(machine: DeviceId, changes: Sequence[Fact]) -> Iterator[tuple[DeviceId, Claim]]:
    """Yield the claims of a machine; one goes on while change after change names the monitor."""
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
        yield DeviceId(monitor), Claim(machine, first, OPEN_END)


def monitor_activity(
    its_claims: Sequence[Claim], recorded: Mapping[DeviceId, Activity], within: Span
) -> MonitorActivity:
    """Return a monitor's slots from what its machines recorded, each slot once."""
    parts = [_part(i, claim, recorded[claim.machine], within)
             for i, claim in enumerate(its_claims) if claim.machine in recorded]  # fmt: skip
    start, lit_s, standby_s, machine_index = _once(parts) if len(parts) > 1 else (parts or [_no_slots()])[0]
    zero = np.zeros(len(start))
    activity = Activity(start, lit_s, zero, standby_s, zero, np.zeros((len(start), DECILES)))
    return MonitorActivity(activity, tuple(claim.machine for claim in its_claims), machine_index)


Part = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]


def _once(parts: Sequence[Part]) -> Part:
    """Return each slot once: of the claim that was lit longest, then covers most, then began last."""
    start, lit_s, standby_s, machine_index = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((machine_index, lit_s + standby_s, lit_s, start))
    chosen = order[np.append(np.diff(start[order]) > 0, True)[: len(order)]]
    return start[chosen], lit_s[chosen], standby_s[chosen], machine_index[chosen]


def _part(i: int, claim: Claim, recorded: Activity, within: Span) -> Part:
    """Return the slots of one claim, the seconds lit and in standby, and the claim's number, each (n,)."""
    first, last = max(claim.first, within.first), min(claim.last, within.last)
    inside = (recorded.start >= first) & (recorded.start < last)
    lit_s = recorded.display_on_s[inside]
    standby_s = recorded.covered_s[inside] - lit_s
    return recorded.start[inside], lit_s, standby_s, np.full(len(lit_s), i, dtype=np.intp)


def _no_slots() -> Part:
    return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.intp)


def _span(its_claims: Iterable[Claim], spans: Mapping[DeviceId, tuple[int, int]]) -> tuple[int, int] | None:
    """Return the first and last slot of a monitor, by its claims and its machines' spans."""
    attached = [
        (max(claim.first, spans[claim.machine][0]), min(claim.last - SLOT_S, spans[claim.machine][1]))
        for claim in its_claims
        if claim.machine in spans
    ]
    spanned = [(first, last) for first, last in attached if first <= last]
    return (min(first for first, _ in spanned), max(last for _, last in spanned)) if spanned else None


def reported(
    store: Store, found: Collection[DeviceId], monitor_claims: Claims, connections: ConnectionMap
) -> dict[DeviceId, tuple[int, int]]:
    """Return the start of the first and of the last slot of each device that has any.

    Monitors have those of their claims; a device may have records of its outlets alone.
    """
    own = {key: span for key, span in merges.spans(store).items() if key in found}
    spans = store.spans() if monitor_claims or connections.hung else {}
    own = energy.spans(own, spans, connections, [key for key in connections.hung if key in found])
    spans_of_monitors = ((key, _span(its_claims, spans)) for key, its_claims in monitor_claims.items())
    return own | {key: span for key, span in spans_of_monitors if span is not None}


def spans(store: Store, found: Iterable[Device]) -> dict[DeviceId, tuple[int, int]]:
    """Return the same for some devices, whose claims are read."""
    asked = {one.id: one for one in found}
    return reported(store, asked, claims(store, asked.values()), ConnectionMap.of(store))


def activities(
    store: Store, ids: Collection[DeviceId], monitor_claims: Claims, connections: ConnectionMap, within: Span
) -> dict[DeviceId, Activity]:
    """Return the activity of each device that has any: a monitor's by its claims, with energy of outlets."""
    machines = {claim.machine for key in ids for claim in monitor_claims.get(key, ())}
    own = {key for key in ids if key not in monitor_claims}
    found = dict(energy.activities(store, connections, own, within.first, within.last))
    read = dict(store.activities(machines, within.first, within.last)) if machines else {}
    return found | {
        key: monitor_activity(monitor_claims[key], read, within).activity
        for key in ids
        if key in monitor_claims
    }


def of_device(store: Store, device: Device, within: Span) -> MonitorActivity:
    """Return the activity of one device; a monitor's by its claims."""
    if device.driven_by is None:
        connections = ConnectionMap.of(store) if device.wired else ConnectionMap()
        own = energy.activity(store, connections, device.id, within.first, within.last)
        return MonitorActivity(own, (device.id,), np.zeros(len(own.start), dtype=np.intp))
    its_claims = claims(store, [device])[device.id]
    machines = {claim.machine for claim in its_claims}
    return monitor_activity(its_claims, dict(store.activities(machines, within.first, within.last)), within)


def span_of(store: Store, device: Device) -> tuple[int, int] | None:
    """Return the first and last slot of one device; a monitor's by its claims."""
    if device.driven_by is None:
        return energy.span(store, ConnectionMap.of(store) if device.wired else ConnectionMap(), device.id)
    its_claims = claims(store, [device])[device.id]
    known = {claim.machine: store.span(claim.machine) for claim in its_claims}
    return _span(its_claims, {machine: span for machine, span in known.items() if span is not None})

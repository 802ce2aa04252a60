"""The devices of the fleet, as the latest facts describe them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ..access.scoped_store import ScopedStore
from ..base.cache import CachePerOwner, clear_all
from ..organisation import audit, merges
from ..organisation.connections import ConnectionMap
from ..organisation.left_out import LeftOut, alone, collect_left_out, leave_out, leaving_out
from ..organisation.org import sites
from ..organisation.transfers import by_device
from ..store.interface import Store
from ..store.records import DeviceId, Fact, FactKind
from .device import UNKNOWN_ZONE, Device, UnknownDevice, no_device
from .device_assembly import DESCRIBING, DeviceFacts, assemble_device, assemble_monitor

ASSEMBLY = "description of the device"
FEW = 500  # devices that are read one by one faster than all at once
OF_MANY: tuple[FactKind, ...] = ("site", "lineage", "transfer", "feeding")


@dataclass(frozen=True)
class _DeviceIndex:
    """The devices as they were when the facts had come to a mark."""

    devices: dict[DeviceId, Device]
    mark: int
    left_out: dict[DeviceId, LeftOut] = field(default_factory=dict)


_INDEX: CachePerOwner[None, _DeviceIndex] = CachePerOwner(
    "devices", "Devices are read again at each question as far as anything was stated of them since.", 1
)


def devices(store: Store) -> dict[DeviceId, Device]:
    """Return every device that ever enrolled, and the monitors that they were seen with, by id.

    Those that were merged into another are part of that one. Only what was stated since the last time is
    read. Those of a scope are taken from the whole store's, so that nothing is cached for a reader. Where
    another process has deleted a device meanwhile, every cache of this one is emptied.
    """
    if isinstance(store, ScopedStore):
        return _in_scope(store)
    index = _INDEX.of(store).update(None, lambda before: _index(store, before))
    for left_out in index.left_out.values():
        leave_out(left_out.device, left_out.reason)
    return dict(index.devices)


def _index(store: Store, before: _DeviceIndex | None) -> _DeviceIndex:
    """Return the devices by now; those before are updated, unless all are read anew."""
    if before is None:
        mark = store.newer((), 0)[1]
        return _read_all(store, mark)
    stated, mark = store.newer((*DESCRIBING, *OF_MANY, "audit"), before.mark)
    changed = list(dict.fromkeys(fact.key for fact in stated if fact.kind in DESCRIBING))
    deleted = any(fact.key == audit.DELETED for fact in stated)
    if deleted:
        clear_all()
    if deleted or any(fact.kind in OF_MANY for fact in stated) or len(changed) + len(before.left_out) > FEW:
        return _read_all(store, mark)
    if not changed:
        return replace(before, mark=mark)
    known = dict(before.devices)
    with collect_left_out() as left_out:
        again = _update(store, known, [*changed, *before.left_out])
    earlier = {key: one for key, one in before.left_out.items() if key not in again}
    return _DeviceIndex(known, mark, earlier | left_out)


def _read_all(store: Store, mark: int) -> _DeviceIndex:
    with collect_left_out() as left_out:
        return _DeviceIndex(_all_devices(store), mark, left_out)


def _in_scope(store: ScopedStore) -> dict[DeviceId, Device]:
    """Return the devices of the whole store as a reader of a scope may see them."""
    zones = zones_of(store.whole)
    visible = ((key, _narrow(store, found, zones)) for key, found in devices(store.whole).items())
    return {key: found for key, found in visible if found is not None}


def _narrow(store: ScopedStore, found: Device, zones: Mapping[str, str]) -> Device | None:
    """Return a device as it was last placed in a scope; None where it never was.

    It has its host name only while it is in the scope, and a monitor only the machines in the scope.
    """
    scope = store.scope
    if not found.stays:
        if not scope.covers(found.org_unit):
            return None
        narrowed = found if scope.sees_host_names else replace(found, hostname=None)
    else:
        visible = tuple(place for place in found.stays if scope.covers(place.org_unit))
        if not visible:
            return None
        last = visible[-1]
        named = scope.sees_host_names and last == found.stays[-1]
        narrowed = replace(
            found, stays=visible, org_unit=last.org_unit, site=last.site,
            zone=zones.get(last.site, UNKNOWN_ZONE), hostname=found.hostname if named else None,
        )  # fmt: skip
    if found.drivers:
        return replace(narrowed, drivers=tuple(filter(store.is_known, found.drivers)))
    return narrowed


def _all_devices(store: Store) -> dict[DeviceId, Device]:
    facts = DeviceFacts.read(store.latest)
    history, transfers = merges.MergeHistory.of(store), by_device(store.history("transfer"))
    zones, connections = zones_of(store), ConnectionMap.of(store)
    enrolled: dict[DeviceId, Device] = {}
    for key in map(DeviceId, facts.devices):
        if history.into(key) is None:
            with leaving_out(key, ASSEMBLY):
                enrolled[key] = assemble_device(facts, history, key, transfers.get(key, ()), zones)
    enrolled |= {key: replace(one, wired=True) for key, one in enrolled.items() if connections.touches(key)}
    return enrolled | dict(_monitors(facts, history, enrolled))


def _monitors(
    facts: DeviceFacts, history: merges.MergeHistory, enrolled: Mapping[DeviceId, Device]
) -> Iterator[tuple[DeviceId, Device]]:
    """Yield the monitors that an enrolled device showed."""
    for key, fact in facts.monitors.items():
        with leaving_out(DeviceId(key), ASSEMBLY):
            machines = [DeviceId(machine) for machine in fact.body["machines"] if machine in facts.devices]
            present = [machine for machine in machines if history.whole(machine) in enrolled]
            if present:
                machine = enrolled[history.whole(present[-1])]
                yield DeviceId(key), assemble_monitor(fact, machines, machine, facts.purchases.get(key))
            elif machines:
                raise LookupError(f"its computer {machines[-1]} is left out")


def _update(store: Store, known: dict[DeviceId, Device], changed: Sequence[str]) -> set[DeviceId]:
    """Read changed devices again, and their monitors; return which were read.

    A changed fact may be about a device that never enrolled, or about one that was merged into another.
    """
    history, zones, keys = merges.MergeHistory.of(store), zones_of(store), set(changed)
    connections = ConnectionMap.of(store)
    monitors = [key for key, found in known.items() if keys.intersection(found.drivers)]
    again: set[DeviceId] = set()
    for key in map(DeviceId, [*changed, *monitors]):
        whole = history.whole(key)
        again.add(whole)
        found = None
        with suppress(UnknownDevice), leaving_out(whole, ASSEMBLY):
            found = _read_device(store, whole, history, zones, connections)
        if found is not None:
            known[whole] = found
        else:
            known.pop(whole, None)
    return again


def device(store: Store, device_id: str) -> Device:
    """Return one device. Raises UnusableDevice, and UnknownDevice, also for one merged into another."""
    if isinstance(store, ScopedStore):
        return _device_in_scope(store, device_id)
    history = merges.MergeHistory.of(store)
    with alone(DeviceId(device_id), ASSEMBLY):
        return _read_device(store, DeviceId(device_id), history, zones_of(store), ConnectionMap.of(store))


def _read_device(
    store: Store,
    device_id: DeviceId,
    history: merges.MergeHistory,
    zones: Mapping[str, str],
    connections: ConnectionMap,
) -> Device:
    into = history.into(device_id)
    if into is not None:
        raise UnknownDevice(f"device {device_id} was merged into {into}: use that id")
    members = history.members(device_id)

    def of_members(kind: FactKind) -> dict[str, Fact]:
        """Return the latest fact of a kind about each member that has one."""
        return {str(key): fact for key in members if (fact := store.latest_of(kind, key)) is not None}

    facts = DeviceFacts.read(of_members)
    if device_id not in facts.devices:
        return _read_monitor(store, device_id, history, zones)
    found = assemble_device(facts, history, device_id, store.history("transfer", device_id), zones)
    return replace(found, wired=connections.touches(device_id))


def _device_in_scope(store: ScopedStore, device_id: str) -> Device:
    """Return one device as a reader may see it.

    Raises UnknownDevice, the same for a device out of the scope and for none, so that neither is disclosed.
    """
    if not store.is_known(DeviceId(device_id)):
        raise no_device(device_id)
    narrowed = _narrow(store, device(store.whole, device_id), zones_of(store.whole))
    if narrowed is None:
        raise no_device(device_id)
    return narrowed


def _read_monitor(
    store: Store, device_id: DeviceId, history: merges.MergeHistory, zones: Mapping[str, str]
) -> Device:
    """Return a monitor of which at least one machine is still enrolled. Raises UnknownDevice."""
    fact, purchase = store.latest_of("monitor", device_id), store.latest_of("purchase", device_id)
    machines = [DeviceId(key) for key in fact.body["machines"]] if fact else []
    enrolled = [key for key in machines if store.latest_of("device", key)]
    if fact is None or not enrolled:
        raise no_device(device_id)
    for key in map(history.whole, reversed(enrolled)):
        with leaving_out(key, ASSEMBLY):
            machine = _read_device(store, key, history, zones, ConnectionMap())
            return assemble_monitor(fact, enrolled, machine, purchase)
    raise LookupError(f"its computer {enrolled[-1]} is left out")


def zones_of(store: Store) -> dict[str, str]:
    """Return the grid zone of each site."""
    return {name: site.zone for name, site in sites(store).items()}

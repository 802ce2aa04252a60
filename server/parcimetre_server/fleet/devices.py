"""The devices of the fleet, as the latest facts describe them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parcimetre_agent.report import Display, Inventory
from parcimetre_factors.service_life.purchase import StatedPurchase
from pydantic import TypeAdapter

from ..access.scoped_store import ScopedStore
from ..base.cache import CachePerOwner, clear_all
from ..organisation import audit, merges
from ..organisation.connections import ConnectionMap
from ..organisation.org import sites
from ..organisation.transfers import by_device, placements
from ..store.interface import Store
from ..store.records import DeviceId, Fact, FactKind
from .device import NO_SYSTEM, UNKNOWN_ZONE, Device, UnknownDevice, no_device
from .displays import inventory_of

INVENTORY = TypeAdapter(Inventory)
DISPLAY = TypeAdapter(Display)
FEW = 500  # devices that are read one by one sooner than all at once
MOST_OUTCOMES = 100
DESCRIBING: tuple[FactKind, ...] = ("device", "inventory", "purchase", "monitor")
OF_MANY: tuple[FactKind, ...] = ("site", "lineage", "transfer", "feeding")


@dataclass(frozen=True)
class _Index:
    """The devices as they were when the facts had come to a mark."""

    devices: dict[DeviceId, Device]
    mark: int


_INDEX: CachePerOwner[None, _Index] = CachePerOwner(
    "devices", "Devices are read again at each question as far as anything was stated of them since.", 1
)


def devices(store: Store) -> dict[DeviceId, Device]:
    """Every device that ever enrolled, and the monitors that they were seen with, by id.

    Those that were merged into another are part of that one. Only what was stated since the last time is
    read. Those of a scope are taken from the whole store's, so that nothing is cached for a reader. Where
    another process has deleted a device meanwhile, every cache of this one is emptied.
    """
    if isinstance(store, ScopedStore):
        return _in_scope(store)
    return dict(_INDEX.of(store).update(None, lambda before: _index(store, before)).devices)


def _index(store: Store, before: _Index | None) -> _Index:
    """Return the devices by now; those before are updated, unless all are read anew."""
    if before is None:
        mark = store.newer((), 0)[1]
        return _Index(_all_devices(store), mark)
    stated, mark = store.newer((*DESCRIBING, *OF_MANY, "audit"), before.mark)
    changed = list(dict.fromkeys(fact.key for fact in stated if fact.kind in DESCRIBING))
    deleted = any(fact.key == audit.DELETED for fact in stated)
    if deleted:
        clear_all()
    if deleted or any(fact.kind in OF_MANY for fact in stated) or len(changed) > FEW:
        return _Index(_all_devices(store), mark)
    if not changed:
        return _Index(before.devices, mark)
    known = dict(before.devices)
    _update(store, known, changed)
    return _Index(known, mark)


def _in_scope(store: ScopedStore) -> dict[DeviceId, Device]:
    """Devices as a reader may see them."""
    zones = zones_of(store.whole)
    seen = ((key, _seen(store, found, zones)) for key, found in devices(store.whole).items())
    return {key: found for key, found in seen if found is not None}


def _seen(store: ScopedStore, found: Device, zones: Mapping[str, str]) -> Device | None:
    """A device as it stood in a scope, with its host name while it does; None where it never did.

    A monitor is without the machines of others that drove it.
    """
    scope = store.scope
    if not found.stays:
        if not scope.covers(found.org_unit):
            return None
        seen = found if scope.sees_host_names else replace(found, hostname=None)
    else:
        held = tuple(stay for stay in found.stays if scope.covers(stay.org_unit))
        if not held:
            return None
        named = scope.sees_host_names and held[-1] == found.stays[-1]
        unit, place = held[-1].org_unit, held[-1].site
        seen = replace(
            found, stays=held, org_unit=unit, site=place, zone=zones.get(place, UNKNOWN_ZONE),
            hostname=found.hostname if named else None,
        )  # fmt: skip
    return replace(seen, drivers=tuple(filter(store.is_known, found.drivers))) if found.drivers else seen


def _all_devices(store: Store) -> dict[DeviceId, Device]:
    facts = _Facts(*(store.latest(kind) for kind in DESCRIBING))
    lineages, moves = merges.MergeHistory.of(store), by_device(store.history("transfer"))
    zones, wiring = zones_of(store), ConnectionMap.of(store)
    found = {
        DeviceId(key): _device(facts, lineages, DeviceId(key), moves.get(key, ()), zones)
        for key in facts.devices
        if lineages.into(DeviceId(key)) is None
    }
    found |= {key: replace(one, wired=True) for key, one in found.items() if wiring.touches(key)}
    return found | dict(_monitors(facts, lineages, found))


def _monitors(
    facts: _Facts, lineages: merges.MergeHistory, found: Mapping[DeviceId, Device]
) -> Iterator[tuple[DeviceId, Device]]:
    """Monitors that a known machine showed."""
    for key, fact in facts.monitors.items():
        machines = [DeviceId(machine) for machine in fact.body["machines"] if machine in facts.devices]
        if machines:
            machine = found[lineages.whole(machines[-1])]
            yield DeviceId(key), _monitor(fact, machines, machine, facts.purchases.get(key))


def _update(store: Store, known: dict[DeviceId, Device], changed: Sequence[str]) -> None:
    """Read devices anew, and their monitors; facts may stand about one that never enrolled, or that is part
    of another.
    """
    lineages, zones, keys = merges.MergeHistory.of(store), zones_of(store), set(changed)
    wiring = ConnectionMap.of(store)
    monitors = [key for key, found in known.items() if keys.intersection(found.drivers)]
    for key in [*changed, *monitors]:
        try:
            whole = lineages.whole(DeviceId(key))
            known[whole] = _one(store, whole, lineages, zones, wiring)
        except UnknownDevice:
            continue


def device(store: Store, device_id: str) -> Device:
    """One device. Raises UnknownDevice, also for one that was merged into another."""
    if isinstance(store, ScopedStore):
        return _one_in_scope(store, device_id)
    lineages = merges.MergeHistory.of(store)
    return _one(store, DeviceId(device_id), lineages, zones_of(store), ConnectionMap.of(store))


def _one(
    store: Store,
    device_id: DeviceId,
    lineages: merges.MergeHistory,
    zones: Mapping[str, str],
    wiring: ConnectionMap,
) -> Device:
    into = lineages.into(device_id)
    if into is not None:
        raise UnknownDevice(f"device {device_id} was merged into {into}: use that id")
    members = lineages.members(device_id)
    facts = _Facts(*(_of_members(store, kind, members) for kind in DESCRIBING))
    if device_id not in facts.devices:
        return _one_monitor(store, device_id, lineages, zones)
    found = _device(facts, lineages, device_id, store.history("transfer", device_id), zones)
    return replace(found, wired=wiring.touches(device_id))


def _one_in_scope(store: ScopedStore, device_id: str) -> Device:
    """One device as a reader may see it. Raises UnknownDevice, alike for those of others and for none."""
    if not store.is_known(DeviceId(device_id)):
        raise no_device(device_id)
    seen = _seen(store, device(store.whole, device_id), zones_of(store.whole))
    if seen is None:
        raise no_device(device_id)
    return seen


def _one_monitor(
    store: Store, device_id: DeviceId, lineages: merges.MergeHistory, zones: Mapping[str, str]
) -> Device:
    """A monitor that one of its machines is still known of. Raises UnknownDevice."""
    fact, purchase = store.latest_of("monitor", device_id), store.latest_of("purchase", device_id)
    named = [DeviceId(key) for key in fact.body["machines"]] if fact else []
    known = [key for key in named if store.latest_of("device", key)]
    if fact is None or not known:
        raise no_device(device_id)
    machine = _one(store, lineages.whole(known[-1]), lineages, zones, ConnectionMap())
    return _monitor(fact, known, machine, purchase)


def zones_of(store: Store) -> dict[str, str]:
    """Grid zone of each site."""
    return {name: site.zone for name, site in sites(store).items()}


@dataclass(frozen=True)
class _Facts:
    """The latest facts that describe devices, by id."""

    devices: Mapping[str, Fact]
    inventories: Mapping[str, Fact]
    purchases: Mapping[str, Fact]
    monitors: Mapping[str, Fact]


def _of_members(store: Store, kind: FactKind, members: Sequence[DeviceId]) -> dict[str, Fact]:
    return {str(key): fact for key in members if (fact := store.latest_of(kind, key)) is not None}


def _device(
    facts: _Facts,
    lineages: merges.MergeHistory,
    key: DeviceId,
    moves: Sequence[Fact],
    zones: Mapping[str, str],
) -> Device:
    """A device of one or several members: the first gives its id and place, the latest enrolled its state.

    One that speaks for itself knows more of itself than a gateway does.
    """
    members = lineages.members(key)
    known = [facts.devices[key] for key in members if key in facts.devices]
    own = [one for one in known if _speaks(one, facts.inventories.get(one.key))] or known
    fact, latest = known[0], max(own, key=lambda one: int(one.body["enrolled_at"]))
    inventory = _latest(facts.inventories, [one.key for one in own]) or _latest(facts.inventories, members)
    relayed = [facts.inventories.get(one.key) for one in known if one not in own]
    purchase = next((facts.purchases[key] for key in members if key in facts.purchases), None)
    body: Mapping[str, Any] = fact.body
    stood = placements(body["org_unit"], body["site"], moves) if moves else ()
    return Device(
        id=DeviceId(fact.key),
        category=body["category"],
        org_unit=stood[-1].org_unit if stood else body["org_unit"],
        site=stood[-1].site if stood else body["site"],
        zone=zones.get(stood[-1].site if stood else body["site"], UNKNOWN_ZONE),
        hostname=latest.body.get("hostname"),
        simulated=body["simulated"],
        virtual=body["virtual"],
        enrolled_at=min(int(one.body["enrolled_at"]) for one in known),
        agent_version=latest.body["agent_version"],
        retired_at=latest.body.get("retired_at"),
        inventory=None if inventory is None else _inventory(inventory, relayed),
        purchase=None if purchase is None else StatedPurchase(**purchase.body),
        scrapped=latest.body.get("scrapped", False),
        stays=stood,
        joined=not lineages.is_plain(key),
        relayed_by=latest.body.get("relayed_by"),
    )


def _speaks(fact: Fact, inventory: Fact | None) -> bool:
    """Whether a device speaks for itself: a gateway, which need not be a device, knows of no system."""
    system = inventory.body.get("os", {}).get("name") if inventory else None
    return fact.body.get("relayed_by") is None and system != NO_SYSTEM


def _inventory(fact: Fact, relayed: Sequence[Fact | None]) -> Inventory:
    """An inventory, with what a gateway cannot read of the same machine."""
    outcomes = [
        *fact.body.get("outcomes", ()),
        *(one for of in relayed if of for one in of.body.get("outcomes", ()) if one["state"] == "failed"),
    ]
    return INVENTORY.validate_python({**fact.body, "outcomes": outcomes[:MOST_OUTCOMES]}, strict=False)


def _monitor(fact: Fact, drivers: Sequence[DeviceId], machine: Device, purchase: Fact | None) -> Device:
    """A monitor, where the last machine that drove it is."""
    body = fact.body
    display = DISPLAY.validate_python(body["display"], strict=False)
    return replace(
        machine,
        id=DeviceId(fact.key),
        category="monitor",
        hostname=None,
        virtual="none",
        enrolled_at=body["since"],
        agent_version="",
        retired_at=body["retired_at"],
        inventory=inventory_of(display, body["since"]),
        purchase=None if purchase is None else StatedPurchase(**purchase.body),
        scrapped=body["scrapped"],
        drivers=tuple(drivers),
        driven_by=machine.id,
        settled=body.get("settled", len(body["machines"]) > 1),
        joined=False,
        wired=False,
    )


def _latest(inventories: Mapping[str, Fact], members: Sequence[str]) -> Fact | None:
    found = [inventories[key] for key in members if key in inventories]
    return max(found, key=lambda one: one.recorded_at, default=None)

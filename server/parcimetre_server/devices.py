"""The devices of the fleet, as the latest facts describe them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from parcimetre_agent.report import Display, Inventory
from parcimetre_factors.purchase import Stated
from pydantic import TypeAdapter

from .credentials import revocation
from .displays import inventory_of
from .errors import ParcimetreError
from .org import sites, within
from .scoped_store import ScopedStore
from .store import DeviceId, Fact, FactKind, Store

INVENTORY = TypeAdapter(Inventory)
DISPLAY = TypeAdapter(Display)
UNKNOWN_ZONE = "FR"
STATED: tuple[FactKind, ...] = ("device", "inventory", "purchase", "site", "monitor")


class UnknownDevice(ParcimetreError):
    """No device of that id."""

    status = 404
    kind = "unknown-device"


@dataclass(frozen=True)
class Device:
    """One device: where it belongs, what it is made of, and since when it is known.

    `zone` is the grid zone of its site; `inventory` is None until its agent has sent one. A monitor that was
    seen by machines has none of its own: it belongs where `driven_by` does, the last of its `drivers`. It is
    `settled` once nobody need ask any more whether it was merely seen at home.
    """

    id: DeviceId
    category: str
    org_unit: str
    site: str
    zone: str
    hostname: str | None
    simulated: bool
    virtual: str
    enrolled_at: int
    agent_version: str
    retired_at: int | None
    inventory: Inventory | None
    purchase: Stated | None = None
    scrapped: bool = False
    drivers: tuple[DeviceId, ...] = ()
    settled: bool = False

    @property
    def driven_by(self) -> DeviceId | None:
        """The machine that showed a monitor last."""
        return self.drivers[-1] if self.drivers else None

    @property
    def name(self) -> str:
        """What to call it: host name, else maker and model with the start of its id."""
        if self.hostname:
            return self.hostname
        system = self.inventory.system if self.inventory else None
        model = " ".join(filter(None, (system.maker, system.model) if system else ()))
        return f"{model} {self.id[:6]}".strip()


@dataclass
class _Known:
    """The devices as they were when the facts had come to a mark."""

    devices: dict[DeviceId, Device] = field(default_factory=dict)
    mark: int = 0
    lock: Lock = field(default_factory=Lock)


_KNOWN: WeakKeyDictionary[Store, _Known] = WeakKeyDictionary()


def devices(store: Store) -> dict[DeviceId, Device]:
    """Every device that ever enrolled, and the monitors that they were seen with, by id.

    Only what was stated since the last time is read. Those of a scope are taken from the devices of the whole
    store, so that nothing is kept for a reader.
    """
    if isinstance(store, ScopedStore):
        return _in_scope(store)
    known = _KNOWN.setdefault(store, _Known())
    with known.lock:
        stated, mark = store.newer(STATED, known.mark) if known.mark else ([], store.newer((), 0)[1])
        if not known.mark or any(fact.kind == "site" for fact in stated):
            known.devices = _all_devices(store)
        else:
            _update(store, known.devices, list(dict.fromkeys(fact.key for fact in stated)))
        known.mark = mark
        return dict(known.devices)


def _in_scope(store: ScopedStore) -> dict[DeviceId, Device]:
    """Devices as a reader may see them; a monitor without the machines of others that drove it."""
    whole, scope = devices(store.whole), store.scope
    seen = {key: found for key, found in whole.items() if scope.covers(found.org_unit)}
    for key, found in seen.items():
        if found.drivers:
            seen[key] = replace(found, drivers=tuple(one for one in found.drivers if one in seen))
    if scope.sees_host_names:
        return seen
    return {key: replace(found, hostname=None) for key, found in seen.items()}


def _all_devices(store: Store) -> dict[DeviceId, Device]:
    inventories, purchases = store.latest("inventory"), store.latest("purchase")
    zones = {name: site.zone for name, site in sites(store).items()}
    found = {
        DeviceId(key): _device(fact, inventories.get(key), purchases.get(key), zones)
        for key, fact in store.latest("device").items()
    }
    seen = (
        _monitor(fact, found, purchases.get(key))
        for key, fact in store.latest("monitor").items()
        if any(machine in found for machine in fact.body["machines"])
    )
    return found | {monitor.id: monitor for monitor in seen}


def _update(store: Store, known: dict[DeviceId, Device], changed: Sequence[str]) -> None:
    """Read devices anew, and their monitors; facts may stand about one that never enrolled."""
    keys = set(changed)
    monitors = [key for key, found in known.items() if keys.intersection(found.drivers)]
    for key in [*changed, *monitors]:
        try:
            known[DeviceId(key)] = device(store, key)
        except UnknownDevice:
            continue


def device(store: Store, device_id: str) -> Device:
    """One device. Raises UnknownDevice."""
    fact, purchase = store.latest_of("device", device_id), store.latest_of("purchase", device_id)
    if fact is None:
        return _one_monitor(store, device_id, purchase)
    zones = {name: site.zone for name, site in sites(store).items()}
    return _device(fact, store.latest_of("inventory", device_id), purchase, zones)


def _one_monitor(store: Store, device_id: str, purchase: Fact | None) -> Device:
    """A monitor that one of its machines is still known of. Raises UnknownDevice."""
    if isinstance(store, ScopedStore):
        seen = _in_scope(store).get(DeviceId(device_id))
        if seen is None:
            raise no_device(device_id)
        return seen
    fact = store.latest_of("monitor", device_id)
    named = fact.body["machines"] if fact else []
    found = {key: device(store, key) for key in named if store.latest_of("device", key)}
    if fact is None or not found:
        raise no_device(device_id)
    return _monitor(fact, found, purchase)


def find(store: Store, wanted: str) -> Device:
    """The one device of this id, of an id that begins so, or of this name. Raises UnknownDevice."""
    return Directory(devices(store)).find(wanted)


class Directory:
    """Devices to be found by id, by the beginning of an id, or by name."""

    def __init__(self, found: Mapping[DeviceId, Device]) -> None:
        self._by_id = found
        self._ids = sorted(found)
        self._by_name: dict[str, list[DeviceId]] = {}
        for key, known in found.items():
            self._by_name.setdefault(known.name, []).append(key)

    def find(self, wanted: str) -> Device:
        """The one device that is meant. Raises UnknownDevice for none and for several."""
        found = self._fitting(wanted)
        if not found:
            raise no_device(wanted)
        if len(found) > 1:
            raise UnknownDevice(f"{wanted!r} fits {len(found)} devices: give more of the id")
        return self._by_id[found[0]]

    def _fitting(self, wanted: str) -> Sequence[DeviceId]:
        if wanted in self._by_id:
            return [DeviceId(wanted)]
        first = bisect_left(self._ids, wanted)
        beginning = takewhile(lambda key: key.startswith(wanted), islice(self._ids, first, None))
        return (list(beginning) if wanted else []) or self._by_name.get(wanted, [])


def no_device(wanted: str) -> UnknownDevice:
    """That nothing has this id or name."""
    return UnknownDevice(f"there is no device {wanted!r}: `parcimetre devices` lists them")


def chosen(
    found: Mapping[DeviceId, Device],
    org_unit: str | None = None,
    site: str | None = None,
    category: str | None = None,
    q: str | None = None,
) -> Iterator[Device]:
    """Devices in an org unit's subtree, at a site, of a category, whose name or id contains `q`; by id."""
    for key in sorted(found):
        device = found[key]
        if (
            (org_unit is None or within(device.org_unit, org_unit))
            and (site is None or device.site == site)
            and (category is None or device.category == category)
            and (q is None or q.casefold() in f"{device.name} {device.id}".casefold())
        ):
            yield device


def _device(fact: Fact, inventory: Fact | None, purchase: Fact | None, zones: Mapping[str, str]) -> Device:
    body: Mapping[str, Any] = fact.body
    return Device(
        id=DeviceId(fact.key),
        category=body["category"],
        org_unit=body["org_unit"],
        site=body["site"],
        zone=zones.get(body["site"], UNKNOWN_ZONE),
        hostname=body.get("hostname"),
        simulated=body["simulated"],
        virtual=body["virtual"],
        enrolled_at=body["enrolled_at"],
        agent_version=body["agent_version"],
        retired_at=body.get("retired_at"),
        inventory=None if inventory is None else INVENTORY.validate_python(inventory.body, strict=False),
        purchase=None if purchase is None else Stated(**purchase.body),
        scrapped=body.get("scrapped", False),
    )


def _monitor(fact: Fact, found: Mapping[DeviceId, Device], purchase: Fact | None) -> Device:
    """A monitor, where the last of its machines that is known is."""
    body = fact.body
    drivers = tuple(DeviceId(machine) for machine in body["machines"] if machine in found)
    machine = found[drivers[-1]]
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
        purchase=None if purchase is None else Stated(**purchase.body),
        scrapped=body["scrapped"],
        drivers=drivers,
        settled=body.get("settled", len(body["machines"]) > 1),
    )


def retire(store: Store, device_id: str, now: int, scrapped: bool = False) -> None:
    """Take a device out of service from `now` on and end its credentials. Raises UnknownDevice.

    What is left of a scrapped device's life falls on that time; another's goes with it to its next owner.
    """
    found = device(store, device_id)
    fact = store.latest_of("device" if found.driven_by is None else "monitor", device_id)
    if fact is not None and fact.body.get("retired_at") is None:
        retired = Fact(fact.kind, device_id, now, {**fact.body, "retired_at": now, "scrapped": scrapped})
        credential = [revocation(DeviceId(device_id), now)] if found.driven_by is None else []
        store.append([retired, *credential])

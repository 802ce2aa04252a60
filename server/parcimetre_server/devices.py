"""The devices of the fleet, as the latest facts describe them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parcimetre_agent.report import Inventory
from pydantic import TypeAdapter

from .credentials import revocation
from .errors import ParcimetreError
from .org import sites, within
from .store import DeviceId, Fact, Store

INVENTORY = TypeAdapter(Inventory)
UNKNOWN_ZONE = "FR"


class UnknownDevice(ParcimetreError):
    """No device of that id."""

    status = 404
    kind = "unknown-device"


@dataclass(frozen=True)
class Device:
    """One device: where it belongs, what it is made of, and since when it is known.

    `zone` is the grid zone of its site; `inventory` is None until its agent has sent one.
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

    @property
    def name(self) -> str:
        """What to call it: host name, else maker and model with the start of its id."""
        if self.hostname:
            return self.hostname
        system = self.inventory.system if self.inventory else None
        model = " ".join(filter(None, (system.maker, system.model) if system else ()))
        return f"{model} {self.id[:6]}".strip()


def devices(store: Store) -> dict[DeviceId, Device]:
    """Every device that ever enrolled, by id."""
    inventories = store.latest("inventory")
    zones = {name: site.zone for name, site in sites(store).items()}
    return {
        DeviceId(key): _device(fact, inventories.get(key), zones)
        for key, fact in store.latest("device").items()
    }


def device(store: Store, device_id: str) -> Device:
    """One device. Raises UnknownDevice."""
    fact = store.latest_of("device", device_id)
    if fact is None:
        raise UnknownDevice(f"there is no device {device_id!r}: `parcimetre devices` lists them")
    zones = {name: site.zone for name, site in sites(store).items()}
    return _device(fact, store.latest_of("inventory", device_id), zones)


def find(store: Store, wanted: str) -> Device:
    """The one device of this id, of an id that begins so, or of this name. Raises UnknownDevice."""
    known = store.latest("device")
    ids = [DeviceId(key) for key in known if key == wanted] or [
        DeviceId(key) for key in known if wanted and key.startswith(wanted)
    ]
    found = [device(store, key) for key in ids] or [
        found for found in devices(store).values() if found.name == wanted
    ]
    if len(found) > 1:
        raise UnknownDevice(f"{wanted!r} fits {len(found)} devices: give more of the id")
    return found[0] if found else device(store, wanted)


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


def _device(fact: Fact, inventory: Fact | None, zones: Mapping[str, str]) -> Device:
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
    )


def retire(store: Store, device_id: str, now: int) -> None:
    """Take a device out of service from `now` on and end its credentials. Raises UnknownDevice."""
    device(store, device_id)
    fact = store.latest_of("device", device_id)
    if fact is not None and fact.body.get("retired_at") is None:
        retired = Fact("device", device_id, now, {**fact.body, "retired_at": now})
        store.append([retired, revocation(DeviceId(device_id), now)])

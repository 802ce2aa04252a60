"""Assembly of a device from the latest facts about it; nothing is read from the store here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from parcimetre_agent.report import Display, Inventory
from parcimetre_factors.service_life.purchase import StatedPurchase
from pydantic import TypeAdapter

from ..base.periods import LAST_SECOND
from ..organisation.merges import MergeHistory
from ..organisation.transfers import placements
from ..store.records import DeviceId, Fact, FactKind
from .device import NO_SYSTEM, UNKNOWN_ZONE, Device
from .displays import inventory_of
from .inventories import read_inventory

DISPLAY = TypeAdapter(Display)
MOST_OUTCOMES = 100
EARLIEST = -2_208_988_800  # 1900
DESCRIBING: tuple[FactKind, ...] = ("device", "inventory", "purchase", "monitor")


@dataclass(frozen=True)
class DeviceFacts:
    """The latest facts that describe devices, by id."""

    devices: Mapping[str, Fact]
    inventories: Mapping[str, Fact]
    purchases: Mapping[str, Fact]
    monitors: Mapping[str, Fact]

    @classmethod
    def read(cls, latest: Callable[[FactKind], Mapping[str, Fact]]) -> DeviceFacts:
        """Return the facts that `latest` gives for each kind."""
        return cls(*(latest(kind) for kind in DESCRIBING))


def assemble_device(
    facts: DeviceFacts,
    merges: MergeHistory,
    key: DeviceId,
    transfers: Sequence[Fact],
    zones: Mapping[str, str],
) -> Device:
    """Return a device of one or several merged members; `zones` maps sites to grid zones.

    The first member gives its id and place, the one enrolled last its state. Members that report themselves
    win over those that a gateway reports, which knows less of the machine.
    """
    members = merges.members(key)
    enrolled = [facts.devices[member] for member in members if member in facts.devices]
    own = [fact for fact in enrolled if _reports_itself(fact, facts.inventories.get(fact.key))] or enrolled
    first, latest = enrolled[0], max(own, key=lambda fact: int(fact.body["enrolled_at"]))
    inventory = _latest(facts.inventories, [fact.key for fact in own]) or _latest(facts.inventories, members)
    relayed = (facts.inventories.get(fact.key) for fact in enrolled if fact not in own)
    purchase = next((facts.purchases[member] for member in members if member in facts.purchases), None)
    org_unit, site = first.body["org_unit"], first.body["site"]
    places = placements(org_unit, site, transfers) if transfers else ()
    if places:
        org_unit, site = places[-1].org_unit, places[-1].site
    read, items_left_out = (None, ()) if inventory is None else _inventory(inventory, filter(None, relayed))
    return checked(Device(
        id=DeviceId(first.key),
        category=first.body["category"],
        org_unit=org_unit,
        site=site,
        zone=zones.get(site, UNKNOWN_ZONE),
        hostname=latest.body.get("hostname"),
        simulated=first.body["simulated"],
        virtual=first.body["virtual"],
        enrolled_at=min(int(fact.body["enrolled_at"]) for fact in enrolled),
        agent_version=latest.body["agent_version"],
        retired_at=latest.body.get("retired_at"),
        inventory=read,
        purchase=None if purchase is None else StatedPurchase(**purchase.body),
        scrapped=latest.body.get("scrapped", False),
        stays=places,
        joined=not merges.is_plain(key),
        relayed_by=latest.body.get("relayed_by"),
        items_left_out=items_left_out,
    ))  # fmt: skip


def assemble_monitor(
    fact: Fact, drivers: Sequence[DeviceId], machine: Device, purchase: Fact | None
) -> Device:
    """Return a monitor, at the place of the `machine` that drove it last."""
    body = fact.body
    display = DISPLAY.validate_python(body["display"], strict=False)
    return checked(replace(
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
        items_left_out=(),
    ))  # fmt: skip


def _reports_itself(fact: Fact, inventory: Fact | None) -> bool:
    """Return whether a device reports itself; a gateway, which need not be a device, states no system."""
    system = inventory.body.get("os", {}).get("name") if inventory else None
    return fact.body.get("relayed_by") is None and system != NO_SYSTEM


def checked(device: Device) -> Device:
    """Return a device whose fields have their types and bounds. Raises TypeError and ValueError."""
    texts = (device.category, device.org_unit, device.site, device.virtual, device.agent_version)
    perhaps = (device.hostname, device.relayed_by)
    if not all(isinstance(text, str) for text in (*texts, *(text for text in perhaps if text is not None))):
        raise TypeError("a name of the device is not a text")
    bought = None if device.purchase is None else device.purchase.at
    if not all(isinstance(text, str) for stay in device.stays for text in (stay.org_unit, stay.site)):
        raise TypeError("a transfer of the device is not to a unit and a site")
    moved = (at for stay in device.stays for at in (stay.first, stay.last - 1))
    for at in (device.enrolled_at, device.retired_at, bought, *moved):
        if at is not None and not (isinstance(at, int) and EARLIEST <= at < LAST_SECOND):
            raise ValueError("a time of the device is not a time in seconds UTC")
    return device


def _inventory(fact: Fact, relayed: Iterable[Fact]) -> tuple[Inventory, tuple[str, ...]]:
    """Return an inventory, with the failures of gateways that read the same machine among its outcomes.

    Items that cannot be used are left out, each with its reason.
    """
    outcomes = [
        *fact.body.get("outcomes", ()),
        *(
            outcome
            for other in relayed
            for outcome in other.body.get("outcomes", ())
            if outcome.get("state") == "failed"
        ),
    ]
    return read_inventory({**fact.body, "outcomes": outcomes[:MOST_OUTCOMES]})


def _latest(inventories: Mapping[str, Fact], members: Sequence[str]) -> Fact | None:
    stored = [inventories[key] for key in members if key in inventories]
    return max(stored, key=lambda fact: fact.recorded_at, default=None)

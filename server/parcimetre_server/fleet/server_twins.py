"""Joining of servers that report themselves and that a gateway reads too: one machine, counted once.

Both state the same serial number, as the same keyed hash. Where one device of each kind has it, in one org
unit, the one that the gateway reports is merged into the other. Everything else stays in the list of
duplicates: a chassis whose servers state one serial number, and devices of different org units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..access.context import Context
from ..organisation import audit
from ..store.interface import Store
from .device import Device
from .devices import devices
from .merging import merge

WHO = "collector"
SERVER, PHYSICAL = "server", "none"


def join_servers(context: Context) -> int:
    """Merge devices that are certainly one machine, logged as the collector's act; return how many.

    A merge that somebody undid is not made again.
    """
    pairs = list(_same_machines(context.store))
    for own, relayed in pairs:
        with audit.acting(WHO):
            merge(context.store, own.id, relayed.id, context.now())
    return len(pairs)


def _same_machines(store: Store) -> Iterator[tuple[Device, Device]]:
    """Yield devices that report themselves, each with the one that a gateway reports of the same machine."""
    in_service = [device for device in devices(store).values() if device.retired_at is None]
    relayed: dict[str, list[Device]] = _by_serial(
        device for device in in_service if not device.speaks_for_itself and device.category == SERVER
    )
    if not relayed:
        return
    own = _by_serial(
        device for device in in_service if device.speaks_for_itself and device.virtual == PHYSICAL
    )
    for serial, gateways in relayed.items():
        agents = own.get(serial, [])
        if len(gateways) == len(agents) == 1 and _may_be_joined(store, agents[0], gateways[0]):
            yield agents[0], gateways[0]


def _may_be_joined(store: Store, own: Device, relayed: Device) -> bool:
    """Return whether both belong to one org unit, and the relayed one was never merged or split before."""
    alike = (own.org_unit, own.simulated) == (relayed.org_unit, relayed.simulated)
    return alike and not store.history("lineage", relayed.id)


def _by_serial(devices: Iterator[Device]) -> dict[str, list[Device]]:
    """Group devices by the hash of their serial number; those without one, and monitors, are left out."""
    alike: defaultdict[str, list[Device]] = defaultdict(list)
    for device in devices:
        serial = device.inventory.system.serial_hash if device.inventory and not device.drivers else None
        if serial:
            alike[serial].append(device)
    return alike

"""Servers that a gateway reads by their BMC and that report themselves too: one machine, counted once.

Both state the same serial number, as the same keyed hash. Where one device of each kind has it, in one org
unit, the one that the gateway speaks for becomes a part of the other. All else is left to people, in the list
of duplicates: a chassis whose servers state one serial number, and devices of different org units.
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
    """Merge what is one machine without a doubt, in the audit log as the collector's act; how many.

    Who takes such a merge apart keeps them apart: none is made twice.
    """
    found = list(_same_machines(context.store))
    for own, relayed in found:
        with audit.acting(WHO):
            merge(context.store, own.id, relayed.id, context.now())
    return len(found)


def _same_machines(store: Store) -> Iterator[tuple[Device, Device]]:
    """Devices that report themselves, each with the one that a gateway tells of the same machine."""
    in_service = [one for one in devices(store).values() if one.retired_at is None]
    relayed: dict[str, list[Device]] = _by_serial(
        one for one in in_service if not one.speaks_for_itself and one.category == SERVER
    )
    if not relayed:
        return
    own = _by_serial(one for one in in_service if one.speaks_for_itself and one.virtual == PHYSICAL)
    for serial, gateways in relayed.items():
        agents = own.get(serial, [])
        if len(gateways) == len(agents) == 1 and _may_be_joined(store, agents[0], gateways[0]):
            yield agents[0], gateways[0]


def _may_be_joined(store: Store, own: Device, relayed: Device) -> bool:
    """Whether both belong to one org unit, and nobody has said before what becomes of the relayed one."""
    alike = (own.org_unit, own.simulated) == (relayed.org_unit, relayed.simulated)
    return alike and not store.history("lineage", relayed.id)


def _by_serial(found: Iterator[Device]) -> dict[str, list[Device]]:
    """Devices by the hash of their serial number; those without one, and monitors, are left out."""
    alike: defaultdict[str, list[Device]] = defaultdict(list)
    for one in found:
        serial = one.inventory.system.serial_hash if one.inventory and not one.drivers else None
        if serial:
            alike[serial].append(one)
    return alike

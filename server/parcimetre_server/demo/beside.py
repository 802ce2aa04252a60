"""Devices of the simulated fleet that a gateway reports, and the devices assigned to their outlets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..access.served_settings import open_as_served
from ..fleet.outlets.mapping import Statement, store_mapping
from ..organisation.connections import ConnectionMap, Feeding
from .fleet import CENTRAL, DATACENTRE, DemoDevice, fleet
from .power_units import pdus
from .printers import printers
from .relayed import Relayed
from .send import CollectorClient, SecretOf, Sent, Simulated, send
from .switches import switches

LOOKED_AT = 5_000  # devices among which the data centre's first servers are found
Hanging = tuple[Relayed, str, Simulated]


@dataclass(frozen=True)
class GatewayDevices:
    """The relayed devices of a fleet, the machine that is their gateway, and feeder, outlet, device."""

    gateway: DemoDevice
    devices: tuple[Relayed, ...]
    hanging: tuple[Hanging, ...]


def beside(size: int, seed: int) -> GatewayDevices:
    """What stands beside the first `size` devices of the fleet that belongs to `seed`."""
    computers = list(fleet(min(size, LOOKED_AT), seed))
    units = list(pdus(computers, seed))
    found: list[Relayed] = [*printers(size, seed), *units]
    hanging: list[Hanging] = [(unit, *there) for unit in units for there in unit.hanging.items()]
    for switch, fed in switches(size, seed):
        found += [switch, *fed.values()]
        hanging += [(switch, *there) for there in fed.items()]
    return GatewayDevices(_gateway(computers), tuple(found), tuple(hanging))


def _gateway(computers: list[DemoDevice]) -> DemoDevice:
    """The first machine of the data centre; the first of all where there is none."""
    there = CENTRAL.site(DATACENTRE)
    return next((one for one in computers if one.site == there), computers[0])


def send_beside(
    context: CollectorClient, those: GatewayDevices, secret_of: SecretOf, first: int, last: int
) -> Iterator[Sent]:
    """Report the relayed devices as their gateway does; one answer per device, as done."""
    if those.devices:
        yield from send(
            context, those.devices, secret_of, first, last, _gateway_id(context, those, secret_of)
        )


def state_outlets(
    context: CollectorClient, those: GatewayDevices, secret_of: SecretOf, data_dir: Path
) -> int:
    """State what hangs where, as `parcimetre outlets import` does; how many statements were news.

    An outlet of which anything was ever stated stays as it is. Devices are enrolled once more for their ids.
    """
    if not those.hanging:
        return 0
    gateway = _gateway_id(context, those, secret_of)

    def id_of(one: Simulated) -> str:
        """The id under which the collector knows it."""
        return context.enrol(one, secret_of(one), gateway if isinstance(one, Relayed) else None).device_id

    known = open_as_served(data_dir)
    with closing(known.store):
        wiring = ConnectionMap.of(known.store)
        untold = {(one.feeder, one.name) for one in wiring.outlets if one.feeds == (Feeding(None),)}
        news = [
            Statement(outlet, feeder_id, outlet, id_of(fed))
            for feeder, outlet, fed in those.hanging
            if ((feeder_id := id_of(feeder)), outlet) in untold
        ]
        return store_mapping(known.store, news, known.zone, known.now()).changed


def _gateway_id(context: CollectorClient, those: GatewayDevices, secret_of: SecretOf) -> str:
    return context.enrol(those.gateway, secret_of(those.gateway)).device_id

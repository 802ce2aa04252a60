"""Devices of the simulated fleet that a gateway reports, and the devices assigned to their outlets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from parcimetre_agent.report import EnrolAnswer

from ..access.served_settings import open_as_served
from ..base.org_path import within
from ..fleet.outlets.mapping import Statement, store_mapping
from ..organisation.connections import ConnectionMap, Feeding
from .fleet import CENTRAL, DATACENTRE, DemoDevice, fleet
from .power_units import pdus
from .printers import printers
from .relayed import Relayed
from .send import CollectorClient, GatewayOf, SecretOf, Sent, Simulated, send
from .switches import switches

LOOKED_AT = 5_000  # devices among which the data centre's first servers are found
Hanging = tuple[Relayed, str, Simulated]


@dataclass(frozen=True)
class GatewayDevices:
    """The relayed devices of a fleet, a machine of each org unit that is the gateway there, and feeder,
    outlet, device.
    """

    gateways: Mapping[str, DemoDevice]
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
    return GatewayDevices(_gateways(computers), tuple(found), tuple(hanging))


def _gateways(computers: list[DemoDevice]) -> Mapping[str, DemoDevice]:
    """The first machine of each org unit; of the data centre's unit the first one there."""
    there = CENTRAL.site(DATACENTRE)
    in_order = sorted(computers, key=lambda one: one.site != there)
    return {one.org_unit: one for one in reversed(in_order)}


def _gateway_of(context: CollectorClient, those: GatewayDevices, secret_of: SecretOf) -> GatewayOf:
    """What gives each relayed device the gateway of its org unit or of one above it, if there is any."""
    enrolled: dict[str, EnrolAnswer] = {}

    def of(one: Simulated) -> EnrolAnswer | None:
        """The gateway that reports it."""
        unit = next((unit for unit in those.gateways if within(one.org_unit, unit)), None)
        if unit is None or not isinstance(one, Relayed):
            return None
        if unit not in enrolled:
            machine = those.gateways[unit]
            enrolled[unit] = context.enrol(machine, secret_of(machine))
        return enrolled[unit]

    return of


def send_beside(
    context: CollectorClient, those: GatewayDevices, secret_of: SecretOf, first: int, last: int
) -> Iterator[Sent]:
    """Report the relayed devices as their gateway does; one answer per device, as done."""
    if those.devices:
        gateway_of = _gateway_of(context, those, secret_of)
        yield from send(context, those.devices, secret_of, first, last, gateway_of)


def state_outlets(
    context: CollectorClient, those: GatewayDevices, secret_of: SecretOf, data_dir: Path
) -> int:
    """State what hangs where, as `parcimetre outlets import` does; how many statements were news.

    An outlet of which anything was ever stated stays as it is. Devices are enrolled once more for their ids.
    """
    if not those.hanging:
        return 0
    gateway_of = _gateway_of(context, those, secret_of)

    def id_of(one: Simulated) -> str:
        """The id under which the collector knows it."""
        return context.enrol(one, secret_of(one), gateway_of(one)).device_id

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

"""Read a network device whole when it is first found."""

from __future__ import annotations

from dataclasses import replace

from ..identification.names import printable
from . import meters, network, poe_session
from .answers import DESCRIPTION, OBJECT_ID, Answers
from .configuration import SnmpTarget
from .device_identity import KnownDevice
from .makers import maker_of
from .snmp import SnmpSession

ROWS_AT_ONCE = 25
MANY_ROWS = 3000


async def identify(session: SnmpSession, target: SnmpTarget) -> KnownDevice | None:
    """Who answers at an address; None for what is no network device. Raises Silent and Garbled."""
    first = await session.get([OBJECT_ID, DESCRIPTION, network.SERVICES, network.BRIDGE_PORTS])
    poe = await session.walk(network.POE_SUPPLIES)
    maker = maker_of(str(first.get(OBJECT_ID, "")))
    if not network.is_network(first, poe, maker):
        return None
    classes = await session.walk(network.PART_CLASSES, ROWS_AT_ONCE, MANY_ROWS)
    whole = network.chassis(classes)[: network.SERIALS_TRIED] or ["1"]
    answers = {**first, **await session.get(network.identity_oids(whole, maker))}
    found = await find_meters(session, classes)
    known = network.identify_network_device(answers, target.host, whole, maker, found, poe=bool(poe))
    return replace(known, taps=await poe_session.ports(session, maker))


async def find_meters(session: SnmpSession, classes: Answers) -> meters.PowerMeters | None:
    """Return where it states its power; None if it has too many parts to have been read whole."""
    if len(classes) >= MANY_ROWS:
        return None
    powers = await session.walk(meters.OBJECT_POWERS, ROWS_AT_ONCE, MANY_ROWS)
    return meters.find_meters(powers, classes, {}) or meters.find_meters(
        {}, classes, await _watt_sensors(session)
    )


async def _watt_sensors(session: SnmpSession) -> dict[str, str]:
    """The sensors that count watts, by index, with their names; none where some may be missing."""
    types = await session.walk(meters.SENSOR_TYPES, ROWS_AT_ONCE, MANY_ROWS)
    if len(types) >= MANY_ROWS:
        return {}
    found = [index for index, kind in types.items() if kind == meters.WATTS]
    columns = (network.PART_NAMES, network.PART_DESCRIPTIONS)
    answers = await session.get(f"{column}.{index}" for index in found for column in columns)
    return {
        index: " ".join(printable(answers.get(f"{column}.{index}")) or "" for column in columns)
        for index in found
    }

"""Read a printer whole when it is first found, in as few datagrams as possible."""

from __future__ import annotations

from dataclasses import replace

from . import meters, network, printers
from .answers import DESCRIPTION, OBJECT_ID
from .device_identity import KnownDevice
from .makers import maker_of
from .snmp import AT_ONCE, SnmpSession

USUAL_INDEX = 1


async def identify(session: SnmpSession) -> KnownDevice | None:
    """Which printer answers at an address; None for what is none. Raises Silent and Garbled.

    The first request is at once that for the status of most printers.
    """
    usual = f"{printers.DEVICE_TYPES}.{USUAL_INDEX}"
    first = await session.get(
        [DESCRIPTION, printers.LIFE_COUNT, usual, *printers.standard_status_oids(USUAL_INDEX)]
    )
    index: int | None = USUAL_INDEX
    if first.get(usual) != printers.PRINTER_TYPE:
        index = printers.printer_index(await session.walk(printers.DEVICE_TYPES))
    if index is None and printers.LIFE_COUNT not in first:
        return None
    index = index or USUAL_INDEX
    maker = maker_of(str(first.get(OBJECT_ID, "")))
    answers = {**first, **await session.get(printers.identity_oids(index, maker))}
    trays = await session.walk(printers.TRAYS, AT_ONCE, first=printers.UNIT, last=printers.WIDTH)
    paths = await session.walk(printers.PATH_TYPES)
    can = printers.capabilities(answers, printers.trays(trays), paths)
    found = printers.identify_printer(answers, session.host, index, maker, can)
    return replace(found, meters=await _meters(session))


async def _meters(session: SnmpSession) -> meters.PowerMeters | None:
    """Return where it states its power, if in one place: that is polled with its status."""
    powers = await session.walk(meters.OBJECT_POWERS)
    if not powers:
        return None
    found = meters.find_meters(powers, await session.walk(network.PART_CLASSES, AT_ONCE), {})
    return found if found is not None and len(found.indexes) == 1 else None

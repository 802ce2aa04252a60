"""Read once which ports of a switch state the power that they give by PoE."""

from __future__ import annotations

from .makers import Maker
from .poe_ports import name_oids
from .poe_ports import ports as ports_of
from .snmp import SnmpSession
from .taps import Tap

ROWS_AT_ONCE = 25
MANY_ROWS = 1000


async def ports(session: SnmpSession, maker: Maker | None) -> list[Tap]:
    """Return the ports and where each states its power; none for a maker without a table.

    Raises Silent and Garbled.
    """
    table = maker.poe if maker else None
    if table is None:
        return []
    powers = await session.walk(table.power, ROWS_AT_ONCE, MANY_ROWS)
    parts = await session.walk(table.part, ROWS_AT_ONCE, MANY_ROWS) if table.part and powers else {}
    oids = name_oids(table, powers, parts)
    return ports_of(table, powers, oids, await session.get(oids.values()))

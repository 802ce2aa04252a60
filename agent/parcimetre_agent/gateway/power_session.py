"""Read a PDU or UPS whole: when it is first found, and once a day afterwards."""

from __future__ import annotations

from . import network, power_units
from .answers import DESCRIPTION, NAME, OBJECT_ID, Answers
from .configuration import SnmpTarget
from .device_identity import KnownDevice
from .makers import Maker, maker_of
from .network_session import MANY_ROWS, ROWS_AT_ONCE, find_meters
from .outlet_tables import UPS_MAKER, UPS_MIB, UPS_MODEL, OutletTable, UnitKind
from .power_units import PowerUnit, TableRows
from .snmp import SnmpSession


async def identify(session: SnmpSession, target: SnmpTarget) -> KnownDevice | None:
    """Who answers at an address; None for what is no power unit. Raises Silent and Garbled."""
    asked = [OBJECT_ID, DESCRIPTION, NAME, network.SERVICES, network.BRIDGE_PORTS, UPS_MAKER, UPS_MODEL]
    first = await session.get(asked)
    maker = maker_of(str(first.get(OBJECT_ID, "")))
    is_ups = UPS_MODEL in first or UPS_MAKER in first
    found = await _rows(session, maker)
    meters = None
    if not found and target.expected == "power" and not network.is_network(first, {}, maker):
        classes = await session.walk(network.PART_CLASSES, ROWS_AT_ONCE, MANY_ROWS)
        meters = await find_meters(session, classes)
    named = target.expected == "power" and maker is not None and bool(maker.power)
    if not found and meters is None and not is_ups and not named:
        return None
    kind: UnitKind = found[0].table.kind if found else "ups" if is_ups else "pdu"
    who = await session.get(_identity_oids(maker))
    made = power_units.power_unit(found, kind) if found else PowerUnit(kind)
    return power_units.identify_power_unit({**first, **who}, target.host, maker, made, meters)


def _identity_oids(maker: Maker | None) -> list[str]:
    return [*network.serial_oids(["1"], maker), *(maker.model if maker else ())]


async def _rows(session: SnmpSession, maker: Maker | None) -> list[TableRows]:
    """What the first table of each role holds: the maker's own, then those of the standard for UPSs."""
    found: list[TableRows] = []
    for table in (*(maker.power if maker else ()), *UPS_MIB):
        if table.role not in {rows.table.role for rows in found}:
            rows = await _read(session, table)
            found += [rows] if power_units.metered(rows) else []
    return found


async def _read(session: SnmpSession, table: OutletTable) -> TableRows:
    powers = await session.walk(table.power, ROWS_AT_ONCE, MANY_ROWS)
    if not powers:
        return TableRows(table, powers)
    energies: Answers = powers
    if table.energy != table.power:
        energies = await session.walk(table.energy, ROWS_AT_ONCE, MANY_ROWS) if table.energy else {}
    digits = await session.walk(table.digits, ROWS_AT_ONCE, MANY_ROWS) if table.digits else {}
    labels = await session.walk(table.label, ROWS_AT_ONCE, MANY_ROWS) if table.label else {}
    return TableRows(table, powers, energies, digits, labels)

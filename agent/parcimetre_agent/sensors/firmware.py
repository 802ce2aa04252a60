"""What the firmware states, as the report has it, and the total of memory where modules are not stated."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..identification.fillers import stated_name
from ..identification.hashes import asset_hash, serial_hash
from ..identification.names import clipped
from ..machine import smbios
from ..report import MemoryModule, System
from .machine import Machine

TABLE = "sys/firmware/dmi/tables/DMI"


def table(machine: Machine) -> bytes:
    """The SMBIOS table as Linux hands it over; empty where there is none, or not for this account."""
    try:
        return Path(machine.path(TABLE)).read_bytes()
    except OSError:
        return b""


def described(stated: smbios.SmbiosSystem) -> dict[str, Any]:
    """The fields `system` and `category` of the inventory."""
    maker = stated_name(stated.maker)
    system = System(
        maker=maker,
        model=stated_name(stated.model),
        sku=stated_name(stated.sku),
        family=stated_name(stated.family),
        version=stated_name(stated.version),
        board=stated_name(stated.board),
        bios_date=stated_name(stated.bios_date),
        chassis=smbios.CHASSIS.get(stated.chassis_type & 0x7F),
        serial_hash=serial_hash(maker, stated.serial),
        asset_hash=asset_hash(stated.serial),
    )
    return {"system": system, "category": smbios.category(stated.chassis_type)}


def modules(table: bytes) -> list[MemoryModule]:
    """Fitted memory modules by the table."""
    return [
        MemoryModule(one.size_mib, one.form, one.kind, clipped(one.maker), clipped(one.part))
        for one in smbios.memory_modules(table)
    ]


def total(seen_mib: float) -> MemoryModule:
    """All memory as one. Systems show less than is fitted: a step of 1 GiB makes up for it."""
    size_mib = math.ceil(seen_mib / 1024) * 1024 if seen_mib > 1024 else math.ceil(seen_mib)
    return MemoryModule(size_mib, form="total")

"""What the firmware states, as the report has it, and the total of memory where modules are not stated."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..identity import serial_hash
from ..machine import smbios
from ..report import MemoryModule, System
from .machine import Machine, clipped

TABLE = "sys/firmware/dmi/tables/DMI"
_FILLERS = frozenset(
    {"to be filled by o.e.m.", "default string", "system product name", "system manufacturer",
     "not specified", "not applicable", "none", "n/a", "unknown", "o.e.m.", "oem", "0", "invalid",
     "system version", "sku"}
)  # fmt: skip


def table(machine: Machine) -> bytes:
    """The SMBIOS table as Linux hands it over; empty where there is none, or not for this account."""
    try:
        return Path(machine.path(TABLE)).read_bytes()
    except OSError:
        return b""


def described(stated: smbios.Stated) -> dict[str, Any]:
    """The fields `system` and `category` of the inventory."""
    maker = _meant(stated.maker)
    system = System(
        maker=maker,
        model=_meant(stated.model),
        sku=_meant(stated.sku),
        family=_meant(stated.family),
        version=_meant(stated.version),
        board=_meant(stated.board),
        bios_date=_meant(stated.bios_date),
        chassis=smbios.CHASSIS.get(stated.chassis_type & 0x7F),
        serial_hash=serial_hash(maker, stated.serial),
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


def _meant(text: str | None) -> str | None:
    return None if text is None or text.strip().lower() in _FILLERS else clipped(text)

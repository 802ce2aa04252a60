"""Maker, model and chassis from /sys/class/dmi/id, readable by everybody; serial numbers are root's alone."""

from __future__ import annotations

from typing import Any

from ... import sysfs
from ...identity import serial_hash
from ...outcome import NoData, Ok, Outcome
from ...report import System
from .. import smbios
from ..machine import Machine, clipped

FOLDER = "sys/class/dmi/id"
_FILLERS = frozenset(
    {"to be filled by o.e.m.", "default string", "system product name", "system manufacturer",
     "not specified", "not applicable", "none", "n/a", "unknown", "o.e.m.", "oem", "0", "invalid",
     "system version", "sku"}
)  # fmt: skip


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """The system as its firmware states it; a placeholder is the same as nothing."""
    folder = machine.path(FOLDER)
    if not sysfs.entries(folder):
        return NoData("the firmware shows no DMI: a virtual machine, or a board without")
    chassis_type = sysfs.integer(folder, "chassis_type") or 0
    maker = _stated(folder, "sys_vendor")
    system = System(
        maker=maker,
        model=_stated(folder, "product_name"),
        sku=_stated(folder, "product_sku"),
        family=_stated(folder, "product_family"),
        version=_stated(folder, "product_version"),
        board=_stated(folder, "board_name"),
        bios_date=_stated(folder, "bios_date"),
        chassis=smbios.CHASSIS.get(chassis_type & 0x7F),
        serial_hash=serial_hash(maker, sysfs.text(folder, "product_serial")),
    )
    return Ok({"system": system, "category": smbios.category(chassis_type)})


def _stated(folder: str, name: str) -> str | None:
    text = sysfs.text(folder, name)
    return None if text is None or text.strip().lower() in _FILLERS else clipped(text)

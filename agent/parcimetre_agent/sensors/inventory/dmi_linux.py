"""Maker, model and chassis from /sys/class/dmi/id, readable by everybody; serial numbers are root's alone.

Where the whole table may be read, it is asked instead: the same text, by the parser that Windows uses too.
"""

from __future__ import annotations

from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...machine import smbios, sysfs
from .. import firmware
from ..machine import Machine

FOLDER = "sys/class/dmi/id"


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """The system as its firmware states it; a placeholder is the same as nothing."""
    stated = smbios.stated(firmware.table(machine)) or _from_sysfs(machine.path(FOLDER))
    if stated is None:
        return NoData("the firmware has no DMI data: a virtual machine, or a board without it")
    return Ok(firmware.described(stated))


def _from_sysfs(folder: str) -> smbios.SmbiosSystem | None:
    if not sysfs.entries(folder):
        return None
    return smbios.SmbiosSystem(
        maker=sysfs.text(folder, "sys_vendor"),
        model=sysfs.text(folder, "product_name"),
        version=sysfs.text(folder, "product_version"),
        sku=sysfs.text(folder, "product_sku"),
        family=sysfs.text(folder, "product_family"),
        board=sysfs.text(folder, "board_name"),
        bios_date=sysfs.text(folder, "bios_date"),
        chassis_type=sysfs.integer(folder, "chassis_type") or 0,
        serial=sysfs.text(folder, "product_serial"),
    )

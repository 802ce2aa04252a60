"""Maker, model and chassis from the SMBIOS table, which Windows shows to all; else from the registry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...machine import smbios
from ...windows.firmware import table as windows_table
from ...windows.registry import Registry
from .. import firmware
from ..machine import Machine

KEY = r"HARDWARE\DESCRIPTION\System\BIOS"


def read(
    _machine: Machine, table: Callable[[], bytes] = windows_table, registry: Registry | None = None
) -> Outcome[dict[str, Any]]:
    """The system as its firmware states it; a placeholder is the same as nothing."""
    stated = None
    with suppress(OSError):
        stated = smbios.stated(table())
    if stated is None or stated.maker is None:
        stated = _from_registry((registry or Registry()).values(KEY)) or stated
    if stated is None:
        return NoData("the firmware does not describe the machine")
    return Ok(firmware.described(stated))


def _from_registry(values: dict[str, Any]) -> smbios.SmbiosSystem | None:
    """What Windows copied from the table when it started: no serial number, no chassis."""
    if not values.get("SystemManufacturer"):
        return None
    return smbios.SmbiosSystem(
        maker=_text(values, "SystemManufacturer"),
        model=_text(values, "SystemProductName"),
        version=_text(values, "SystemVersion"),
        sku=_text(values, "SystemSKU"),
        family=_text(values, "SystemFamily"),
        board=_text(values, "BaseBoardProduct"),
        bios_date=_text(values, "BIOSReleaseDate"),
    )


def _text(values: dict[str, Any], name: str) -> str | None:
    return str(values[name]) if values.get(name) else None

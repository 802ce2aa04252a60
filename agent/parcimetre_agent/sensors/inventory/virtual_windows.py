"""Whether this is hardware or a virtual machine, and of what kind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ...base.outcome import Ok, Outcome
from ...identification import hypervisors
from ...machine import smbios
from ...windows.firmware import table as windows_table
from ...windows.registry import Registry
from ..machine import Machine
from .dmi_windows import KEY as FIRMWARE_KEY

_HYPER_V_GUEST = r"SOFTWARE\Microsoft\Virtual Machine\Guest\Parameters"


def read(
    _machine: Machine, table: Callable[[], bytes] = windows_table, registry: Registry | None = None
) -> Outcome[dict[str, Any]]:
    """The word none on hardware; a host of Hyper-V is hardware, although it runs beside its guests."""
    known = registry or Registry()
    copied = known.values(FIRMWARE_KEY)
    maker, product = copied.get("SystemManufacturer"), copied.get("SystemProductName")
    with suppress(OSError):
        stated = smbios.stated(table())
        if stated is not None and stated.maker:
            maker, product = stated.maker, stated.model
    guest = "hyper-v" if known.values(_HYPER_V_GUEST) and not hypervisors.is_metal(product) else None
    return Ok({"virtual": hypervisors.hypervisor_name(maker, product) or guest or "none"})

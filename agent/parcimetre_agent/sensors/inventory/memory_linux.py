"""Memory modules: from the SMBIOS table where readable, else from udev's copy of it, else the total."""

from __future__ import annotations

from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...machine import sysfs
from ...report import MemoryModule
from .. import firmware
from ..machine import Machine

UDEV = "run/udev/data/+dmi:id"


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """One entry per module, or one of the form "total" rounded up to a size that modules can make."""
    modules = firmware.modules(firmware.table(machine)) or _from_udev(machine) or _total(machine)
    return Ok({"memory": modules[:256]}) if modules else NoData("/proc/meminfo is absent")


def _from_udev(machine: Machine) -> list[MemoryModule]:
    """What systemd's dmi_memory_id left in the udev database at boot (systemd 248 and later)."""
    properties = dict(
        line[2:].partition("=")[::2]
        for line in (sysfs.text(machine.path(UDEV)) or "").splitlines()
        if line.startswith("E:MEMORY_DEVICE_")
    )
    modules = []
    for key, value in properties.items():
        if not key.endswith("_SIZE") or not value.isdigit() or "VOLATILE" in key or "CACHE" in key:
            continue
        prefix = key[: -len("SIZE")]
        if properties.get(prefix + "TYPE") == "Flash" or int(value) < 1_048_576:
            continue
        modules.append(
            MemoryModule(
                size_mib=int(value) // 1_048_576,
                form=clipped(properties.get(prefix + "FORM_FACTOR")),
                kind=clipped(properties.get(prefix + "TYPE")),
                maker=clipped(properties.get(prefix + "MANUFACTURER")),
                part=clipped(properties.get(prefix + "PART_NUMBER")),
            )
        )
    return modules


def _total(machine: Machine) -> list[MemoryModule]:
    for line in (sysfs.text(machine.path("proc/meminfo")) or "").splitlines():
        if line.startswith("MemTotal:"):
            return [firmware.total(int(line.split()[1]) / 1024)]
    return []

"""Memory modules: from the SMBIOS table where readable, else from udev's copy of it, else the total."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ... import sysfs
from ...outcome import NoData, Ok, Outcome
from ...report import MemoryModule
from .. import smbios
from ..machine import Machine, clipped

TABLE = "sys/firmware/dmi/tables/DMI"
UDEV = "run/udev/data/+dmi:id"


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """One entry per module, or one of the form "total" rounded up to a size that modules can make."""
    modules = _from_smbios(machine) or _from_udev(machine) or _total(machine)
    return Ok({"memory": modules[:256]}) if modules else NoData("/proc/meminfo is absent")


def _from_smbios(machine: Machine) -> list[MemoryModule]:
    try:
        table = Path(machine.path(TABLE)).read_bytes()
    except OSError:
        return []
    return [
        MemoryModule(one.size_mib, one.form, one.kind, clipped(one.maker), clipped(one.part))
        for one in smbios.memory_modules(table)
    ]


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
    """The kernel's total is below the fitted size; a step of 1 GiB makes up for what firmware keeps."""
    for line in (sysfs.text(machine.path("proc/meminfo")) or "").splitlines():
        if line.startswith("MemTotal:"):
            total_mib = int(line.split()[1]) / 1024
            size_mib = math.ceil(total_mib / 1024) * 1024 if total_mib > 1024 else math.ceil(total_mib)
            return [MemoryModule(size_mib, form="total")]
    return []

"""Processors: model from /proc/cpuinfo, sockets and cores from its topology.

Where the kernel names no model (many ARM boards) the firmware's table is asked, then py-cpuinfo: a second of
CPU time, once a boot.
"""

from __future__ import annotations

from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...machine import smbios, sysfs
from ...report import Cpu
from .. import firmware
from ..machine import Machine

_NAMES = ("model name", "cpu model", "Processor")


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """One entry: the sockets of a machine are alike."""
    blocks = _blocks(sysfs.text(machine.path("proc/cpuinfo")) or "")
    processors = [block for block in blocks if "processor" in block]
    if not processors:
        return NoData("/proc/cpuinfo names no processor")
    first = processors[0]
    model = next((block[name] for block in blocks for name in _NAMES if block.get(name)), None)
    sockets = {block.get("physical id", "0") for block in processors}
    cores = {(block.get("physical id", "0"), block["core id"]) for block in processors if "core id" in block}
    units = len(sockets)
    cpu = Cpu(
        model=clipped(model or _stated(machine) or _asked(machine)) or "unknown",
        units=units,
        cores=max(1, len(cores) // units) if cores else None,
        threads=max(1, len(processors) // units),
        vendor=clipped(first.get("vendor_id") or first.get("CPU implementer")),
    )
    return Ok({"cpus": [cpu]})


def _blocks(text: str) -> list[dict[str, str]]:
    return [
        {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}
        for block in text.split("\n\n")
    ]


def _stated(machine: Machine) -> str | None:
    """The model by the SMBIOS table, where this account may read it."""
    return next((one.model for one in smbios.processors(firmware.table(machine)) if one.model), None)


def _asked(machine: Machine) -> str:
    """py-cpuinfo's answer, kept until the next boot."""
    if "cpuinfo" not in machine.cached:
        import cpuinfo

        machine.cached["cpuinfo"] = str(cpuinfo.get_cpu_info().get("brand_raw") or "")
    return str(machine.cached["cpuinfo"])

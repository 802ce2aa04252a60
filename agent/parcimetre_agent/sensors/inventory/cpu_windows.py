"""Processors: model from the registry, sockets and cores as Windows counts them, else as firmware states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...machine import smbios
from ...report import Cpu
from ...windows.firmware import table as windows_table
from ...windows.processors import Topology, relations, topology
from ...windows.registry import Registry
from ..machine import Machine

KEY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"


def read(
    _machine: Machine,
    registry: Registry | None = None,
    counted: Callable[[], bytes] = relations,
    table: Callable[[], bytes] = windows_table,
) -> Outcome[dict[str, Any]]:
    """One entry: the sockets of a machine are alike."""
    values = (registry or Registry()).values(KEY)
    stated = smbios.processors(_or_nothing(table))
    model = str(values.get("ProcessorNameString") or "").strip() or next((one.model for one in stated), None)
    if not model:
        return NoData("neither Windows nor the firmware names a processor")
    found = topology(_or_nothing(counted)) or _of_firmware(stated)
    vendor = str(values.get("VendorIdentifier") or "").strip() or next((one.maker for one in stated), None)
    cpu = Cpu(
        model=clipped(model) or "unknown",
        units=min(64, found.sockets) if found else 1,
        cores=max(1, found.cores // found.sockets) if found else None,
        threads=max(1, found.threads // found.sockets) if found else None,
        vendor=clipped(vendor),
    )
    return Ok({"cpus": [cpu]})


def _of_firmware(stated: list[smbios.SmbiosProcessor]) -> Topology | None:
    if not stated or any(one.cores is None or one.threads is None for one in stated):
        return None
    cores, threads = (sum(getattr(one, name) for one in stated) for name in ("cores", "threads"))
    return Topology(len(stated), cores, threads)


def _or_nothing(ask: Callable[[], bytes]) -> bytes:
    try:
        return ask()
    except (OSError, AttributeError):
        return b""

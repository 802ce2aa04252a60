"""Interpret the documents of a BMC (Redfish): which server it is, its parts, whether it is on.

The name that its system gives itself is not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ..identification.fillers import is_filler_serial
from ..identification.hashes import asset_hash, serial_hash
from ..identification.names import printable
from ..metering.redfish import number
from ..report import Cpu, Disk, DiskKind, Gpu, Inventory, MemoryModule, OperatingSystem, SensorOutcome, System
from .device_identity import KnownDevice, device_key, first_serial
from .time_in_state import State

Document = Mapping[str, Any]
POWER, PARTS = "server.power", "server.parts"
STATES: Mapping[object, State] = {
    "On": "awake", "PoweringOn": "awake", "PoweringOff": "awake", "Paused": "awake", "Off": "off",
}  # fmt: skip
NO_MACHINES = ("Virtual", "OS", "DPU")
KINDS: Mapping[object, DiskKind] = {"SSD": "ssd", "HDD": "hdd", "SMR": "hdd"}
SERVICE_TAGS = "dell"
UNMETERED = "the BMC does not report the server's energy precisely enough: its power is modelled"
MIB_PER_GIB = 1024
_OF_A_MODULE = {
    "form": "BaseModuleType", "kind": "MemoryDeviceType", "maker": "Manufacturer", "part": "PartNumber",
}  # fmt: skip


def is_machine(system: Document) -> bool:
    """Whether a system is one of hardware, a whole server."""
    return system.get("SystemType") not in NO_MACHINES


def identify_server(system: Document, place: str, path: str, is_shared: bool = False) -> KnownDevice:
    """Who a server is; `place` and `path` stand for it where its serial number is none, or is shared."""
    maker = printable(system.get("Manufacturer"))
    serial = None if is_shared else stated_serial(system)
    hashed = serial_hash(maker, serial)
    key = device_key(hashed, f"{place} {path}")
    return KnownDevice(
        key, path, 0, maker or "unknown", printable(system.get("Model")), hashed, None, category="server",
        asset_hash=asset_hash(serial),
    )  # fmt: skip


def hashed_serial(system: Document) -> str | None:
    """The keyed hash of the serial number, as the server's own agent makes it of what SMBIOS states."""
    return serial_hash(printable(system.get("Manufacturer")), stated_serial(system))


def stated_serial(system: Document) -> str | None:
    """Return the serial number that SMBIOS states too.

    Dell's SMBIOS states the service tag, which its BMC calls SKU; its SerialNumber is that of the board.
    """
    names = ("SKU", "SerialNumber") if _has_service_tag(system) else ("SerialNumber",)
    return first_serial(printable(system.get(name)) for name in names)


def _has_service_tag(system: Document) -> bool:
    """Whether what is called SKU is a serial number."""
    return (printable(system.get("Manufacturer")) or "").lower().startswith(SERVICE_TAGS)


def power_state(system: Document) -> State | None:
    """Whether the server is on; None where the BMC does not say."""
    return STATES.get(printable(system.get("PowerState")))


def parts(
    system: Document, processors: Iterable[Document], memory: Iterable[Document], drives: Iterable[Document]
) -> dict[str, Any]:
    """What a server is made of, as the book keeps it; its summary stands for what is not listed."""
    fitted, sku = [one for one in processors if _is_fitted(one)], printable(system.get("SKU"))
    gpus = [printable(one.get("Model")) for one in fitted if one.get("ProcessorType") == "GPU"]
    return {
        "sku": None if is_filler_serial(sku) or _has_service_tag(system) else sku,
        "cpus": _cpus(fitted) or _cpu_summary(system),
        "gpus": [{"name": name} for name in gpus][:32],
        "memory": [one for one in map(_module, memory) if one] or _memory_summary(system),
        "disks": [one for one in map(_disk, drives) if one],
    }


def _is_fitted(one: Document) -> bool:
    status = one.get("Status")
    return not isinstance(status, dict) or status.get("State") != "Absent"


def _cpus(processors: Iterable[Document]) -> list[dict[str, Any]]:
    """Processors of each kind, with what one of them has."""
    alike = Counter(
        (printable(one.get("Model")) or "unknown", printable(one.get("Manufacturer")),
         _whole(one.get("TotalCores")), _whole(one.get("TotalThreads")))
        for one in processors if one.get("ProcessorType", "CPU") == "CPU"
    )  # fmt: skip
    return [
        {"model": model, "vendor": vendor, "cores": cores, "threads": threads, "units": min(64, units)}
        for (model, vendor, cores, threads), units in alike.items()
    ][:16]


def _cpu_summary(system: Document) -> list[dict[str, Any]]:
    summary = system.get("ProcessorSummary")
    facts = summary if isinstance(summary, dict) else {}
    units, model = _whole(facts.get("Count"), 64), printable(facts.get("Model"))
    if not units or not model:
        return []
    cores, threads = _whole(facts.get("CoreCount")), _whole(facts.get("LogicalProcessorCount"))
    return [
        {"model": model, "vendor": None, "units": units, "cores": cores and max(1, cores // units),
         "threads": threads and max(1, threads // units)}
    ]  # fmt: skip


def _module(one: Document) -> dict[str, Any] | None:
    size_mib = _whole(one.get("CapacityMiB"), 1 << 26)
    if not size_mib or not _is_fitted(one):
        return None
    return {
        "size_mib": size_mib,
        **{name: printable(one.get(theirs)) for name, theirs in _OF_A_MODULE.items()},
    }


def _memory_summary(system: Document) -> list[dict[str, Any]]:
    summary = system.get("MemorySummary")
    size_gib = number(summary.get("TotalSystemMemoryGiB")) if isinstance(summary, dict) else None
    if size_gib is None or size_gib < 1:
        return []
    return [{"size_mib": round(size_gib * MIB_PER_GIB), "form": "total"}]


def _disk(one: Document) -> dict[str, Any] | None:
    size_bytes = _whole(one.get("CapacityBytes"), 1 << 60)
    if not size_bytes or not _is_fitted(one):
        return None
    kind = KINDS.get(printable(one.get("MediaType")), "unknown")
    return {
        "size_bytes": size_bytes,
        "kind": kind,
        "maker": printable(one.get("Manufacturer")),
        "model": printable(one.get("Model")),
    }


def _whole(value: object, most: int = 4096) -> int | None:
    """A whole number from 1 to `most`."""
    found = number(value)
    return int(found) if found is not None and 1 <= found <= most else None


def inventory(found: KnownDevice, taken_at: int, outcomes: list[SensorOutcome]) -> Inventory:
    """The server as the report has it; its serial number goes as a hash alone, its address nowhere."""
    hardware = found.hardware or {}
    unmetered = SensorOutcome(POWER, "no_data", UNMETERED)
    metered = SensorOutcome(POWER, "ok") if hardware.get("metered") else unmetered
    return Inventory(
        taken_at=taken_at,
        category="server",
        virtual="none",
        system=System(
            maker=found.maker,
            model=found.model,
            sku=hardware.get("sku"),
            serial_hash=found.serial_hash,
            asset_hash=found.asset_hash,
        ),
        os=OperatingSystem("none"),
        cpus=[Cpu(**one) for one in hardware.get("cpus", ())],
        memory=[MemoryModule(**one) for one in hardware.get("memory", ())],
        disks=[Disk(**one) for one in hardware.get("disks", ())],
        gpus=[Gpu(**one) for one in hardware.get("gpus", ())],
        outcomes=[*outcomes, *([] if POWER in {one.sensor for one in outcomes} else [metered])],
    )

"""Hardware of a device as the engine needs it, from the device's inventory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from parcimetre_agent import report
from parcimetre_factors.hardware.description import Cpu, Disk, Gpu, Hardware, Memory, Printer
from parcimetre_factors.tables.product_names import product_name

from ..base.i18n import N_
from .device import Device

MM_PER_INCH = 25.4
MIB_PER_GB = 1024
BYTES_PER_GB = 1e9
PHYSICAL = "none"
SOLID = frozenset({"ssd", "emmc"})
OWN_SCREEN = frozenset({"all_in_one", "monitor"})


def hardware(device: Device) -> Hardware:
    """Return the hardware of a device; only its category if no inventory has arrived."""
    inventory = device.inventory
    if inventory is None:
        return Hardware(device.category, virtual=is_virtual(device))
    system = inventory.system
    return Hardware(
        category=device.category,
        maker=system.maker,
        model=product_name(system.maker, system.model, system.version, system.family),
        year=made_in(device.category, inventory.displays),
        cpus=tuple(Cpu(cpu.model, cpu.units, cpu.cores, cpu.threads) for cpu in inventory.cpus),
        memory=_memory(inventory.memory),
        disks=_disks(inventory.disks),
        gpus=tuple(Gpu(name, units) for name, units in Counter(_boards(inventory.gpus)).items()),
        screen_inch=_screen_inch(device.category, inventory.displays),
        virtual=is_virtual(device),
        kind=_weight_class(inventory.printer),
        printer=_printer(inventory.printer),
    )


def _printer(seen: report.Printer | None) -> Printer | None:
    return None if seen is None else Printer(seen.marking, seen.a3, seen.speed_ipm)


def _weight_class(seen: report.Printer | None) -> str | None:
    """Return a printer's class by weight: as a rule, those that print A3 are heavier than 40 kg."""
    if seen is None or seen.a3 is None:
        return None
    return "40_to_99_kg" if seen.a3 else "under_40_kg"


def is_virtual(device: Device) -> bool:
    """Return whether it is a virtual machine or a container, whose host carries the footprint."""
    return device.virtual != PHYSICAL


def _memory(modules: Iterable[report.MemoryModule]) -> tuple[Memory, ...]:
    alike = Counter((module.size_mib / MIB_PER_GB, module.maker) for module in modules)
    return tuple(Memory(gb, units, maker) for (gb, maker), units in alike.items())


def _disks(disks: Iterable[report.Disk]) -> tuple[Disk, ...]:
    """Return disks by kind; one of unknown kind counts as a solid-state disk of its size."""
    alike = Counter((_kind(disk), disk.size_bytes / BYTES_PER_GB, disk.maker) for disk in disks)
    return tuple(Disk(kind, gb, units, maker) for (kind, gb, maker), units in alike.items())


def _kind(disk: report.Disk) -> str:
    return "hdd" if disk.kind == "hdd" else "ssd"


def _boards(adapters: Iterable[report.Gpu]) -> list[str | None]:
    """Return the adapters on a board of their own; one inside the processor is part of the processor."""
    return [adapter.name for adapter in adapters if adapter.integrated is False]


def _built_in(displays: Iterable[report.Display]) -> report.Display | None:
    return next((display for display in displays if display.built_in), None)


def made_in(category: str, displays: Sequence[report.Display]) -> int | None:
    """Return the year in which the built-in panel or the monitor was made; firmware updates keep it."""
    panel = _own_panel(category, displays) if category == "monitor" else _built_in(displays)
    return panel.year if panel else None


def _own_panel(category: str, displays: Sequence[report.Display]) -> report.Display | None:
    """Return the built-in panel; the only display of an all-in-one or a monitor is its own."""
    alone = displays[0] if category in OWN_SCREEN and len(displays) == 1 else None
    return _built_in(displays) or alone


def _screen_inch(category: str, displays: Sequence[report.Display]) -> float | None:
    panel = _own_panel(category, displays)
    if panel is None or not panel.width_mm or not panel.height_mm:
        return None
    return round(math.hypot(panel.width_mm, panel.height_mm) / MM_PER_INCH, 1)


def assumptions(device: Device) -> tuple[str, ...]:
    """Return the assumptions made about the hardware, as fixed English sentences."""
    inventory = device.inventory
    if inventory is None:
        return (NO_INVENTORY,)
    assumed = []
    if not is_virtual(device) and any(disk.kind not in SOLID | {"hdd"} for disk in inventory.disks):
        assumed.append(DISK_KIND)
    own = _own_panel(device.category, inventory.displays)
    if any(not display.built_in and display is not own for display in inventory.displays):
        assumed.append(EXTERNAL_DISPLAY)
    return tuple(assumed)


NO_INVENTORY = N_("No inventory has arrived yet: figures are those of the category.")
DISK_KIND = N_("The kind of a disk is not stated: it counts as a solid-state disk.")
EXTERNAL_DISPLAY = N_("External displays are not in this figure: each is a device of its own.")

"""Inventory: what a machine is made of, and what its sensors answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Gt, Le, MaxLen

from .quantities import (
    LEAST_EFFICIENCY,
    LEAST_SUPPLY_W,
    MOST_DISK_BYTES,
    MOST_DRIVE_BYTES,
    MOST_MODULE_MIB,
    MOST_SUPPLY_W,
    STRICT,
    BatteryMwh,
    Category,
    Count,
    DiskKind,
    HashText,
    LengthMm,
    Marking,
    MemoryMib,
    ModuleMib,
    Pixels,
    SensorState,
    Text,
    UtcSecond,
)


@dataclass(frozen=True)
class System:
    """Maker and model as the firmware states them, never completed by a guess.

    `serial_hash` is of maker and serial number, `asset_hash` of the serial number's normal form alone.
    """

    maker: Text | None = None
    model: Text | None = None
    sku: Text | None = None
    family: Text | None = None
    version: Text | None = None
    board: Text | None = None
    bios_date: Text | None = None
    chassis: Text | None = None
    serial_hash: Text | None = None
    asset_hash: HashText | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Cpu:
    """Processors of one kind: `units` sockets, each with `cores` cores and `threads` threads."""

    model: Text
    units: Annotated[int, Gt(0), Le(64)]
    cores: Annotated[int, Gt(0), Le(4096)] | None = None
    threads: Annotated[int, Gt(0), Le(8192)] | None = None
    vendor: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class MemoryModule:
    """One memory module, or the whole memory where modules cannot be seen (`form` = "total")."""

    size_mib: ModuleMib
    form: Text | None = None
    kind: Text | None = None
    maker: Text | None = None
    part: Text | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError for a single module that nobody makes."""
        if self.size_mib > MOST_MODULE_MIB and self.form != "total":
            raise ValueError(f"size_mib = {self.size_mib} is more than the {MOST_MODULE_MIB} of one module")


@dataclass(frozen=True)
class Disk:
    """One fixed disk, or the virtual one that a RAID controller or a hypervisor shows."""

    size_bytes: Annotated[int, Gt(0), Le(MOST_DISK_BYTES)]
    kind: DiskKind
    maker: Text | None = None
    model: Text | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError for a single drive that nobody makes."""
        if self.size_bytes > MOST_DRIVE_BYTES and self.kind not in ("virtual", "unknown"):
            raise ValueError(
                f"size_bytes = {self.size_bytes} is more than the {MOST_DRIVE_BYTES} of one drive"
            )


@dataclass(frozen=True)
class Gpu:
    """One graphics adapter; `vendor_id` and `device_id` are PCI ids in hexadecimal."""

    vendor_id: Text | None = None
    device_id: Text | None = None
    name: Text | None = None
    memory_mib: MemoryMib | None = None
    integrated: bool | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Display:
    """One display as its EDID states it; a built-in panel is part of the laptop.

    `serial_hash` tells two displays of one model apart, `asset_hash` is of the serial number alone; both are
    absent where the EDID states no serial number worth the name, and of a built-in panel.
    """

    maker: Text
    product: Text
    built_in: bool
    name: Text | None = None
    week: Annotated[int, Ge(0), Le(54)] | None = None
    year: Annotated[int, Ge(1990), Le(2245)] | None = None
    width_mm: LengthMm | None = None
    height_mm: LengthMm | None = None
    width_px: Pixels | None = None
    height_px: Pixels | None = None
    serial_hash: Text | None = None
    asset_hash: HashText | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Battery:
    """One battery that powers the whole machine."""

    design_mwh: BatteryMwh | None = None
    full_mwh: BatteryMwh | None = None
    cycles: Count | None = None
    technology: Text | None = None
    maker: Text | None = None
    model: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class OperatingSystem:
    """Name and version of the system that runs, without the list of what is installed."""

    name: Text
    version: Text | None = None
    architecture: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Printer:
    """What a printer can do; None is "not known". `speed_ipm` is its rated images a minute."""

    marking: Marking | None = None
    colour: bool | None = None
    duplex: bool | None = None
    a3: bool | None = None
    speed_ipm: Annotated[int, Gt(0), Le(1000)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Guest:
    """A virtual machine on this host: a keyed hash of its UUID, and what it was given."""

    guest_hash: HashText
    vcpus: Annotated[int, Gt(0), Le(8192)] | None = None
    memory_mib: ModuleMib | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class PowerSupply:
    """One power supply unit; `efficiency` is the share of its input that it delivers at half load."""

    maker: Text | None = None
    model: Text | None = None
    rated_w: Annotated[float, Ge(LEAST_SUPPLY_W), Le(MOST_SUPPLY_W)] | None = None
    efficiency: Annotated[float, Ge(LEAST_EFFICIENCY), Le(1)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class SensorOutcome:
    """What a sensor or power source answered; `grant` says what would mend a denial."""

    sensor: Text
    state: SensorState
    detail: Annotated[str, MaxLen(500)] | None = None
    grant: Annotated[str, MaxLen(500)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Inventory:
    """What the machine is made of, sent at the start and when it changes.

    `virtual` is "none" on hardware, else the hypervisor or container kind; then `cpus` and `memory` are
    what the guest was given, not what it is made of.
    """

    taken_at: UtcSecond
    category: Category
    virtual: Text
    system: System
    os: OperatingSystem
    cpus: Annotated[list[Cpu], MaxLen(16)] = field(default_factory=list)
    memory: Annotated[list[MemoryModule], MaxLen(256)] = field(default_factory=list)
    disks: Annotated[list[Disk], MaxLen(256)] = field(default_factory=list)
    gpus: Annotated[list[Gpu], MaxLen(32)] = field(default_factory=list)
    displays: Annotated[list[Display], MaxLen(16)] = field(default_factory=list)
    batteries: Annotated[list[Battery], MaxLen(8)] = field(default_factory=list)
    printer: Printer | None = None
    outcomes: Annotated[list[SensorOutcome], MaxLen(100)] = field(default_factory=list)
    guests: Annotated[list[Guest], MaxLen(1000)] = field(default_factory=list)
    power_supplies: Annotated[list[PowerSupply], MaxLen(16)] = field(default_factory=list)

    __pydantic_config__ = STRICT

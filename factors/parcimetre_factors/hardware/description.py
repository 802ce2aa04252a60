"""What embodied impact and power need to know of a device."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cpu:
    """Processors of one model; `cores`, `threads` and `die_mm2` (all dies) are per processor."""

    model: str | None
    units: int = 1
    cores: int | None = None
    threads: int | None = None
    die_mm2: float | None = None


@dataclass(frozen=True)
class Memory:
    """`units` modules of `gb` gigabytes each; `density` of their dies in GB/cm2 where it is stated."""

    gb: float
    units: int = 1
    maker: str | None = None
    density: float | None = None


@dataclass(frozen=True)
class Disk:
    """`units` disks of `gb` gigabytes each; kind is "ssd" or "hdd", `density` as of memory."""

    kind: str
    gb: float
    units: int = 1
    maker: str | None = None
    density: float | None = None


@dataclass(frozen=True)
class Gpu:
    """A graphics processor on a board of its own."""

    model: str | None
    units: int = 1


@dataclass(frozen=True)
class PowerSupply:
    """`units` power supplies of `kg` kilograms each."""

    units: int
    kg: float


@dataclass(frozen=True)
class Printer:
    """What a printer marks with ("laser", "inkjet"), whether it takes A3, its rated images a minute."""

    marking: str | None = None
    a3: bool | None = None
    speed_ipm: int | None = None


@dataclass(frozen=True)
class Hardware:
    """A device as its inventory describes it; None is "not known", never "none".

    `kind` is what it is within its category, where that is a class of its own ("workstation", "thin_client").
    `printer` is set where a printer's states and impressions are measured.
    `virtual` is set for a virtual machine: `cpus` and `memory` are then what it was given.
    """

    category: str
    maker: str | None = None
    model: str | None = None
    year: int | None = None
    cpus: tuple[Cpu, ...] = ()
    memory: tuple[Memory, ...] = ()
    disks: tuple[Disk, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    screen_inch: float | None = None
    case: str = "rack"
    virtual: bool = False
    power_supplies: PowerSupply | None = None
    weight_kg: float | None = None
    kind: str | None = None
    printer: Printer | None = None

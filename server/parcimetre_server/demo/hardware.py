"""Models that the simulated fleet is made of: names that exist, configurations that are sold that way.

Nothing here is a measurement or a factor: watts only shape what the simulated energy counters say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from parcimetre_agent.report import (
    Battery,
    Category,
    Cpu,
    Disk,
    DiskKind,
    Display,
    Inventory,
    MemoryModule,
    OperatingSystem,
    System,
)

WINDOWS_11 = OperatingSystem("Windows", "11 23H2", "x86_64")
WINDOWS_10 = OperatingSystem("Windows", "10 22H2", "x86_64")
UBUNTU = OperatingSystem("Ubuntu", "22.04", "x86_64")
DEBIAN = OperatingSystem("Debian GNU/Linux", "12", "x86_64")
WINDOWS_SERVER = OperatingSystem("Windows", "Server 2022 21H2", "x86_64")

Choice = TypeVar("Choice")

CHASSIS = {
    "laptop": "Notebook", "desktop": "Desktop", "all_in_one": "All in One", "mini_pc": "Mini PC",
    "server": "Rack Mount Chassis", "virtual_machine": "Other",
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A model on the market: `memory` and `disks` are the configurations it comes in.

    `cpu_idle_w` and `cpu_max_w` are what its simulated RAPL counter says of all sockets at no and at full
    load, `rest_w` what the rest of a laptop draws from its battery. `panel_mm` is the built-in display.
    A maker with a `machine_type` states that one as the model, and the name on the lid as the version.
    """

    category: Category
    maker: str
    name: str
    cpu: Cpu
    memory: tuple[tuple[int, int], ...]  # (modules, GiB each)
    disks: tuple[tuple[int, int, DiskKind], ...]  # (disks, GB each, kind)
    years: tuple[int, int]
    cpu_idle_w: float
    cpu_max_w: float
    rest_w: float = 5.0
    panel_mm: tuple[int, int] | None = None
    battery_mwh: int | None = None
    virtual: str = "none"
    machine_type: str | None = None


def _intel(model: str, cores: int, threads: int, units: int = 1) -> Cpu:
    return Cpu(model, units, cores, threads, "GenuineIntel")


def _amd(model: str, cores: int, threads: int, units: int = 1) -> Cpu:
    return Cpu(model, units, cores, threads, "AuthenticAMD")


I5_8265U = _intel("Intel(R) Core(TM) i5-8265U CPU @ 1.60GHz", 4, 8)
I5_10210U = _intel("Intel(R) Core(TM) i5-10210U CPU @ 1.60GHz", 4, 8)
I5_1135G7 = _intel("11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz", 4, 8)
I5_1145G7 = _intel("11th Gen Intel(R) Core(TM) i5-1145G7 @ 2.60GHz", 4, 8)
I5_1245U = _intel("12th Gen Intel(R) Core(TM) i5-1245U", 10, 12)
I5_9500 = _intel("Intel(R) Core(TM) i5-9500 CPU @ 3.00GHz", 6, 6)
I5_10500 = _intel("Intel(R) Core(TM) i5-10500 CPU @ 3.10GHz", 6, 12)
I3_10100 = _intel("Intel(R) Core(TM) i3-10100 CPU @ 3.60GHz", 4, 8)
I5_8500 = _intel("Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz", 6, 6)
I5_8500T = _intel("Intel(R) Core(TM) i5-8500T CPU @ 2.10GHz", 6, 6)
I5_7500 = _intel("Intel(R) Core(TM) i5-7500 CPU @ 3.40GHz", 4, 4)
I5_7500T = _intel("Intel(R) Core(TM) i5-7500T CPU @ 2.70GHz", 4, 4)
RYZEN_5650U = _amd("AMD Ryzen 5 PRO 5650U with Radeon Graphics", 6, 12)
SILVER_4210 = _intel("Intel(R) Xeon(R) Silver 4210 CPU @ 2.20GHz", 10, 20, units=2)
GOLD_5218 = _intel("Intel(R) Xeon(R) Gold 5218 CPU @ 2.30GHz", 16, 32, units=2)
GOLD_6130 = _intel("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", 16, 32, units=2)
EPYC_7302P = _amd("AMD EPYC 7302P 16-Core Processor", 16, 32)
GUEST_4 = _intel("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", 4, 4)
GUEST_2 = _intel("Intel(R) Xeon(R) Silver 4210 CPU @ 2.20GHz", 2, 2)

SMALL = ((1, 8), (2, 8))
MIDDLE = ((1, 8), (2, 8), (1, 16))
Disks = tuple[tuple[int, int, DiskKind], ...]
SSD_256: Disks = ((1, 256, "ssd"),)
SSD_ANY: Disks = ((1, 256, "ssd"), (1, 512, "ssd"))
SSD_OR_HDD: Disks = ((1, 256, "ssd"), (1, 500, "hdd"))
INCH_13, INCH_14, INCH_15, INCH_24 = (294, 165), (309, 174), (344, 194), (527, 296)

LAPTOPS = (
    Model("laptop", "Dell Inc.", "Latitude 5400", I5_8265U, SMALL, SSD_ANY, (2019, 2020), 2.1, 21.0,
          panel_mm=INCH_14, battery_mwh=68_000),
    Model("laptop", "Dell Inc.", "Latitude 5410", I5_10210U, MIDDLE, SSD_ANY, (2020, 2021), 2.0, 22.0,
          panel_mm=INCH_14, battery_mwh=68_000),
    Model("laptop", "Dell Inc.", "Latitude 5420", I5_1145G7, MIDDLE, SSD_ANY, (2021, 2022), 1.8, 25.0,
          panel_mm=INCH_14, battery_mwh=63_000),
    Model("laptop", "Dell Inc.", "Latitude 5430", I5_1245U, MIDDLE, SSD_ANY, (2022, 2023), 1.6, 25.0,
          panel_mm=INCH_14, battery_mwh=58_000),
    Model("laptop", "Dell Inc.", "Latitude 7420", I5_1145G7, ((1, 16),), SSD_ANY, (2021, 2022), 1.7, 24.0,
          panel_mm=INCH_14, battery_mwh=63_000),
    Model("laptop", "Dell Inc.", "Latitude 5300", I5_8265U, SMALL, SSD_256, (2019, 2020), 2.0, 20.0,
          panel_mm=INCH_13, battery_mwh=60_000),
    Model("laptop", "HP", "HP ProBook 450 G8 Notebook PC", I5_1135G7, SMALL, SSD_256, (2021, 2022), 1.9,
          24.0, panel_mm=INCH_15, battery_mwh=45_000),
    Model("laptop", "HP", "HP EliteBook 840 G8 Notebook PC", I5_1145G7, MIDDLE, SSD_ANY, (2021, 2022), 1.8,
          25.0, panel_mm=INCH_14, battery_mwh=53_000),
    Model("laptop", "LENOVO", "ThinkPad T490", I5_8265U, MIDDLE, SSD_ANY, (2019, 2020), 2.0, 21.0,
          panel_mm=INCH_14, battery_mwh=50_000, machine_type="20N2"),
    Model("laptop", "LENOVO", "ThinkPad E14", I5_10210U, SMALL, SSD_256, (2020, 2021), 2.1, 22.0,
          panel_mm=INCH_14, battery_mwh=45_000, machine_type="20RA"),
    Model("laptop", "LENOVO", "ThinkPad T14 Gen 2", RYZEN_5650U, ((1, 16),), SSD_ANY, (2021, 2022), 2.2,
          24.0, panel_mm=INCH_14, battery_mwh=50_000, machine_type="20XK"),
)  # fmt: skip
DESKTOPS = (
    Model("desktop", "Dell Inc.", "OptiPlex 3070", I5_9500, SMALL, SSD_OR_HDD, (2019, 2020), 4.0, 62.0),
    Model("desktop", "Dell Inc.", "OptiPlex 5070", I5_9500, MIDDLE, SSD_ANY, (2019, 2020), 4.0, 62.0),
    Model("desktop", "Dell Inc.", "OptiPlex 7080", I5_10500, MIDDLE, SSD_ANY, (2020, 2021), 3.6, 65.0),
    Model("desktop", "Dell Inc.", "OptiPlex 3080", I3_10100, SMALL, SSD_256, (2020, 2021), 3.4, 58.0),
    Model("desktop", "HP", "HP ProDesk 600 G4 SFF", I5_8500, SMALL, SSD_OR_HDD, (2018, 2019), 4.2, 61.0),
    Model("desktop", "HP", "HP ProDesk 400 G6 SFF", I5_9500, SMALL, SSD_256, (2019, 2020), 4.0, 60.0),
    Model("desktop", "HP", "HP EliteDesk 800 G5 SFF", I5_9500, MIDDLE, SSD_256, (2019, 2020), 3.8, 62.0),
    Model("desktop", "Dell Inc.", "OptiPlex 7050", I5_7500, SMALL, SSD_OR_HDD, (2017, 2018), 4.5, 58.0),
)
MINI_PCS = (
    Model("mini_pc", "Dell Inc.", "OptiPlex 3070", I5_8500T, SMALL, SSD_256, (2019, 2020), 2.6, 34.0),
    Model(
        "mini_pc", "HP", "HP ProDesk 400 G5 Desktop Mini", I5_8500T, SMALL, SSD_256, (2019, 2020), 2.8, 34.0
    ),
)
ALL_IN_ONES = (
    Model("all_in_one", "Dell Inc.", "OptiPlex 7470 AIO", I5_9500, MIDDLE, SSD_256, (2019, 2020), 4.0, 60.0,
          panel_mm=INCH_24),
    Model("all_in_one", "LENOVO", "ThinkCentre M920z", I5_8500, SMALL, SSD_256, (2018, 2019), 4.2, 60.0,
          panel_mm=INCH_24, machine_type="10S6"),
    Model("all_in_one", "Dell Inc.", "OptiPlex 7450 AIO", I5_7500T, SMALL, SSD_256, (2017, 2018), 3.5, 34.0,
          panel_mm=INCH_24),
)  # fmt: skip
SERVERS = (
    Model("server", "Dell Inc.", "PowerEdge R640", SILVER_4210, ((8, 16), (12, 32)),
          ((2, 480, "ssd"), (4, 960, "ssd")), (2018, 2021), 44.0, 170.0),
    Model("server", "Dell Inc.", "PowerEdge R740", GOLD_5218, ((12, 32), (24, 32)),
          ((8, 960, "ssd"), (8, 2400, "hdd")), (2018, 2021), 58.0, 250.0),
    Model("server", "Dell Inc.", "PowerEdge R440", SILVER_4210, ((4, 16), (8, 16)),
          ((2, 480, "ssd"), (4, 4000, "hdd")), (2018, 2020), 42.0, 168.0),
    Model("server", "HPE", "ProLiant DL380 Gen10", GOLD_6130, ((12, 32),),
          ((6, 960, "ssd"), (8, 1200, "hdd")), (2018, 2020), 60.0, 248.0),
    Model("server", "Dell Inc.", "PowerEdge R6515", EPYC_7302P, ((8, 32),), ((2, 960, "ssd"),),
          (2020, 2022), 52.0, 150.0),
)  # fmt: skip
VIRTUAL_MACHINES = (
    Model("virtual_machine", "VMware, Inc.", "VMware Virtual Platform", GUEST_4, ((1, 16),),
          ((1, 100, "virtual"),), (2019, 2022), 0, 0, virtual="vmware"),
    Model("virtual_machine", "QEMU", "Standard PC (Q35 + ICH9, 2009)", GUEST_2, ((1, 8),),
          ((1, 60, "virtual"),), (2019, 2022), 0, 0, virtual="kvm"),
)  # fmt: skip

SHARES: tuple[tuple[float, tuple[Model, ...]], ...] = (
    (0.46, LAPTOPS),
    (0.31, DESKTOPS),
    (0.07, MINI_PCS),
    (0.05, ALL_IN_ONES),
    (0.04, SERVERS),
    (0.07, VIRTUAL_MACHINES),
)
MONITOR_YEARS = range(2019, 2024)
MONITORS = (
    Display("DEL", "D0E1", built_in=False, name="DELL P2422H", width_mm=527, height_mm=296),
    Display("DEL", "A0D4", built_in=False, name="DELL P2419H", width_mm=527, height_mm=296),
    Display("HPN", "3674", built_in=False, name="HP E24 G4", width_mm=527, height_mm=296),
    Display("LEN", "61F7", built_in=False, name="E24-20", width_mm=527, height_mm=296),
)


def pick_model(u: float, v: float) -> Model:
    """The model at quantile `u` of the categories' shares and `v` within the category; both in [0, 1)."""
    for share, models in SHARES:
        if u < share:
            return configuration(models, v)
        u -= share
    return LAPTOPS[0]


def configuration(choices: Sequence[Choice], u: float) -> Choice:
    """The choice at quantile `u` in [0, 1); all are equally common."""
    return choices[int(u * len(choices))]


def inventory(
    model: Model, os: OperatingSystem, taken_at: int, u: Sequence[float], screens: Sequence[str] = ()
) -> Inventory:
    """What an agent would say of one machine of this model; `u` holds six numbers in [0, 1) that choose.

    `screens` are the hashed serial numbers of the monitors plugged into it.
    """
    modules, gib = configuration(model.memory, u[0])
    count, size_gb, kind = configuration(model.disks, u[1])
    year = model.years[0] + int(u[2] * (model.years[1] - model.years[0] + 1))
    disk = Disk(size_gb * 10**9, kind)
    hidden = model.virtual != "none"
    module = MemoryModule(gib * 1024, form="total" if hidden else "DIMM", kind=None if hidden else "DDR4")
    return Inventory(
        taken_at=taken_at,
        category=model.category,
        virtual=model.virtual,
        system=System(
            maker=model.maker,
            model=model.machine_type or model.name,
            version=model.name if model.machine_type else None,
            chassis=CHASSIS[model.category],
            bios_date=None if hidden else f"{year}-{1 + int(u[3] * 12):02}-15",
        ),
        os=os,
        cpus=[model.cpu],
        memory=[module] * modules,
        disks=[disk] * count,
        displays=[*_panel(model, year), *(_monitor(serial_hash) for serial_hash in screens)],
        batteries=_batteries(model, u[5]),
    )


def _panel(model: Model, year: int) -> list[Display]:
    """The built-in panel, where there is one."""
    if model.panel_mm is None:
        return []
    width_mm, height_mm = model.panel_mm
    return [Display("AUO", "26ED", built_in=True, year=year, width_mm=width_mm, height_mm=height_mm)]


def _monitor(serial_hash: str) -> Display:
    """The monitor of this serial number; the number alone says which model it is, and of which year."""
    number = int(serial_hash[:8], 16)
    year = MONITOR_YEARS[number // len(MONITORS) % len(MONITOR_YEARS)]
    return replace(MONITORS[number % len(MONITORS)], year=year, serial_hash=serial_hash)


def _batteries(model: Model, u: float) -> list[Battery]:
    if model.battery_mwh is None:
        return []
    worn = 1 - 0.35 * u
    return [
        Battery(model.battery_mwh, round(model.battery_mwh * worn), cycles=int(700 * u), technology="Li-ion")
    ]

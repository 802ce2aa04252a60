"""BoaviztAPI 2.5.0's own way to complete what is not known of a server, for comparison with our default.

Ours differs on purpose: processors are matched by exact name (near names are other processors: "E5-2680" is
taken for "E5-2680 v3" here, a Xeon 5160 for an N50), areas of unknown ones by their cores and a median (here
a mean or a line through all), nothing that is not in the inventory is added (here a server without disks
has one of 1 TB), and a maker's sheet goes before components (here there are none).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rapidfuzz import fuzz, process

from ..hardware.description import Cpu, Disk, Gpu, Hardware, Memory, PowerSupply
from ..hardware.processors import ProcessorFacts, all_processors
from ..tables.factor_set import FactorSet
from .category_averages import ByStage, of_category, of_class
from .evidence import server_built_up
from .graphics_boards import UNKNOWN

NAME_SCORE = 80
DEFAULT = "platform_compute_medium"
HOUSEHOLD = "household"
SIGNIFICANT = 3


def embodied_as_boavizta(hardware: Hardware, factors: FactorSet, archetype: str = DEFAULT) -> ByStage:
    """Embodied impact by that method: a server by its completed parts, anything else by its category.

    A household's device is a class of its own (`kind`) where that method has one, else its category.
    """
    if hardware.category == "server":
        return server_built_up(completed(hardware, factors, archetype), factors)
    narrow = of_class(hardware, factors) if hardware.kind == HOUSEHOLD else None
    return (narrow or of_category(hardware.category, factors)).by_stage


def archetypes(factors: FactorSet) -> tuple[str, ...]:
    """Names of the servers that stand for what is not known."""
    return tuple(row["name"] for row in factors.facts.get("archetypes", ()))


def typical(name: str, factors: FactorSet) -> Hardware:
    """The archetype of that name."""
    row = next(row for row in factors.facts["archetypes"] if row["name"] == name)
    kinds = (("ssd", row["ssds"], row["ssd_gb"]), ("hdd", row["hdds"], row["hdd_gb"]))
    return Hardware(
        "server",
        cpus=(Cpu(None, int(row["cpus"]), int(row["cores"])),),
        memory=(Memory(float(row["memory_gb"]), int(row["memory_modules"])),),
        disks=tuple(Disk(kind, float(gb), int(units)) for kind, units, gb in kinds if int(units)),
        power_supplies=PowerSupply(int(row["psus"]), float(row["psu_kg"])),
    )


def completed(hardware: Hardware, factors: FactorSet, archetype: str = DEFAULT) -> Hardware:
    """The server with what is not known from its archetype, part by part."""
    usual = typical(archetype, factors)
    cpus = hardware.cpus or usual.cpus
    return replace(
        hardware,
        cpus=tuple(replace(cpu, die_mm2=_die_mm2(cpu, factors)) for cpu in cpus),
        memory=hardware.memory or usual.memory,
        disks=hardware.disks or usual.disks,
        gpus=tuple(Gpu(_board(gpu.model, factors), gpu.units) for gpu in hardware.gpus),
        power_supplies=hardware.power_supplies or usual.power_supplies,
    )


def near_name(name: str, factors: FactorSet) -> ProcessorFacts | None:
    """The processor with the most alike name by its words, the first of equals; None below the score."""
    facts = all_processors(factors)
    index = nearest(name, [found.name for found in facts])
    return None if index is None else facts[index]


def nearest(name: str, names: Sequence[str]) -> int | None:
    """Index of the name with the most alike words, case aside; None below the score."""
    found = process.extractOne(name, names, scorer=fuzz.token_set_ratio, processor=str.lower)
    return found[2] if found is not None and found[1] > NAME_SCORE else None


def _die_mm2(cpu: Cpu, factors: FactorSet) -> float:
    """Return the die area: as given, else by name, else by cores within the family, else within all."""
    if cpu.die_mm2 is not None:
        return cpu.die_mm2
    named = near_name(cpu.model, factors) if cpu.model else None
    if named is not None and named.die_mm2 is not None:
        return named.die_mm2
    known = [found for found in all_processors(factors) if found.die_mm2 is not None and found.cores]
    family = [found for found in known if named is not None and found.family == named.family]
    cores = (named.cores if named is not None else None) or cpu.cores
    return _rounded(_by_cores(cores, family or known))


def _by_cores(cores: int | None, known: Sequence[ProcessorFacts]) -> float:
    """Mean area of processors with as many cores; else in proportion, or on the line through them."""
    sizes = np.array([found.cores or 0 for found in known], float)
    areas = np.array([found.die_mm2 or 0 for found in known], float)
    if cores is None:
        return float(areas.mean())
    if cores in sizes:
        return float(areas[sizes == cores].mean())
    if len(set(sizes.tolist())) == 1:
        return float(areas.mean() / sizes[0] * cores)
    slope, start = np.polyfit(sizes, areas, 1)
    return float(slope * cores + start)


def _rounded(area_mm2: float) -> float:
    return float(f"{area_mm2:.{SIGNIFICANT}g}")


def _board(name: str | None, factors: FactorSet) -> str:
    """The most alike board's name, else that of the usual large one."""
    names = [row["name"] for row in factors.facts.get("graphics", ())]
    index = nearest(name or "", names)
    return UNKNOWN if index is None else names[index]

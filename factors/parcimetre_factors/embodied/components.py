"""Embodied impact of components, one function a kind; constants of a server's bottom-up sum.

Method: the component model of Green Cloud Computing (UBA Texte 94/2021) as BoaviztAPI documents it: die
area times an impact per area, plus what does not grow with it.
"""

from __future__ import annotations

from ..criteria import UNITS, Criterion
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product, quotient, total
from ..hardware.description import Cpu, Disk, Memory, PowerSupply
from ..hardware.processors import find_processor
from ..tables.factor_set import FactorSet
from ..tables.result_cache import cached_per_factor_set


@cached_per_factor_set
def constant(label: str, subject: str, criterion: Criterion, factors: FactorSet) -> Term:
    """A component that is a constant."""
    return total(label, UNITS[criterion], (_one(subject, criterion, factors),))


def _one(subject: str, criterion: Criterion, factors: FactorSet) -> Term:
    return factor_leaf(subject, f"component.{subject.replace(' ', '_')}.{criterion}", factors)


@cached_per_factor_set
def processor(cpu: Cpu, criterion: Criterion, factors: FactorSet) -> Term:
    """Processors of one model: die area times impact per area, plus a base."""
    one = total(
        "one processor",
        UNITS[criterion],
        (
            product(
                "die",
                UNITS[criterion],
                (
                    _die_mm2(cpu, factors),
                    factor_leaf("impact per area", f"component.processor_die.{criterion}", factors),
                ),
            ),
            factor_leaf("base of a processor", f"component.processor_base.{criterion}", factors),
        ),
    )
    return product("processor", UNITS[criterion], (_units(cpu.units), one), detail=cpu.model or "")


def _die_mm2(cpu: Cpu, factors: FactorSet) -> Term:
    """Die area of a known processor, else by its cores."""
    if cpu.die_mm2 is not None:
        return leaf("die area", cpu.die_mm2, "mm2", "given")
    facts = find_processor(cpu.model, factors)
    if facts is not None and facts.die_mm2 is not None:
        return leaf("die area", facts.die_mm2, "mm2", "given", detail=facts.source_url, tier="model")
    cores = cpu.cores or (facts.cores if facts else None)
    cores_term = (
        leaf("cores", float(cores), "core", "measured")
        if cores
        else factor_leaf("cores of a usual processor", "default.cores", factors)
    )
    per_core = factor_leaf("die area per core", "default.die_per_core", factors)
    return product(
        "die area", "mm2", (cores_term, per_core), tier="default",
        note="The processor is not in the table: its area is estimated from its cores.",
    )  # fmt: skip


@cached_per_factor_set
def memory(module: Memory, criterion: Criterion, factors: FactorSet) -> Term:
    """Memory modules of one size."""
    return _dies(
        "memory",
        "module",
        module.gb,
        module.units,
        _stated(module.density) or _memory_density(module, factors),
        criterion,
        factors,
    )


@cached_per_factor_set
def disk(disk: Disk, criterion: Criterion, factors: FactorSet) -> Term:
    """Disks of one kind and size: an SSD by its dies, an HDD as a constant."""
    if disk.kind == "hdd":
        if disk.units == 1:
            return constant("disk", "hdd", criterion, factors)
        return product("disk", UNITS[criterion], (_units(disk.units), _one("hdd", criterion, factors)))
    density = _stated(disk.density) or factor_leaf("density", "density.ssd", factors)
    return _dies("disk", "ssd", disk.gb, disk.units, density, criterion, factors)


@cached_per_factor_set
def case(form: str, criterion: Criterion, factors: FactorSet) -> Term:
    """The case of a server; the source knows racks and blades, so that of a tower is taken for a rack's."""
    if f"component.{form}_case.{criterion}" in factors.factors:
        return constant("case", f"{form} case", criterion, factors)
    rack = factor_leaf("rack case", f"component.rack_case.{criterion}", factors)
    return total(
        "case", UNITS[criterion], (rack,), detail=form, tier="default",
        note="The source knows no case of this form: a rack's stands for it.",
    )  # fmt: skip


@cached_per_factor_set
def power_supplies(stated: PowerSupply | None, criterion: Criterion, factors: FactorSet) -> Term:
    """Power supplies of a server, by mass; no agent sees them, so they are the usual ones unless stated."""
    per_mass = factor_leaf("impact per mass", f"component.power_supply.{criterion}", factors)
    if stated is not None:
        mass = leaf("mass", stated.kg, "kg", "given")
        return product("power supply", UNITS[criterion], (_units(stated.units), mass, per_mass))
    units = factor_leaf("power supplies", "default.psu.units", factors)
    mass = factor_leaf("mass", "default.psu.kg", factors)
    return product("power supply", UNITS[criterion], (units, mass, per_mass), tier="default")


def _stated(density: float | None) -> Term | None:
    return None if density is None else leaf("density", density, "GB/cm2", "given")


def _memory_density(module: Memory, factors: FactorSet) -> Term:
    maker = (module.maker or "").lower().replace("hynix", "sk hynix").replace("sk sk", "sk").replace(" ", "_")
    known = f"density.memory.{maker}"
    return factor_leaf("density", known if known in factors.factors else "density.memory", factors)


def _dies(
    label: str, base: str, gb: float, units: int, density: Term, criterion: Criterion, factors: FactorSet
) -> Term:
    kind = "memory" if label == "memory" else "ssd"
    area = quotient("die area", "cm2", (leaf("capacity", gb, "GB", "measured"), density))
    one = total(
        f"one {base}",
        UNITS[criterion],
        (
            product(
                "dies",
                UNITS[criterion],
                (area, factor_leaf("impact per area", f"component.{kind}_die.{criterion}", factors)),
            ),
            factor_leaf(f"base of a {base}", f"component.{kind}_base.{criterion}", factors),
        ),
    )
    return product(label, UNITS[criterion], (_units(units), one), detail=f"{units} × {gb:g} GB")


def _units(units: float) -> Term:
    return leaf("units", float(units), "1", "measured")

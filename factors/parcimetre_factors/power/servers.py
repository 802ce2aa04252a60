"""Watts of a server, idle and at full load: a product of what each of its features does.

ln(watts) = constant + a ln(processors) + b ln(cores per processor) + c ln(processors) ln(cores per
processor) + d ln(GB) + effects of low-power processors, of the generation, of the maker and of the very
processor, each drawn towards none the fewer servers show it. tools/fit_server_power.py fits it to
SPECpower_ssj2008 results and says how far it is off on servers that it has not seen. Sizes beyond those of
the fitted servers (FITTED) count as the nearest fitted size: what the fit has not seen it does not extend.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product
from ..hardware.description import Cpu, Hardware
from ..hardware.processors import find_processor, normal_name
from ..tables.factor_set import FactorSet
from ..tables.result_cache import cached_per_factor_set

Load = Literal["idle", "full"]
LABELS: Mapping[Load, str] = {"idle": "idle", "full": "full load"}
USUAL_CORES, USUAL_MEMORY_GB, USUAL_YEAR = 24, 64.0, 2018
FITTED = {"processors": (1, 8), "cores": (2, 64), "memory": (4, 1536)}
LOW_POWER = re.compile(r"^l\d{4}|-\d{4}l\b|\d ?[he]e$")
ASSUMED = "No measured server has a processor of this generation, or it is not known: another stands for it."


@dataclass(frozen=True)
class Generation:
    """A generation of server processors, by their names without maker, marks and speed; since which year."""

    name: str
    make: str
    year: int
    names: re.Pattern[str]


GENERATIONS = tuple(
    Generation(name, make, year, re.compile(names))
    for name, make, year, names in (
        ("core2", "intel", 2006, r"^[elxw]?(3[023]|5[0-4]|7[0-4])\d\d$|^pentium d"),
        ("nehalem", "intel", 2009, r"^[elxw]?(34|35|55|65|75)\d\d$"),
        ("westmere", "intel", 2010, r"^[elxw]?[35]6\d\d$|^e7-\d{4}$|^core i[357]-[56]\d\d$"),
        ("sandy-bridge", "intel", 2011, r"^e[35]-\d{4}l?$"),
        ("ivy-bridge", "intel", 2012, r"^e[357]-\d{4}l? ?v2$"),
        ("haswell", "intel", 2014, r"^e[357]-\d{4}l? ?v3$|^core i[357]-4\d{3}$"),
        ("broadwell", "intel", 2016, r"^e[357]-\d{4}l? ?v4$|^d-15\d\d"),
        ("skylake-entry", "intel", 2015, r"^e3-\d{4}l? ?v[56]$|^e-2\d{3}"),
        ("skylake", "intel", 2017, r"^(platinum|gold|silver|bronze) \d1"),
        ("cascade-lake", "intel", 2019, r"^(platinum|gold|silver|bronze) \d2"),
        ("ice-lake", "intel", 2020, r"^(platinum|gold|silver|bronze) \d3"),
        ("k10", "amd", 2007, r"^opteron (23|24|83|84|41|61|13)\d\d"),
        ("bulldozer", "amd", 2011, r"^opteron [346][23]\d\d"),
        ("zen", "amd", 2017, r"^epyc 7\w\w1"),
        ("zen2", "amd", 2019, r"^epyc 7\w\w2"),
        ("zen3", "amd", 2021, r"^epyc 7\w\w3"),
    )
)


class Feature(NamedTuple):
    """What a server has of one feature: the name of its effect, how much of it, and what to show."""

    name: str
    amount: float
    detail: str = ""
    note: str = ""


def server_watts(load: Load, hardware: Hardware, factors: FactorSet) -> Term:
    """Idle or full-load watts at the wall; features that the fit has not met are left out."""
    terms = (_effect(load, feature, factors) for feature in features(hardware, factors))
    effects = tuple(term for term in terms if term is not None)
    constant, error = _ends_of_the_product(load, factors)
    return product(LABELS[load], "W", (constant, *effects, error))


@cached_per_factor_set
def _effect(load: Load, feature: Feature, factors: FactorSet) -> Term | None:
    """What a feature does to the watts, None where the fit has not met it."""
    effect = factors.factors.get(f"power.server.{load}.{feature.name}")
    if effect is None:
        return None
    return leaf(
        f"effect of {feature.name.split('.')[0]}", math.exp(effect.value * feature.amount), "1", "modelled",
        detail=feature.detail, factor=effect.id, note=feature.note,
    )  # fmt: skip


@cached_per_factor_set
def _ends_of_the_product(load: Load, factors: FactorSet) -> tuple[Term, Term]:
    constant = factor_leaf("constant of the fit", f"power.server.{load}.constant", factors)
    error = factors.get(f"power.server.{load}.error")
    return constant, leaf("error of the fit", 1.0, "1", "factor", factor=error.id)


def features(hardware: Hardware, factors: FactorSet) -> Iterator[Feature]:
    """Features of a server that its power is estimated from."""
    units = sum(cpu.units for cpu in hardware.cpus) or 1
    chips = _within("processors", units)
    cores = _within(
        "cores", sum(cpu.units * _cores(cpu, factors) for cpu in hardware.cpus) / units or USUAL_CORES
    )
    memory_gb = _within(
        "memory", sum(module.units * module.gb for module in hardware.memory) or USUAL_MEMORY_GB
    )
    name = next((cpu.model for cpu in hardware.cpus if cpu.model), "")
    yield Feature("processors", math.log(chips), f"{chips:g}")
    yield Feature("cores", math.log(cores), f"{cores:g}")
    yield Feature("processors and cores", math.log(chips) * math.log(cores), f"{chips:g} × {cores:g}")
    yield Feature("memory", math.log(memory_gb), f"{memory_gb:g} GB")
    yield from _named(name, hardware.year, hardware.maker)


@lru_cache(maxsize=8192)
def _named(name: str, year: int | None, maker: str | None) -> tuple[Feature, ...]:
    """Return the features given by names: of the processor, and of the server's maker."""
    known = generation_of(name)
    chosen = known or _stand_in(name, year)
    return (
        Feature("low-power processors", float(bool(LOW_POWER.search(processor_key(name))))),
        Feature(f"generation.{chosen.name}", 1.0, chosen.name, "" if known else ASSUMED),
        Feature(f"maker.{maker_key(maker)}", 1.0, maker or ""),
        Feature(f"processor.{_slug(processor_key(name))}", 1.0, name),
    )


def generation_of(name: str) -> Generation | None:
    """The generation of a processor by its name, or None."""
    return next((found for found in GENERATIONS if found.names.search(processor_key(name))), None)


def processor_key(name: str) -> str:
    """A processor's name without maker, brand, marks, speed and Intel's stepping: "e5-2660"."""
    return re.sub(r"\bxeon\b|(?<=\d) 0$", "", normal_name(name)).strip()


def maker_key(maker: str | None) -> str:
    """The maker's first word; the names that HP bore are one."""
    words = re.findall(r"[a-z0-9]+", (maker or "").lower())
    first = words[0] if words else "unknown"
    return {"hewlett": "hp", "hpe": "hp", "super": "supermicro"}.get(first, first)


def _within(size: str, amount: float) -> float:
    smallest, largest = FITTED[size]
    return min(max(amount, smallest), largest)


def _cores(cpu: Cpu, factors: FactorSet) -> int:
    facts = find_processor(cpu.model, factors)
    return cpu.cores or (facts.cores if facts else None) or USUAL_CORES


def _stand_in(name: str, year: int | None) -> Generation:
    """The latest generation of the make up to the server's year; the last for a processor not yet met."""
    make = "amd" if re.search(r"amd|epyc|opteron", name.lower()) else "intel"
    alike = [found for found in GENERATIONS if found.make == make]
    latest = year or (alike[-1].year if name else USUAL_YEAR)
    return next((found for found in reversed(alike) if found.year <= latest), alike[0])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")

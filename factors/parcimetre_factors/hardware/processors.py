"""Facts about processors: exact name or none, never a near one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

from ..tables.factor_set import FactorSet

MARKS = re.compile(r"\((r|tm|c)\)|[®™©]", re.IGNORECASE)
SPEED = re.compile(r"@.*$|\b\d+(\.\d+)?\s*ghz\b.*$", re.IGNORECASE)
GENERATION_OF_PROCESSOR = re.compile(r"\b\d+(st|nd|rd|th) gen\b", re.IGNORECASE)
CORES = re.compile(r"\b(\d+|dual|quad|six|eight|twelve|sixteen)[- ]core\b", re.IGNORECASE)
PROCESSOR_NOISE = frozenset(
    {"cpu", "processor", "intel", "amd", "with", "radeon", "graphics", "vega", "apu", "mobile", "gfx"}
)


@dataclass(frozen=True)
class ProcessorFacts:
    """What is known of a processor; None is not known. TDP in watts, die area in mm2."""

    name: str
    family: str
    cores: int | None
    threads: int | None
    tdp_w: float | None
    die_mm2: float | None
    source_url: str


_ALL: WeakKeyDictionary[FactorSet, tuple[ProcessorFacts, ...]] = WeakKeyDictionary()
_INDEX: WeakKeyDictionary[FactorSet, Mapping[str, ProcessorFacts]] = WeakKeyDictionary()


def find_processor(name: str | None, factors: FactorSet) -> ProcessorFacts | None:
    """The facts of a processor by its name, marks and clock speed aside; None if not in the table."""
    return None if not name else _index(factors).get(normal_name(name))


def all_processors(factors: FactorSet) -> tuple[ProcessorFacts, ...]:
    """Every processor of the table, in its order."""
    if factors not in _ALL:
        _ALL[factors] = tuple(_facts(row) for row in factors.facts.get("cpus", ()))
    return _ALL[factors]


@lru_cache(maxsize=8192)
def normal_name(name: str) -> str:
    """A name without marks and speed: "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz" is "core i5-8250u"."""
    plain = SPEED.sub(" ", CORES.sub(" ", GENERATION_OF_PROCESSOR.sub(" ", MARKS.sub(" ", name))))
    plain = re.sub(r"\b(v\d)\b", r"\1", plain.lower())
    return " ".join(word for word in re.split(r"[\s,()]+", plain) if word and word not in PROCESSOR_NOISE)


def _index(factors: FactorSet) -> Mapping[str, ProcessorFacts]:
    """Processors by normal name; a name that stands for two different ones stands for none."""
    if factors not in _INDEX:
        found: dict[str, ProcessorFacts] = {}
        ambiguous = set()
        for facts in all_processors(factors):
            key = normal_name(facts.name)
            if key in found and (found[key].tdp_w, found[key].die_mm2) != (facts.tdp_w, facts.die_mm2):
                ambiguous.add(key)
            found[key] = facts
        _INDEX[factors] = {key: facts for key, facts in found.items() if key not in ambiguous}
    return _INDEX[factors]


def _facts(row: Mapping[str, str]) -> ProcessorFacts:
    return ProcessorFacts(
        name=row["name"],
        family=row["family"],
        cores=int(row["cores"]) if row["cores"] else None,
        threads=int(row["threads"]) if row["threads"] else None,
        tdp_w=float(row["tdp_w"]) if row["tdp_w"] else None,
        die_mm2=float(row["die_mm2"]) if row["die_mm2"] else None,
        source_url=row["source_url"],
    )

"""What a figure must have before it may enter: rules over the rows of a set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .criteria import UNITS, Criterion
from .factor import DISPUTED, Factor, FactorSet

VAGUE = re.compile(r"\b(same as|guess|tbd|unknown)\b", re.IGNORECASE)
BASES = ("source", "assumed", "estimate", "policy", "10-fold", "error is", "see ", "share", "EcoDiag")


def faults_of(factors: FactorSet) -> Iterator[str]:
    """What is wrong with single factors."""
    for factor in factors.factors.values():
        yield from (f"{factor.id}: {fault}" for fault in faults_of_one(factor))


def faults_of_one(factor: Factor) -> Iterator[str]:
    """Unit, basis of the range, wording."""
    ratio = factor.unit == "1"
    if factor.criterion and factor.criterion not in set(Criterion):
        yield f"criterion {factor.criterion!r} is none of {', '.join(Criterion)}"
    elif factor.criterion and not ratio and factor.unit != UNITS[Criterion(factor.criterion)]:
        yield f"unit {factor.unit!r} is not that of {factor.criterion}"
    if factor.quality not in ("", DISPUTED):
        yield f"quality {factor.quality!r} is neither empty nor {DISPUTED!r}"
    if factor.quality == DISPUTED and not factor.note:
        yield "a disputed number says why in its note"
    if not factor.range_basis.startswith(BASES):
        yield f"range_basis {factor.range_basis!r} names no origin of the range"
    for text in (factor.locator, factor.note):
        if VAGUE.search(text):
            yield f"{text!r} is no provenance"


def unused_sources(factors: FactorSet) -> Iterator[str]:
    """Sources that nothing cites, neither as its own nor in the basis of its range."""
    cited = {factor.source.id for factor in factors.factors.values()}
    bases = " ".join({factor.range_basis for factor in factors.factors.values()})
    for source in sorted(set(factors.sources) - cited):
        if source in bases:
            continue
        yield f"sources.csv: nothing cites {source!r}"

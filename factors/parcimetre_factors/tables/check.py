"""What a figure must have before it may enter: rules over each row of a set, and over rows together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..criteria import UNITS, Criterion, Stage
from .consistency import disagreements
from .factor_set import DISPUTED, ESTIMATE, Factor, FactorSet

VAGUE = re.compile(r"\b(same as|guess|tbd|unknown)\b", re.IGNORECASE)
BASES = ("source", "assumed", "estimate", "policy", "10-fold", "error is", "see ", "share", "EcoDiag")


def faults_of(factors: FactorSet, places: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield faults of single factors and of factors together: place, id, fault and fix.

    `places` says where the row of an id stands, as "products.csv line 3".
    """
    single = ((f, fault) for f in factors.factors.values() for fault in faults_of_one(f))
    for factor, fault in (*single, *disagreements(factors)):
        place = (places or {}).get(factor.id)
        yield f"{place}, {factor.id}: {fault}" if place else f"{factor.id}: {fault}"


def faults_of_one(factor: Factor) -> Iterator[str]:
    """Unit, stage, basis of the range, wording."""
    ratio = factor.unit == "1"
    if factor.criterion and factor.criterion not in set(Criterion):
        yield f"unknown criterion {factor.criterion!r}. Give one of: {', '.join(Criterion)}"
    elif factor.criterion and not ratio and factor.unit != UNITS[Criterion(factor.criterion)]:
        wanted = UNITS[Criterion(factor.criterion)]
        yield f"unit {factor.unit!r} does not fit {factor.criterion}: convert the value to {wanted}"
    if factor.stage and factor.stage not in set(Stage):
        yield f"unknown stage {factor.stage!r}. Give one of: {', '.join(Stage)}"
    if factor.quality not in ("", ESTIMATE, DISPUTED):
        yield f"unknown quality {factor.quality!r}: give {ESTIMATE!r} or {DISPUTED!r}, or leave it empty"
    if factor.quality == DISPUTED and not factor.note:
        yield "a disputed number needs a note: write what contradicts it"
    if not factor.range_basis.startswith(BASES):
        yield (
            f"range_basis {factor.range_basis!r} gives no origin of the range: begin it with "
            '"source", or with "assumed" and the assumption'
        )
    for text in (factor.locator, factor.note):
        if VAGUE.search(text):
            yield f"{text!r} is not a valid provenance: give the page or table"


def unused_sources(factors: FactorSet) -> Iterator[str]:
    """Sources that nothing cites, neither as its own nor in the basis of its range."""
    cited = {factor.source.id for factor in factors.factors.values()}
    bases = " ".join({factor.range_basis for factor in factors.factors.values()})
    for source in sorted(set(factors.sources) - cited):
        if source in bases:
            continue
        yield f"sources.csv: nothing cites {source!r}"

"""Hold the factor tables to their rules: what a figure must have before it may enter.

usage: check_tables.py [FOLDER]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from parcimetre_factors.criteria import UNITS, Criterion
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.factor import SHIPPED, Factor, FactorSet, load_factor_set

VAGUE = re.compile(r"\b(same as|guess|tbd|unknown)\b", re.IGNORECASE)
BASES = ("source", "assumed", "estimate", "policy", "10-fold", "error is", "see ", "share", "EcoDiag")


def main(folder: Path) -> None:
    """Print every fault; exit code 1 if there is one."""
    try:
        factors = load_factor_set(folder)
    except BadFactorRow as error:
        raise SystemExit(str(error)) from error
    faults = [*faults_of(factors), *unused_sources(factors)]
    print("\n".join(faults) or f"tables: {len(factors.factors)} factors of set {factors.id} are in order")
    sys.exit(bool(faults))


def faults_of(factors: FactorSet) -> Iterator[str]:
    """What is wrong with single factors."""
    for factor in factors.factors.values():
        yield from (f"{factor.id}: {fault}" for fault in faults_of_one(factor))


def faults_of_one(factor: Factor) -> Iterator[str]:
    """Unit, basis of the range, wording."""
    ratio = factor.unit == "1"
    if factor.criterion and not ratio and factor.unit != UNITS[Criterion(factor.criterion)]:
        yield f"unit {factor.unit!r} is not that of {factor.criterion}"
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


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)

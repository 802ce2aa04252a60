"""Search of factors in a set."""

from __future__ import annotations

from collections.abc import Iterator

from parcimetre_factors.tables.factor_set import Factor, FactorSet


def find_factors(factors: FactorSet, q: str) -> Iterator[Factor]:
    """Return the factors with every word of `q` in id, subject, stage, criterion, zone, unit or source."""
    words = q.lower().split()
    for factor in factors.factors.values():
        source = factor.source
        about = (factor.id, factor.subject, factor.stage, factor.criterion, factor.zone, factor.unit,
                 source.publisher, source.title, source.licence)  # fmt: skip
        text = " ".join(part.lower() for part in about if part)
        if all(word in text for word in words):
            yield factor

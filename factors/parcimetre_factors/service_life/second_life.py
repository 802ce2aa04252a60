"""Second lives: what reconditioning a device costs, and how long the life is that it begins.

The rule: what making a device cost goes on accruing over its first service life, whoever owns it, so that no
two owners carry the same share; a second life carries besides its own preparation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..criteria import Criterion
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf
from ..tables.factor_set import FactorSet

OTHER = "other"


@dataclass(frozen=True)
class Reconditioning:
    """Impact of preparing a device's second life, by criterion, and the years that carry it."""

    by_criterion: Mapping[Criterion, Term]
    life_years: Term


def reconditioning(category: str, factors: FactorSet) -> Reconditioning:
    """The preparation of a device of this category; criteria that no source gives are absent."""
    ids = {criterion: f"component.reconditioning.{criterion}" for criterion in Criterion}
    known = f"life.second.{category}"
    life = factors.get(known if known in factors.factors else f"life.second.{OTHER}")
    return Reconditioning(
        {
            criterion: factor_leaf("reconditioning", factor_id, factors)
            for criterion, factor_id in ids.items()
            if factor_id in factors.factors
        },
        leaf(
            "second service life",
            life.value,
            life.unit,
            "policy",
            detail=category,
            factor=life.id,
            note=life.note,
        ),
    )

"""Leaves that many trees share: a factor of the set, and constants."""

from __future__ import annotations

from ..tables.factor_set import FactorSet
from .term import Term, leaf

ONE = leaf("whole", 1.0, "1", "constant")
MINUS = leaf("subtracted", -1.0, "1", "constant")


def factor_leaf(label: str, factor_id: str, factors: FactorSet, detail: str = "", note: str = "") -> Term:
    """A factor as a leaf."""
    factor = factors.get(factor_id)
    unit = factor.unit if factor.per in ("device", "server") else f"{factor.unit}/{factor.per}"
    return leaf(
        label, factor.value, unit, "factor", factor=factor_id, detail=detail, note=note or factor.note
    )

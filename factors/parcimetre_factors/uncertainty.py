"""95 % intervals from the factors' own ranges: seeded draws that all figures share.

A footprint is a sum of amounts, each proportional to some factors. Every factor has one relative error of
the distribution that it states, drawn from a seed that is its id: an error common to many devices stays
common, independent ones average out, and two figures that share a factor move together.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .distribution import LOGNORMAL, NORMAL, Z_95
from .explain import LEAVES, Term
from .factor import Factor, FactorSet

DRAWS = 2000
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Amount:
    """A value that is proportional to each named factor; `errors` are factor ids."""

    value: float
    errors: tuple[str, ...] = ()


def amounts(term: Term) -> list[Amount]:
    """The amounts that a tree adds up to: sums are taken apart, products multiplied out.

    A quotient takes the errors of its divisor as well, which spreads it as much upwards as downwards.
    """
    if term.operation in LEAVES:
        return [Amount(term.value, (term.factor,) if term.factor else ())]
    if term.operation == "sum":
        return [amount for child in term.inputs for amount in amounts(child)]
    if term.operation == "quotient":
        above, below = term.inputs
        errors = _errors(below)
        return [Amount(amount.value / below.value, (*amount.errors, *errors)) for amount in amounts(above)]
    found = [Amount(1.0)]
    for child in term.inputs:
        parts = amounts(child)
        found = [Amount(a.value * b.value, (*a.errors, *b.errors)) for a in found for b in parts]
    return found


def _errors(term: Term) -> tuple[str, ...]:
    return tuple(dict.fromkeys(error for amount in amounts(term) for error in amount.errors))


def interval(parts: Iterable[Amount], factors: FactorSet, draws: int = DRAWS) -> tuple[float, float]:
    """Quantiles 2.5 % and 97.5 % of the sum of amounts, in their unit.

    The interval holds the sum itself, whose factors are at their stated values (medians of the errors).
    """
    values = list(parts)
    by_errors: dict[tuple[str, ...], float] = {}
    for part in values:
        by_errors[part.errors] = by_errors.get(part.errors, 0.0) + part.value
    drawn = np.zeros(draws)
    for errors, value in by_errors.items():
        drawn += value * _drawn([factors.get(error) for error in errors], draws)
    low, high = np.quantile(drawn, (LOW, HIGH))
    whole = sum(part.value for part in values)
    return min(float(low), whole), max(float(high), whole)


def _drawn(errors: list[Factor], draws: int) -> NDArray[np.float64]:
    """Relative error of a product of factors, shape (draws,): log-normals add up in their logarithms."""
    logs = sum(
        (_normal(f.id, draws) * f.rel_sd for f in errors if f.distribution == LOGNORMAL), np.zeros(draws)
    )
    others = (_relative(f, draws) for f in errors if f.distribution != LOGNORMAL and f.low < f.high)
    return math.prod(others, start=np.exp(logs))


def _relative(factor: Factor, draws: int) -> NDArray[np.float64]:
    """Drawn values of a normal or uniform factor over its stated value, shape (draws,)."""
    normal = _normal(factor.id, draws)
    if factor.distribution == NORMAL:
        sd = (factor.high - factor.low) / (2 * Z_95)
        return 1 + normal * sd / factor.value
    share = np.array([NormalDist().cdf(z) for z in normal])
    return (factor.low + share * (factor.high - factor.low)) / factor.value


@lru_cache(maxsize=4096)
def _normal(error: str, draws: int) -> NDArray[np.float64]:
    """Standard normal draws that belong to an error, shape (draws,)."""
    seed = int.from_bytes(hashlib.sha256(error.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(draws)

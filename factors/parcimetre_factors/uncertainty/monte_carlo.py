"""95 % intervals from the factors' own ranges: seeded draws that all figures share.

A footprint is a sum of amounts, each proportional to some factors. Every factor has one relative error of
the distribution that it states, drawn from a seed that is its id: an error common to many devices stays
common, independent ones average out, and two figures that share a factor move together.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..tables.distribution import LOGNORMAL, NORMAL, Z_95
from ..tables.factor_set import Factor, FactorSet
from ..tables.result_cache import cached_per_factor_set
from .amounts import Amount, Errors

DRAWS = 2000
LOW, HIGH = 0.025, 0.975
Array = NDArray[np.float64]


def interval(parts: Iterable[Amount], factors: FactorSet) -> tuple[float, float]:
    """Quantiles 2.5 % and 97.5 % of the sum of amounts, in their unit.

    The interval holds the sum itself, whose factors are at their stated values (medians of the errors).
    """
    by_errors: dict[Errors, float] = {}
    for part in parts:
        by_errors[part.errors] = by_errors.get(part.errors, 0.0) + part.value
    low, high = intervals(np.array([[*by_errors.values()]]), list(by_errors), factors)
    return float(low[0]), float(high[0])


def intervals(amounts: Array, errors: Sequence[Errors], factors: FactorSet) -> tuple[Array, Array]:
    """Both quantiles of n sums (n,), whose amounts (n, k) carry each of k tuples of errors."""
    drawn = np.zeros((len(amounts), DRAWS))
    if errors:
        drawn = amounts @ np.stack([spread(each, factors) for each in errors])
    drawn.sort(axis=1)
    whole = amounts.sum(axis=1)
    return np.minimum(_quantile(drawn, LOW), whole), np.maximum(_quantile(drawn, HIGH), whole)


def _quantile(ordered: Array, share: float) -> Array:
    """Of draws in order (n, draws), on the straight line between the two that are next to it."""
    below, between = divmod(share * (ordered.shape[1] - 1), 1)
    low, high = ordered[:, int(below)], ordered[:, int(below) + 1]
    found: Array = low + (high - low) * between
    return found


def _spread(errors: Errors, factors: FactorSet) -> Array:
    """What draws of these errors together multiply an amount by, shape (draws,).

    Log-normals add up in their logarithms.
    """
    found = [factors.get(error) for error in errors]
    logs = sum((_normal(f.id) * f.rel_sd for f in found if f.distribution == LOGNORMAL), np.zeros(DRAWS))
    others = (_relative(f) for f in found if f.distribution != LOGNORMAL and f.low < f.high)
    return math.prod(others, start=np.exp(logs))


def _relative(factor: Factor) -> Array:
    """Drawn values of a normal or uniform factor over its stated value, shape (draws,)."""
    normal = _normal(factor.id)
    if factor.distribution == NORMAL:
        sd = (factor.high - factor.low) / (2 * Z_95)
        return 1 + normal * sd / factor.value
    share = np.array([NormalDist().cdf(z) for z in normal])
    return (factor.low + share * (factor.high - factor.low)) / factor.value


spread = cached_per_factor_set(_spread, most=4096)


@lru_cache(maxsize=4096)
def _normal(error: str) -> Array:
    """Standard normal draws that belong to an error, shape (draws,)."""
    seed = int.from_bytes(hashlib.sha256(error.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(DRAWS)

"""Uncertainty of sums: 95 % intervals of many groups and periods, from amounts by the errors they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.tables.factor_set import FactorSet
from parcimetre_factors.uncertainty.monte_carlo import intervals

from .hardware_model import Errors

Array = NDArray[np.float64]
SUMS_PER_CALL = 16  # fewer cost more calls; more multiply each by errors that only others carry


def bounds(groups: Sequence[Mapping[Errors, Array]], p: int, factors: FactorSet) -> list[tuple[Array, Array]]:
    """Return the lower and upper bound of each group's sum in each of p periods, both shape (p,)."""
    limits: list[tuple[Array, Array]] = []
    step = max(1, SUMS_PER_CALL // p)
    for first in range(0, len(groups), step):
        limits += _bounds_of_chunk(groups[first : first + step], p, factors)
    return limits


def _bounds_of_chunk(
    groups: Sequence[Mapping[Errors, Array]], p: int, factors: FactorSet
) -> list[tuple[Array, Array]]:
    column = {errors: k for k, errors in enumerate(dict.fromkeys(each for group in groups for each in group))}
    amounts = np.zeros((len(groups), p, len(column)))
    for i, group in enumerate(groups):
        for errors, amount in group.items():
            amounts[i, :, column[errors]] = amount
    sums = amounts.reshape(len(groups) * p, len(column))
    cut = range(0, len(sums), SUMS_PER_CALL)
    drawn = [intervals(sums[at : at + SUMS_PER_CALL], list(column), factors) for at in cut]
    low, high = (np.concatenate(ends).reshape(len(groups), p) for ends in zip(*drawn, strict=True))
    return list(zip(low, high, strict=True))

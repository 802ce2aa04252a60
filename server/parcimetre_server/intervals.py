"""95 % intervals of many periods at once, from amounts grouped by the errors they carry."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.factor import FactorSet
from parcimetre_factors.uncertainty import Amount, interval

from .profiles import Errors

Array = NDArray[np.float64]


def bounds(by_errors: Mapping[Errors, Array], p: int, factors: FactorSet) -> tuple[Array, Array]:
    """Lower and upper bound of the sum in each of p periods, both shape (p,)."""
    limits = np.zeros((p, 2))
    for i in range(p):
        parts = [Amount(float(amount[i]), errors) for errors, amount in by_errors.items() if amount[i]]
        if parts:
            limits[i] = interval(parts, factors)
    return limits[:, 0], limits[:, 1]

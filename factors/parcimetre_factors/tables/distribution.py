"""What the range of a factor means: the distribution that its error is drawn from.

| distribution | low and high are | the value is |
| --- | --- | --- |
| lognormal | the 95 % range | the median |
| normal | the 95 % range | the mean, in the middle |
| uniform | the ends: nothing lies beyond them | in the middle |
| fixed | the value | without error |
"""

from __future__ import annotations

import math

LOGNORMAL, NORMAL, UNIFORM, FIXED = "lognormal", "normal", "uniform", "fixed"
DISTRIBUTIONS = (LOGNORMAL, NORMAL, UNIFORM, FIXED)
Z_95 = 1.959964
OFF_CENTRE = 0.05


def range_of(value: float, rel_sd: float, distribution: str) -> tuple[float, float]:
    """The 95 % range of a value whose relative standard deviation is stated, as makers' sheets do.

    Raises ValueError where a standard deviation does not give the range of that distribution.
    """
    if not (rel_sd >= 0 and math.isfinite(rel_sd)):
        raise ValueError(f"rel_sd {rel_sd} is not a share of the value (example: 0.25 for 25 %)")
    if distribution == LOGNORMAL and value <= 0:
        raise ValueError(
            f"a log-normal distribution cannot have the value {value}: choose another distribution"
        )
    if distribution == LOGNORMAL:
        spread = math.exp(Z_95 * math.sqrt(math.log(1 + rel_sd**2)))
        return value / spread, value * spread
    if distribution == NORMAL:
        half = abs(value) * Z_95 * rel_sd
        return value - half, value + half
    raise ValueError(f"rel_sd does not define the ends of a {distribution} distribution: give low and high")


def contradiction(value: float, low: float, high: float, distribution: str) -> str | None:
    """Return why a range does not fit its distribution, with the fix; None if it fits."""
    if distribution not in DISTRIBUTIONS:
        return f"unknown distribution {distribution!r}. Give one of: {', '.join(DISTRIBUTIONS)}"
    if low == high or (distribution == LOGNORMAL and low > 0):
        return None
    if distribution == FIXED:
        return f"it is fixed but has a range from {low} to {high}: remove the distribution or the range"
    if distribution == LOGNORMAL:
        return f"a log-normal distribution cannot have low = {low}: raise it, or choose another distribution"
    if value == 0:
        return (
            f"the value is 0, so a {distribution} distribution with a relative error is not "
            "possible: write fixed"
        )
    off = abs(value - (low + high) / 2) > OFF_CENTRE * (high - low)
    middle = f"the value {value} is not the middle of the {distribution} range {low} to {high}"
    return middle if off else None

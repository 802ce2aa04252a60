"""What recurs from device to device is worked out once a factor set: a processor's term, a category's sum."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple, cast

from .factor_set import FactorSet

MOST = 10_000
Given = TypeVarTuple("Given")
Result = TypeVar("Result")
Work = Callable[[*Given, FactorSet], Result]


def cached_per_factor_set(work: Work[*Given, Result], most: int = MOST) -> Work[*Given, Result]:
    """A pure function of hashable arguments and, last, a factor set, whose results stay with that set.

    All are forgotten once they are so many, so that whoever asks for ever new parts fills no memory.
    """
    pure = cast("Callable[..., Result]", work)

    @wraps(pure)
    def known(*given: Any) -> Result:
        """What the work gave for these arguments before, else what it gives now."""
        results: dict[Any, Any] = given[-1].results[pure]
        found = results.get(given, results)
        if found is not results:
            return cast("Result", found)
        if len(results) >= most:
            results.clear()
        made = results[given] = pure(*given)
        return made

    return cast("Work[*Given, Result]", known)

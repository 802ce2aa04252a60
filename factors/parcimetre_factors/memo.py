"""What recurs from device to device is worked out once a factor set: a processor's term, a category's sum."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple, cast

from .factor import FactorSet

LARGEST = 50_000
Given = TypeVarTuple("Given")
Result = TypeVar("Result")
Work = Callable[[*Given, FactorSet], Result]


def kept(work: Work[*Given, Result]) -> Work[*Given, Result]:
    """A pure function of hashable arguments and, last, a factor set, whose results stay with that set.

    All are forgotten once they are 50,000, so that whoever asks for ever new parts fills no memory.
    """
    pure = cast("Callable[..., Result]", work)

    @wraps(pure)
    def known(*given: Any) -> Result:
        results: dict[Any, Any] = given[-1].results
        asked = (pure, given)
        found = results.get(asked, results)
        if found is not results:
            return cast("Result", found)
        if len(results) >= LARGEST:
            results.clear()
        made = results[asked] = pure(*given)
        return made

    return cast("Work[*Given, Result]", known)

"""Estimates for hardware outside the fleet: a JSON object, an array of them, or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from parcimetre_factors.estimate import Answer, estimate
from parcimetre_factors.tables.factor_set import FactorSet

from ..base.errors import ParcimetreError

MOST_REQUESTS = 10_000


class TooManyRequests(ParcimetreError):
    """More requests in one call than are answered at once."""

    status = 413
    kind = "too-large"


def answer_lines(lines: Iterable[str | bytes], factors: FactorSet) -> Iterator[Answer]:
    """Return one answer per line, in order, without empty lines; invalid JSON is answered with its error."""
    for line in lines:
        if line.strip():
            try:
                request = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield {"error": f"request: this line is not JSON ({error}); write one object a line"}
                continue
            yield estimate(request, factors)


def answer_body(body: bytes, factors: FactorSet) -> Any:
    """Return one answer to an object, a list of them to an array. Raises ValueError for invalid JSON."""
    request = json.loads(body)
    if not isinstance(request, list):
        return estimate(request, factors)
    if len(request) > MOST_REQUESTS:
        raise TooManyRequests(f"too many requests ({len(request)}): send at most {MOST_REQUESTS} at once")
    return [estimate(one, factors) for one in request]

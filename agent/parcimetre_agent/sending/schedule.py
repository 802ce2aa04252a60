"""When the next upload is due. Machines that boot together must not send together."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

SOON_S = 5.0
REGULAR_S = 3600
SHORTEST_S, LONGEST_S = 60, 86_400
WAKE_SPREAD_S = 300.0
JITTER_SHARE = 0.1
BACKOFF_BASE_S = 30.0
BACKOFF_CAP_S = 3600.0

Draw = Callable[[float, float], float]


def draw(low: float, high: float) -> float:
    """A random number between the two, without loading the random module into the resident."""
    return low + (high - low) * int.from_bytes(os.urandom(4), "big") / 2**32


def within_period_bounds(value: object) -> int | None:
    """Return a period that a collector states, in seconds from a minute to a day; None if it is not one.

    A collector that states 0 would be flooded, and one that states years would never hear again.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(min(value, LONGEST_S)):
        return None
    return int(min(max(value, SHORTEST_S), LONGEST_S))


def first_delay_s(
    wall_s: float, device_id: str, period_s: float, last_sent_s: float | None, uniform: Draw
) -> float:
    """Seconds from the agent's start to its first upload: at once when it never sent."""
    if last_sent_s is None:
        return SOON_S
    regular_s = regular_delay_s(wall_s, device_id, period_s, uniform)
    if wall_s - last_sent_s > period_s:
        return min(regular_s, uniform(SOON_S, min(600.0, period_s)))
    return regular_s


def regular_delay_s(wall_s: float, device_id: str, period_s: float, uniform: Draw) -> float:
    """Seconds to the device's own place within the period, plus a jitter of a tenth of it."""
    phase_s = _number(device_id) % max(1, int(period_s))
    delay_s = (phase_s - wall_s) % period_s
    if delay_s < period_s * JITTER_SHARE:
        delay_s += period_s
    return delay_s + uniform(0.0, period_s * JITTER_SHARE)


def _number(device_id: str) -> int:
    """A number from an id in hexadecimal; 0 from any other, so that no stored id stops the resident."""
    try:
        return int(device_id[:8], 16)
    except ValueError:
        return 0


def backoff_s(failures: int, retry_after_s: float, uniform: Draw) -> float:
    """Full jitter over a doubling bound, on top of what the collector asked for.

    Not the greater of the two: a fleet that hears one Retry-After would come back in one second.
    """
    bound_s = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(failures, 20))
    return retry_after_s + uniform(1.0, bound_s)

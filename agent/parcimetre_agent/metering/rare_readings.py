"""Readings of sources that are asked every few minutes: mean power since the reading before.

A meter behind a slow interface is asked every few minutes, not at every sample. It answers with energy
counters, or with the mean power over a window that it states itself; either way what it says belongs to
the stretch it covers, and to no second more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..machine.clock import Instant
from .counters import Channel, Counter, mean_power_w

SHORTEST_WINDOW_S = 60.0
LONGEST_WINDOW_S = 3600.0


class MeanPower(NamedTuple):
    """Mean power over the last `window_s` seconds, as the meter states it; above `ceiling_w` not believed."""

    source: str
    scope: str
    quality: str
    mean_w: float
    window_s: float
    ceiling_w: float


class ChannelPower(NamedTuple):
    """Mean power of a channel from `since_s` (wall time) until now."""

    since_s: float
    channel: Channel
    power_w: float


def window_fits(window_s: float) -> bool:
    """Whether a mean says something of a quarter hour: shorter is a sample, longer is another time's."""
    return SHORTEST_WINDOW_S <= window_s <= LONGEST_WINDOW_S


def power_since(
    before_at: Instant, before: list[Any], after_at: Instant, after: list[Any]
) -> list[ChannelPower]:
    """Return the power of each channel between two readings of one source, without the implausible."""
    elapsed_s = after_at.monotonic_s - before_at.monotonic_s
    counted = [[one for one in reading if isinstance(one, Counter)] for reading in (before, after)]
    means = [one for one in after if isinstance(one, MeanPower)]
    found = [
        ChannelPower(before_at.wall_s, channel, watts)
        for channel, watts in mean_power_w(counted[0], counted[1], elapsed_s).items()
    ]
    found += [
        ChannelPower(
            after_at.wall_s - min(one.window_s, elapsed_s),
            (one.source, one.scope, one.quality),
            one.mean_w,
        )
        for one in means
        if 0 <= one.mean_w <= one.ceiling_w and window_fits(one.window_s)
    ]
    return found

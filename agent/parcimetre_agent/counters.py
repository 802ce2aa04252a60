"""Pure: energy counters, their differences, and what is not believed of them."""

from __future__ import annotations

from typing import NamedTuple

Channel = tuple[str, str, str]


class Counter(NamedTuple):
    """Energy since an arbitrary start, of one zone of one source.

    `wrap_j` is where it starts over (0: it does not); a rise faster than `ceiling_w` is not believed.
    """

    source: str
    scope: str
    quality: str
    zone: str
    energy_j: float
    wrap_j: float
    ceiling_w: float


def mean_power_w(before: list[Counter], after: list[Counter], elapsed_s: float) -> dict[Channel, float]:
    """Mean power of every channel over an unbroken interval; zones of one channel are sockets, and add up.

    A channel of which one zone is missing or not believed is left out whole: half a machine is no figure.
    """
    earlier = {_zone(counter): counter for counter in before}
    later = {_zone(counter) for counter in after}
    broken = {_channel(counter) for zone, counter in earlier.items() if zone not in later}
    power_w: dict[Channel, float] = {}
    for counter in after:
        start = earlier.get(_zone(counter))
        energy_j = None if start is None else grown_j(start, counter, elapsed_s)
        if energy_j is None:
            broken.add(_channel(counter))
        else:
            channel = _channel(counter)
            power_w[channel] = power_w.get(channel, 0.0) + energy_j / elapsed_s
    return {channel: watts for channel, watts in power_w.items() if channel not in broken}


def _zone(counter: Counter) -> tuple[str, str, str]:
    return counter.source, counter.scope, counter.zone


def _channel(counter: Counter) -> Channel:
    return counter.source, counter.scope, counter.quality


def grown_j(before: Counter, after: Counter, elapsed_s: float) -> float | None:
    """Energy between two readings of one zone: once wrapped is mended, the implausible is refused (None)."""
    if elapsed_s <= 0:
        return None
    energy_j = after.energy_j - before.energy_j
    if energy_j < 0 and after.wrap_j > 0:
        energy_j += after.wrap_j
    if energy_j < 0 or energy_j > after.ceiling_w * elapsed_s:
        return None
    return energy_j

"""Energy counters, their differences, and which of them are implausible."""

from __future__ import annotations

from typing import NamedTuple

Channel = tuple[str, str, str]
Zone = tuple[str, str, str]
FROZEN_S = 300.0
GAUGE_MARGIN = 4.0
GAUGE_FLOOR_W = 20.0
GAUGE_CEILING_W = 300.0
OWN_CLOCK_MARGIN = 2.0
OWN_CLOCK_SLACK_S = 2.0


class Counter(NamedTuple):
    """Energy since an arbitrary start, of one zone of one source.

    `wrap_j` is where it starts over (0: it does not); a rise faster than `ceiling_w` is not believed.
    `at_s` is the source's own clock at the reading, where it has one.
    """

    source: str
    scope: str
    quality: str
    zone: str
    energy_j: float
    wrap_j: float
    ceiling_w: float
    at_s: float | None = None


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


def _zone(counter: Counter) -> Zone:
    return counter.source, counter.scope, counter.zone


def _channel(counter: Counter) -> Channel:
    return counter.source, counter.scope, counter.quality


def grown_j(before: Counter, after: Counter, elapsed_s: float) -> float | None:
    """Return the joules between two readings of one zone, one wrap corrected; None for the implausible."""
    return None if implausibility(before, after, elapsed_s) else _difference_j(before, after)


def implausibility(before: Counter, after: Counter, elapsed_s: float) -> str | None:
    """Why what one zone counted between two readings is not believed; None when it is. One rule for all."""
    if elapsed_s <= 0:
        return f"{after.zone} was read twice at the same time"
    energy_j = _difference_j(before, after)
    if energy_j < 0:
        return f"{after.zone} ran backwards"
    if energy_j > after.ceiling_w * elapsed_s:
        return f"{after.zone} jumped: faster than {after.ceiling_w:.0f} W"
    if before.at_s is not None and after.at_s is not None:
        own_s = after.at_s - before.at_s
        least_s, most_s = elapsed_s / OWN_CLOCK_MARGIN, elapsed_s * OWN_CLOCK_MARGIN
        if not least_s - OWN_CLOCK_SLACK_S <= own_s <= most_s + OWN_CLOCK_SLACK_S:
            return f"the clock of {after.zone} is wrong"
    return None


def gauge_ceiling_w(rate_w: float) -> float:
    """What a battery's remaining energy may fall by, given the rate that its gauge states.

    A much faster fall is a recalibration; no portable machine draws more than the upper bound.
    """
    return min(GAUGE_CEILING_W, GAUGE_MARGIN * abs(rate_w) + GAUGE_FLOOR_W)


class CounterWatch:
    """Follows one source's counters from sample to sample, and says when none of them can be believed."""

    def __init__(self) -> None:
        self._last: dict[Zone, Counter] = {}
        self._moved_s: dict[Zone, float] = {}
        self._at_s = 0.0

    def judge(
        self, counters: list[Counter], at_s: float, continuous: bool
    ) -> tuple[list[Counter], str | None]:
        """The counters that may be compared, and the reason when there is none left.

        `continuous` is false after a sleep or a break: then all begins anew. A counter that stands still for
        FROZEN_S of an awake machine is left out until it moves; one that fell or jumped is left to `grown_j`.
        """
        if not continuous:
            self._last, self._moved_s = {}, {}
        kept, doubts = [], []
        for counter in counters:
            reason = self._doubt(counter, at_s)
            doubts += [reason] if reason else []
            if at_s - self._moved_s[_zone(counter)] < FROZEN_S:
                kept.append(counter)
        self._last = {_zone(counter): counter for counter in counters}
        self._at_s = at_s
        return kept, doubts[0] if doubts and len(doubts) == len(counters) else None

    def _doubt(self, counter: Counter, at_s: float) -> str | None:
        zone = _zone(counter)
        before = self._last.get(zone)
        if before is None or before.energy_j != counter.energy_j:
            self._moved_s[zone] = at_s
        if before is None:
            return None
        if at_s - self._moved_s[zone] >= FROZEN_S:
            return f"{counter.zone} did not change"
        return implausibility(before, counter, at_s - self._at_s)


def _difference_j(before: Counter, after: Counter) -> float:
    energy_j = after.energy_j - before.energy_j
    return energy_j + after.wrap_j if energy_j < 0 and after.wrap_j > 0 else energy_j

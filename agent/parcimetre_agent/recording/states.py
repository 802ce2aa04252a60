"""Derive the states of the machine between two moments: awake, asleep, off, unknown.

On Linux, the time asleep is the growth of CLOCK_BOOTTIME over CLOCK_MONOTONIC, on Windows that of
the interrupt time over the unbiased one. A changed boot id, or time since boot that shrank, means that the
machine was off from the last moment written down until the boot. Input devices are never asked.
"""

from __future__ import annotations

from typing import NamedTuple

from ..machine.clock import Instant

AWAKE, ASLEEP, OFF, UNKNOWN = "awake", "asleep", "off", "unknown"
LONGEST_SAMPLE_GAP_S = 300.0
STEP_TOLERANCE_S = 5.0
SLEEP_TOLERANCE_S = 1.0


class Span(NamedTuple):
    """A stretch of wall time in one state: awake, asleep, off or unknown."""

    start_s: float
    end_s: float
    state: str


class Interval(NamedTuple):
    """What the clocks say happened between two moments.

    `continuous` holds when the machine ran all the time and the wall clock was not set: only then may
    energy counters be compared. `stepped` is true when the wall clock was set.
    """

    spans: list[Span]
    continuous: bool
    stepped: bool


def states_between(before: Instant, after: Instant, watched: bool = True) -> Interval:
    """States from `before` to `after`; `watched` is false when no agent ran in between."""
    if before.boot_id != after.boot_id or after.boottime_s < before.boottime_s:
        return _rebooted(before, after)
    elapsed_s = after.boottime_s - before.boottime_s
    asleep_s = max(0.0, elapsed_s - (after.monotonic_s - before.monotonic_s))
    step_s = after.wall_s - before.wall_s - elapsed_s
    if abs(step_s) > STEP_TOLERANCE_S:
        return _stepped(before, after)
    awake_s = elapsed_s - asleep_s
    if not watched or awake_s > LONGEST_SAMPLE_GAP_S:
        return Interval(_spans((before.wall_s, after.wall_s, UNKNOWN)), False, False)
    if asleep_s < SLEEP_TOLERANCE_S:
        return Interval(_spans((before.wall_s, after.wall_s, AWAKE)), True, False)
    fell_asleep_s = before.wall_s + awake_s / 2
    woke_s = after.wall_s - awake_s / 2
    return Interval(
        _spans(
            (before.wall_s, fell_asleep_s, AWAKE),
            (fell_asleep_s, woke_s, ASLEEP),
            (woke_s, after.wall_s, AWAKE),
        ),
        False,
        False,
    )


def _rebooted(before: Instant, after: Instant) -> Interval:
    """Off until the boot, then unknown until the agent started."""
    boot_s = min(max(after.wall_s - after.boottime_s, before.wall_s), after.wall_s)
    stepped = after.wall_s < before.wall_s
    return Interval(
        _spans((before.wall_s, boot_s, OFF), (boot_s, after.wall_s, UNKNOWN)),
        False,
        stepped,
    )


def _stepped(before: Instant, after: Instant) -> Interval:
    """The wall clock was set: what lies between is not known, and time may run twice."""
    return Interval(_spans((before.wall_s, after.wall_s, UNKNOWN)), False, True)


def _spans(*spans: tuple[float, float, str]) -> list[Span]:
    return [Span(*span) for span in spans if span[1] > span[0]]

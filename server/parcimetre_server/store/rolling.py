"""Quarter hours of a day added up by hour or by part of the week, and returned with an equal part each.

A day of hours has 24 sums, a whole day one for each part of the week in it: working hours, night, weekend.
Sums are exact, and so is which quarter hours have a record; what is lost is how the rest was spread among
those. Adding up what was returned yields the same sums again, in any order of adding: a part is a whole
number of seconds, or joules with so few digits that no sum of them is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Hours = Literal[1, 24]
SLOTS_PER_DAY, SLOTS_PER_HOUR = 96, 4
STATES = 4  # display on, display off, asleep, off
STEPS_PER_E = 100  # means are kept to half a percent
NO_MEAN = 0xFFFF
SHORT = np.uint64(0xFFFF_FFFF_FFFF_E000)  # leaves 40 binary digits: 96 such parts add up without rounding
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
WEEK_PARTS = ("working hours", "night", "weekend", "unstated")
UNSTATED = len(WEEK_PARTS) - 1
PIECES: dict[Hours, int] = {1: 24, 24: len(WEEK_PARTS)}
HOUR_OF: Whole = np.arange(SLOTS_PER_DAY) // SLOTS_PER_HOUR
NO_PARTS: Whole = np.full(SLOTS_PER_DAY, UNSTATED)


@dataclass(frozen=True)
class DayRule:
    """How a day is rolled up: the part of the week of each quarter hour (96,), as indexes of WEEK_PARTS.

    Unless the day is `settled`, so that no record of it is accepted any more, quarter hours that are not
    wholly covered stay as they are: a record that covers more may replace them.
    """

    parts: Whole
    settled: bool


SETTLED_DAY = DayRule(NO_PARTS, True)


@dataclass(frozen=True)
class RollRules:
    """The rule of each day since 1970-01-01; those before `settled_before` are settled."""

    of: Callable[[int], DayRule]
    settled_before: int


ALL_SETTLED = RollRules(lambda _day: SETTLED_DAY, 2**31)


@dataclass(frozen=True)
class Sums:
    """A day in b pieces: which of its quarter hours have a record (96,), the piece of each (96,), seconds by
    state and decile (b, 14), codes of means (b, 5), and joules and seconds (b,) of each of c channels (c, b).
    """

    present: Flags
    piece_of: Whole
    seconds: Whole
    means: Whole
    energy_j: NDArray[np.float64]
    counted_s: Whole


@dataclass(frozen=True)
class Quarters:
    """The same day by quarter hour: (96, 14), (96, 5), (c, 96), (c, 96)."""

    seconds: Whole
    means: Whole
    energy_j: NDArray[np.float64]
    counted_s: Whole


def roll(day: Quarters, piece_of: Whole, pieces: int) -> Sums:
    """Add up a day by the pieces of its quarter hours (96,); means are weighted by seconds covered."""
    member = (piece_of == np.arange(pieces)[:, None]).astype(np.int64)
    covered_s = day.seconds[:, :STATES].sum(axis=1)
    return Sums(
        covered_s > 0,
        piece_of,
        member @ day.seconds,
        _mean(day.means, covered_s, member),
        _added(day.energy_j, piece_of, pieces),
        day.counted_s @ member.T,
    )


def _added(energy_j: NDArray[np.float64], piece_of: Whole, pieces: int) -> NDArray[np.float64]:
    """Add up joules (c, 96) in the order of the quarter hours; return them by piece (c, b)."""
    added = np.zeros((len(energy_j), pieces))
    for channel, joules in zip(added, energy_j, strict=True):
        np.add.at(channel, piece_of, joules)
    return added


def keep_worst(sums: Sums, channels: Sequence[int]) -> None:
    """Let a piece in which one counter had several qualities have the worst: the channels are in that order.

    A record names a counter once, and a sum is worth what the worst part of it is.
    """
    for i, worst in enumerate(channels):
        there = sums.counted_s[worst] > 0
        for better in channels[i + 1 :]:
            for table in (sums.energy_j, sums.counted_s):
                table[worst][there] += table[better][there]
                table[better][there] = 0


def spread(sums: Sums) -> Quarters:
    """Return a day by quarter hour: an equal part for each that has a record, to the second."""
    of = sums.piece_of
    n, rank = _ranks(sums.present, of, len(sums.seconds))
    states = _dealt(sums.seconds[of, :STATES], n[of], rank)
    deciles = _dealt(sums.seconds[of, STATES:], n[of], rank)
    seconds = np.where(sums.present[:, None], np.hstack([states, deciles]), 0)
    counted_s = _parts(sums.counted_s[:, of], n[of], rank)
    counted_s = np.where(sums.present, counted_s, 0)
    takers = np.minimum(sums.counted_s, n)  # quarter hours that have a second of the channel
    energy_j = _joules(sums.energy_j[:, of], takers[:, of], rank)
    means = np.where(sums.present[:, None], sums.means[of], NO_MEAN)
    return Quarters(seconds, means, np.where(counted_s > 0, energy_j, 0.0), counted_s)


def _ranks(present: Flags, piece_of: Whole, pieces: int) -> tuple[Whole, Whole]:
    """Return how many quarter hours of each piece have a record (b,), and which of them each one is (96,)."""
    of_piece = (piece_of == np.arange(pieces)[:, None]) & present
    rank = of_piece.cumsum(axis=1) - of_piece
    return of_piece.sum(axis=1), rank[piece_of, np.arange(SLOTS_PER_DAY)]


def _parts(total: Whole, n: Whole, rank: Whole) -> Whole:
    """The part of one of n takers, by its rank: all differ by one at most and add up to the total."""
    parts: Whole = (total + n - 1 - rank) // np.maximum(n, 1)
    return parts


def _dealt(totals: Whole, n: Whole, rank: Whole) -> Whole:
    """Parts of each column (96, k), dealt on from where the last one ended: no row exceeds its equal part."""
    running = totals.cumsum(axis=1)
    return np.diff(_parts(running, n[:, None], rank[:, None]), axis=1, prepend=0)


def _joules(total: NDArray[np.float64], n: Whole, rank: Whole) -> NDArray[np.float64]:
    """Equal parts of few digits; the last taker has what remains."""
    equal = total / np.maximum(n, 1)
    short = (equal.view(np.uint64) & SHORT).view(np.float64)
    return np.where(rank == n - 1, total - short * (n - 1), short)


def _mean(codes: Whole, covered_s: Whole, member: Whole) -> Whole:
    """Return codes of the means of pieces (b, 5), from those of quarter hours that have one (96, 5)."""
    weight_s = np.where(codes == NO_MEAN, 0, covered_s[:, None])
    mean = np.expm1(np.where(codes == NO_MEAN, 0, codes) / STEPS_PER_E)
    whole_s = member @ weight_s
    weighed = (member @ (mean * weight_s)) / np.maximum(whole_s, 1)
    return np.where(whole_s > 0, np.rint(np.log1p(weighed) * STEPS_PER_E).astype(np.int64), NO_MEAN)

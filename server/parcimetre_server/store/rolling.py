"""Quarter hours of a day added up by hour or by day, and given back as quarter hours with an equal part each.

Sums are exact, and so is which quarter hours have a record; what is lost is how the rest was spread among
those. Adding up what was given back yields the same sums again, in any order of adding: a part is a whole
number of seconds, or joules with so few digits that no sum of them is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Sums:
    """A day in b pieces: which of its quarter hours have a record (96,), seconds by state and decile (b, 14),
    codes of means (b, 5), and joules and seconds (b,) of each of c channels (c, b).
    """

    present: Flags
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


def roll(day: Quarters, hours: Hours) -> Sums:
    """Add up a day by pieces of some hours; means are weighted by the seconds covered."""
    pieces = 24 // hours
    each = SLOTS_PER_DAY // pieces
    covered_s = day.seconds[:, :STATES].sum(axis=1)
    return Sums(
        covered_s > 0,
        day.seconds.reshape(pieces, each, -1).sum(axis=1),
        _mean(day.means, covered_s, pieces),
        day.energy_j.reshape(-1, pieces, each).sum(axis=2),
        day.counted_s.reshape(-1, pieces, each).sum(axis=2),
    )


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
    """Give a day back by quarter hour: an equal part to each that has a record, to the second."""
    pieces = len(sums.seconds)
    of = np.arange(SLOTS_PER_DAY) // (SLOTS_PER_DAY // pieces)
    n, rank = _ranks(sums.present, pieces)
    states = _dealt(sums.seconds[of, :STATES], n[of], rank)
    deciles = _dealt(sums.seconds[of, STATES:], n[of], rank)
    seconds = np.where(sums.present[:, None], np.hstack([states, deciles]), 0)
    counted_s = _parts(sums.counted_s[:, of], n[of], rank)
    counted_s = np.where(sums.present, counted_s, 0)
    takers = np.minimum(sums.counted_s, n)  # quarter hours that have a second of the channel
    energy_j = _joules(sums.energy_j[:, of], takers[:, of], rank)
    means = np.where(sums.present[:, None], sums.means[of], NO_MEAN)
    return Quarters(seconds, means, np.where(counted_s > 0, energy_j, 0.0), counted_s)


def _ranks(present: Flags, pieces: int) -> tuple[Whole, Whole]:
    """How many quarter hours of each piece have a record (b,), and which of them each one is (96,)."""
    by_piece = present.reshape(pieces, -1).astype(np.int64)
    rank = by_piece.cumsum(axis=1) - by_piece
    return by_piece.sum(axis=1), rank.ravel()


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


def _mean(codes: Whole, covered_s: Whole, pieces: int) -> Whole:
    """Codes of the means of pieces (b, 5), from those of quarter hours that have one (96, 5)."""
    weight_s = np.where(codes == NO_MEAN, 0, covered_s[:, None])
    mean = np.expm1(np.where(codes == NO_MEAN, 0, codes) / STEPS_PER_E)
    weighed = (mean * weight_s).reshape(pieces, -1, codes.shape[1]).sum(axis=1)
    whole_s = weight_s.reshape(pieces, -1, codes.shape[1]).sum(axis=1)
    kept = np.rint(np.log1p(weighed / np.maximum(whole_s, 1)) * STEPS_PER_E).astype(np.int64)
    return np.where(whole_s > 0, kept, NO_MEAN)

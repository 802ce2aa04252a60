"""Buffer what is measured while the wall clock cannot be right, until it is set.

A dead clock battery makes a machine boot in the year 2000. The other clocks run on, so when the wall clock is
set, everything measured since is shifted by as much, and nothing of it is lost or reported at a wrong time.
"""

from __future__ import annotations

from ..machine.clock import Instant
from . import states
from .slot import Sample, Stretch, stretches

EARLIEST_S = 1_735_689_600.0
BEHIND_S = 300.0
PATIENCE_S = 7200.0
MOST_PIECES = 2000


def is_wrong_clock(at: Instant, before: Instant | None = None) -> bool:
    """Whether the wall clock cannot be right: before 2025, or well before a moment of an earlier boot."""
    earlier_boot = before is not None and before.boot_id != at.boot_id
    return at.wall_s < EARLIEST_S or (
        before is not None and earlier_boot and at.wall_s < before.wall_s - BEHIND_S
    )


class WrongClockBuffer:
    """Begins with the first sample of a wrong clock; `before` is the one before it, if any."""

    def __init__(self, before: Sample | None, first: Sample, watched: bool) -> None:
        self._before = before
        self._first = first
        self._watched = watched
        self._last = first
        self._pieces: list[Stretch] = []

    def add(self, sample: Sample) -> list[Stretch] | None:
        """Take a sample; once the clock is set, or was waited for long enough, all pieces, else None."""
        shift_s = sample.at.wall_s - self._last.at.wall_s - (sample.at.boottime_s - self._last.at.boottime_s)
        if abs(shift_s) > states.STEP_TOLERANCE_S:
            self._first, self._last = _shifted(self._first, shift_s), _shifted(self._last, shift_s)
            self._pieces = [_moved(piece, shift_s) for piece in self._pieces]
        self._pieces.extend(stretches(self._last, sample, states.states_between(self._last.at, sample.at)))
        del self._pieces[:-MOST_PIECES]
        self._last = sample
        waited_s = sample.at.boottime_s - self._first.at.boottime_s
        is_right = not is_wrong_clock(sample.at, None if self._before is None else self._before.at)
        given_up = waited_s > PATIENCE_S and sample.at.wall_s >= EARLIEST_S
        return [*self._begin(), *self._pieces] if is_right or given_up else None

    def _begin(self) -> list[Stretch]:
        """What lies between the last sample of a right clock and the first of the wrong one."""
        if self._before is None:
            return []
        interval = states.states_between(self._before.at, self._first.at, self._watched)
        return stretches(self._before, self._first, interval)


def _shifted(sample: Sample, shift_s: float) -> Sample:
    return sample._replace(at=sample.at._replace(wall_s=sample.at.wall_s + shift_s))


def _moved(piece: Stretch, shift_s: float) -> Stretch:
    return piece._replace(start_s=piece.start_s + shift_s, end_s=piece.end_s + shift_s)

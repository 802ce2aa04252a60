"""Turn samples into slots and gaps, and write them to the spool."""

from __future__ import annotations

import os
import sqlite3

from ..base.console import print_warning
from ..machine import self_cost
from ..machine.clock import Clock, Instant
from . import states
from .sampling import Sampler
from .slot import Sample, slot_start, stretches
from .spool import Spool
from .timeline import ClosedRecords, Timeline
from .wrong_clock import WrongClockBuffer, is_wrong_clock

KEPT_IN_MEMORY = 96


class Recorder:
    """Turns samples into slots and gaps of the spool. Knows nothing of processes and uploads."""

    def __init__(self, clock: Clock, sampler: Sampler, spool: Spool) -> None:
        self._clock = clock
        self._sampler = sampler
        self._spool = spool
        self._unwritten = ClosedRecords([], [])
        self._last: Sample | None = None
        self._hold: WrongClockBuffer | None = None
        self._complained = False
        self._timeline = self._resumed()

    def _resumed(self) -> Timeline:
        """Take up where the last process stopped: its open slot, and what happened since."""
        heartbeat = self._spool.get("heartbeat")
        now = self._clock.now()
        if heartbeat is None:
            return Timeline()
        before = Instant(*heartbeat)
        timeline = Timeline(self._spool.slot(slot_start(before.wall_s)))
        self._spool.close_others(slot_start(before.wall_s))
        self._last = Sample(before, {}, [])
        self._take(timeline, Sample(now, {}, []), watched=False)
        return timeline

    @property
    def on_battery(self) -> bool:
        """Whether the latest sample says that a battery feeds the machine."""
        return self._last is not None and any(c.scope == "battery" for c in self._last.counters)

    def sample(self) -> None:
        """Take one sample; write to the spool when a slot closed."""
        self._take(self._timeline, self._sampler.sample(self._clock.now()), watched=True)

    def _take(self, timeline: Timeline, sample: Sample, watched: bool) -> None:
        before, self._last = self._last, sample
        if self._hold is None and is_wrong_clock(sample.at, None if before is None else before.at):
            self._hold = WrongClockBuffer(before, sample, watched)
        elif self._hold is not None:
            held = self._hold.add(sample)
            if held is not None:
                self._hold = None
                self._keep(timeline, timeline.add(held))
        elif before is not None:
            interval = states.states_between(before.at, sample.at, watched)
            timeline.fill(sample.late)
            self._keep(timeline, timeline.add(stretches(before, sample, interval), interval.stepped))

    def _keep(self, timeline: Timeline, closed: ClosedRecords) -> None:
        self._unwritten.slots.extend(closed.slots)
        self._unwritten.gaps.extend(closed.gaps)
        if closed.slots or closed.gaps:
            self._write(timeline)

    def write(self) -> None:
        """Write the open slot and the heartbeat, so that nothing is lost should the process end now."""
        self._write(self._timeline)

    def _write(self, timeline: Timeline) -> None:
        if self._hold is not None:
            return
        at = self._last.at if self._last is not None else self._clock.now()
        try:
            self._spool.put(*self._unwritten, timeline.open_slot(), at.wall_s)
            self._spool.remember(
                heartbeat=at,
                cost=[self_cost.cpu_s(), self_cost.peak_rss_mib(), os.getpid()],
                doubts=self._last.doubts if self._last is not None else (),
            )
            self._unwritten = ClosedRecords([], [])
            self._complained = False
        except (sqlite3.Error, OSError) as error:
            if type(error) is sqlite3.DatabaseError:
                begin_anew(self._spool, error)
            del self._unwritten.slots[:-KEPT_IN_MEMORY]
            if not self._complained:
                print_warning(
                    f"cannot write {self._spool.path}: {error}; free disk space or give the agent "
                    "access to the folder"
                )
            self._complained = True


def begin_anew(spool: Spool, why: object) -> None:
    """Put a damaged spool beside and go on with an empty one; what is in memory goes there."""
    try:
        spool.begin_anew()
        print_warning(
            f"{spool.path} is damaged ({why}); it was renamed to .damaged and a new one was created"
        )
    except (sqlite3.Error, OSError) as error:
        print_warning(f"cannot rename the damaged {spool.path}: {error}; remove it")

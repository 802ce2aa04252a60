"""The resident: samples, keeps the current slot, starts the courier when an upload is due.

It is what stays in memory, so it loads psutil, json, sqlite3 and this package's light modules, nothing
else; a test lists what it loaded. Its only argument is the settings as JSON, made by `parcimetre-agent run`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from typing import Any

from . import launch, schedule, states
from .base.console import print_warning
from .hold import Hold, is_wrong
from .machine import self_cost
from .machine.clock import Clock, Instant
from .machine.lock import lock
from .machine.waiting import CHILD, STOP, take_signals, wait
from .sampling import Sampler
from .slot import Sample, pieces, slot_start
from .spool import Spool
from .timeline import Closed, Timeline

COURIER_LIMIT_S = 300.0
KEPT_IN_MEMORY = 96
SENT, TRY_LATER, DAMAGED = 0, 1, 3


class Recorder:
    """Samples become slots and gaps in the spool. Knows nothing of processes and uploads."""

    def __init__(self, clock: Clock, sampler: Sampler, spool: Spool) -> None:
        self._clock = clock
        self._sampler = sampler
        self._spool = spool
        self._unwritten = Closed([], [])
        self._last: Sample | None = None
        self._hold: Hold | None = None
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
        if self._hold is None and is_wrong(sample.at, None if before is None else before.at):
            self._hold = Hold(before, sample, watched)
        elif self._hold is not None:
            held = self._hold.add(sample)
            if held is not None:
                self._hold = None
                self._keep(timeline, timeline.add(held))
        elif before is not None:
            interval = states.between(before.at, sample.at, watched)
            timeline.fill(sample.late)
            self._keep(timeline, timeline.add(pieces(before, sample, interval), interval.stepped))

    def _keep(self, timeline: Timeline, closed: Closed) -> None:
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
            self._unwritten = Closed([], [])
            self._complained = False
        except (sqlite3.Error, OSError) as error:
            if type(error) is sqlite3.DatabaseError:
                begin_anew(self._spool, error)
            del self._unwritten.slots[:-KEPT_IN_MEMORY]
            if not self._complained:
                print_warning(
                    f"cannot write {self._spool.path}: {error}; make room or give the folder to the agent"
                )
            self._complained = True


class Uploads:
    """Starts the courier when due and reads its exit code; boot time counts, so that sleep does not delay."""

    def __init__(self, clock: Clock, spool: Spool, settings: dict[str, Any], settings_json: str) -> None:
        self._clock = clock
        self._spool = spool
        self._settings = settings
        self._settings_json = settings_json
        self._child: launch.Child | None = None
        self._started_s = 0.0
        self._failures = 0
        self._last_boottime_s = clock.now().boottime_s
        now = clock.now()
        self._due_s = now.boottime_s + schedule.first_delay_s(
            now.wall_s, self._device_id(), self._period_s(), spool.get("last_sent"), schedule.draw
        )

    def wait_s(self) -> float:
        """Seconds until something is due here; a running courier is announced by its end."""
        return max(0.0, self._due_s - self._clock.now().boottime_s)

    def due(self) -> bool:
        """Whether a courier should start now. After a sleep that passed the hour, a little later."""
        now_s = self._clock.now().boottime_s
        slept = now_s - self._last_boottime_s > 2 * states.LONGEST_SAMPLE_GAP_S
        self._last_boottime_s = now_s
        if slept and now_s >= self._due_s:
            self._due_s = now_s + schedule.draw(0.0, schedule.WAKE_SPREAD_S)
        return self._child is None and now_s >= self._due_s

    def start(self) -> None:
        """Start the courier."""
        self._started_s = self._clock.now().boottime_s
        self._due_s = self._started_s + COURIER_LIMIT_S
        self._child = launch.start(self._settings_json)

    def check(self) -> None:
        """Note a courier that ended, end one that hangs, and set the next date."""
        if self._child is None:
            return
        code = self._child.poll()
        now = self._clock.now()
        if code is None:
            if now.boottime_s - self._started_s < COURIER_LIMIT_S:
                return
            self._child.kill()
            code = TRY_LATER
        self._child = None
        if code == DAMAGED:
            begin_anew(self._spool, "the courier could not read it")
        if code == SENT:
            self._failures = 0
            delay_s = schedule.regular_delay_s(now.wall_s, self._device_id(), self._period_s(), schedule.draw)
        else:
            self._failures += 1
            failures = self._failures if code in (TRY_LATER, DAMAGED) else 20
            delay_s = schedule.backoff_s(failures, self._spool.get("retry_after_s") or 0.0, schedule.draw)
        self._due_s = now.boottime_s + delay_s

    def stop(self) -> None:
        """End a running courier; what it had not heard acknowledged stays in the spool."""
        if self._child is not None:
            self._child.kill()

    def _period_s(self) -> float:
        if self._settings["upload_period_s"] is not None:
            return float(self._settings["upload_period_s"])
        return float(self._spool.get("upload_period_s") or 3600)

    def _device_id(self) -> str:
        return str(self._spool.get("device_id") or "")


def begin_anew(spool: Spool, why: object) -> None:
    """Put a damaged spool beside and go on with an empty one; what is in memory goes there."""
    try:
        spool.begin_anew()
        print_warning(f"{spool.path} is damaged ({why}) and was put beside as .damaged; a new one is begun")
    except (sqlite3.Error, OSError) as error:
        print_warning(f"cannot put the damaged {spool.path} beside: {error}; remove it")


def run(settings_json: str) -> int:
    """Sample until asked to stop. Returns the exit code."""
    settings = json.loads(settings_json)
    if not lock(settings["data_dir"]):
        print_warning(
            f"another agent measures into {settings['data_dir']}; stop it, or give another --data-dir"
        )
        return 2
    take_signals()
    clock, spool, sampler = Clock(), Spool(settings["data_dir"]), Sampler()
    recorder = Recorder(clock, sampler, spool)
    uploads = Uploads(clock, spool, settings, settings_json)
    recorder.sample()
    while True:
        which = "sample_period_on_battery_s" if recorder.on_battery else "sample_period_s"
        period_s = float(settings[which])
        to_sample_s = period_s - clock.now().wall_s % period_s
        event = wait(min(to_sample_s, uploads.wait_s()))
        uploads.check()
        if event == CHILD:
            continue
        recorder.sample()
        if event == STOP:
            break
        if uploads.due():
            recorder.write()
            with contextlib.suppress(sqlite3.Error, OSError):
                spool.remember(power=sampler.power_states())
            uploads.start()
    recorder.write()
    uploads.stop()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))

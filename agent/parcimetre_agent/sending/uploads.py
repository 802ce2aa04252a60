"""Start the courier when an upload is due, and read its exit code."""

from __future__ import annotations

from typing import Any

from ..machine.clock import Clock
from ..recording import states
from ..recording.recorder import begin_anew
from ..recording.spool import Spool
from . import courier_process, schedule

COURIER_LIMIT_S = 300.0
SENT, TRY_LATER, DAMAGED = 0, 1, 3


class Uploads:
    """Starts the courier when due and reads its exit code; boot time counts, so that sleep does not delay."""

    def __init__(self, clock: Clock, spool: Spool, settings: dict[str, Any], settings_json: str) -> None:
        self._clock = clock
        self._spool = spool
        self._settings = settings
        self._settings_json = settings_json
        self._child: courier_process.Child | None = None
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
        self._child = courier_process.start(self._settings_json)

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
        stated_s = schedule.within_period_bounds(self._spool.get("upload_period_s"))
        return float(stated_s or schedule.REGULAR_S)

    def _device_id(self) -> str:
        return str(self._spool.get("device_id") or "")

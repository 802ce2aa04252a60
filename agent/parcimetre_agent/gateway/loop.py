"""What stays of a gateway: starts a round every quarter hour and a delivery when one is due, each in a child.

It loads nothing that a round needs, so that little memory is held in between.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from types import FrameType

from ..machine.clock import Clock
from ..machine.lock import lock

SLOT_S = 900
LATE_S = 5.0
UPLOAD_S = 3600
CHILD_LIMIT_S = 800


def run(settings_json: str, file: str, folder: str) -> int:
    """Work until stopped; `folder` is held by this one. Returns the exit code."""
    if not lock(folder):
        sys.stderr.write(
            f"parcimetre-agent: another gateway uses {folder}; stop it, or give another --data-dir\n"
        )
        return 2
    signal.signal(signal.SIGTERM, _stop)
    clock, sent_s = Clock(), 0.0
    period_s = json.loads(settings_json)["upload_period_s"] or UPLOAD_S
    while True:
        _child("poll", settings_json, file)
        if clock.now().wall_s - sent_s >= period_s - LATE_S:
            _child("deliver", settings_json, file)
            sent_s = clock.now().wall_s
        clock.wait(SLOT_S - clock.now().wall_s % SLOT_S + LATE_S)


def _child(which: str, settings_json: str, file: str) -> None:
    """Let a child do it; one that hangs is ended, and the next quarter hour tries again."""
    command = [sys.executable, "-m", "parcimetre_agent.gateway.work", which, settings_json, file]
    try:
        subprocess.run(command, timeout=CHILD_LIMIT_S, check=False, stdin=subprocess.DEVNULL, cwd=os.sep)
    except subprocess.TimeoutExpired:
        sys.stderr.write(
            f"parcimetre-agent gateway: {which} took more than {CHILD_LIMIT_S} s and was stopped\n"
        )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))

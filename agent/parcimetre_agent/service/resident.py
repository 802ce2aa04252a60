"""The resident: samples, keeps the current slot, starts the courier when an upload is due.

It is what stays in memory, so it loads psutil, json, sqlite3 and this package's light modules, nothing
else; a test lists what it loaded. Its only argument is the settings as JSON, made by `parcimetre-agent run`.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys

from ..base.console import print_warning
from ..machine.clock import Clock
from ..machine.lock import lock
from ..machine.waiting import CHILD, STOP, block_signals, wait
from ..recording.recorder import Recorder
from ..recording.sampling import Sampler
from ..recording.spool import Spool
from ..sending.uploads import Uploads


def run(settings_json: str) -> int:
    """Sample until asked to stop. Returns the exit code."""
    settings = json.loads(settings_json)
    if not lock(settings["data_dir"]):
        print_warning(f"another agent uses {settings['data_dir']}; stop it, or give another --data-dir")
        return 2
    block_signals()
    sys.path_importer_cache.clear()  # names of all files in the import folders: memory for what comes now
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

"""What the weekly report of a fleet takes: of the whole and of each org unit, in all formats.

The fleet of bench/query.py, its store opened anew: nothing was computed before. The reports are those that
Monday's job publishes for a recipient in every org unit, each rendered in every format. Processor seconds.
"""

from __future__ import annotations

import os
import resource
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from parcimetre_server.access.context import Context
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.periods import week_of, weeks_later
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.fleet.devices import devices
from parcimetre_server.reports import schedules
from parcimetre_server.reports.formats import FORMATS, render_all
from parcimetre_server.reports.publishing import publish
from parcimetre_server.reports.stored import Publication
from query import kept_fleet

AIM_S, AIM_MIB = 20.0, 500.0


def main() -> int:
    """Build, measure, print, and fail when an aim is missed."""
    with kept_fleet(__doc__) as (folder, _):
        return measured(open_context(Settings(folder, organisation="bench")))


def measured(context: Context) -> int:
    """Publish, render, print."""
    week = weeks_later(week_of(context.now(), context.zone), -1, context.zone)
    start = time.process_time()
    known = devices(context.store)
    told("the fleet is read", start)
    read_s = time.process_time() - start
    for unit in sorted({device.org_unit for device in known.values()}):
        schedules.add(context.store, 0, unit, "mail", "it@example.org", "fr", FORMATS, "admin")
    begin = time.process_time()
    made = publish(context, week)
    told(f"{len(made)} reports are computed", begin)
    size = rendered(context, made)
    taken_s = read_s + time.process_time() - begin
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    held = taken_s <= AIM_S and peak_mib <= AIM_MIB
    print(f"all of it: {taken_s:.1f} s (aim {AIM_S:g}), {peak_mib:.0f} MiB (aim {AIM_MIB:g}), "
          f"{size / 2**20:.1f} MiB of files: {'held' if held else 'MISSED'}")  # fmt: skip
    context.store.close()
    return 0 if held else 1


def rendered(context: Context, made: list[Publication]) -> int:
    """Render every report in every format; bytes of all files."""
    size = 0
    for wanted in FORMATS:
        start = time.process_time()
        for one in made:
            size += sum(len(file.content) for file in render_all(one.report, context, "fr", [wanted]))
        told(f"all of them as {wanted}", start)
    return size


def told(what: str, start: float) -> None:
    """Print the seconds since a start."""
    print(f"{what}: {time.process_time() - start:.2f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""What a question about a fleet's week takes, beside numpy multiplying and adding as many slots.

The simulated fleet's week is written into an embedded store of its own: MODELS devices through the store
itself, the rest with copies of their days and an inventory of their own. Each question is asked once when the
store is open and nothing has been computed, then ROUNDS times again. Times are processor seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import httpx
import numpy as np
from parcimetre_agent.report import SLOT_S, Gap, Slot
from parcimetre_factors.criteria import Criterion
from parcimetre_server.access.context import Context
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.periods import DAY_S, Span, week_of, week_span, weeks_later
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.demo.fleet import DemoDevice, fleet
from parcimetre_server.demo.records import activity
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.ingest.plausibility import expand
from parcimetre_server.reports.html import html
from parcimetre_server.reports.weekly import weekly_report
from parcimetre_server.store.embedded.files import FILE
from parcimetre_server.store.embedded.packing import DEVICE_BITS
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch
from parcimetre_server.web.app import build

SIZE, MODELS, SEED, ROUNDS, AT_ONCE = 15_000, 1_500, 1, 3, 100
AIM_WEEK_S, AIM_PAGE_S, AIM_REPORT_S, AIM_MIB = 1.0, 0.2, 20.0, 500.0
COPY = f"""
    INSERT INTO sealed_day
    SELECT id + ?1, first_slot, last_slot, covered_s, records, means, channels, counted, version
    FROM sealed_day WHERE (id & ((1 << {DEVICE_BITS}) - 1)) BETWEEN 1 AND ?2
"""
COPIED = "INSERT INTO device_number SELECT ?1, ?2, first_slot, last_slot FROM device_number WHERE number = ?3"


def main() -> int:
    """Build, measure, print, and fail when an aim is missed."""
    with kept_fleet(__doc__) as (folder, size):
        return measured(folder, size)


@contextmanager
def kept_fleet(about: str | None) -> Iterator[tuple[Path, int]]:
    """The folder and size of the fleet that the command line asks for, written where it is not there."""
    asked = argparse.ArgumentParser(description=about)
    asked.add_argument("--devices", type=int, default=SIZE)
    asked.add_argument("--keep", type=Path, help="folder of the store; one that is there is used again")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = options.keep or Path(scratch)
        if not (folder / FILE).exists():
            write_fleet(folder, options.devices)
        yield folder, options.devices


def measured(folder: Path, size: int) -> int:
    """Ask and print."""
    settings = Settings(folder)
    context = open_context(settings)
    week = weeks_later(week_of(context.now(), context.zone), -1, context.zone)
    span = week_span(week, context.zone)
    limit_s = multiply_s(size * (span.last - span.first) // SLOT_S)
    print(f"numpy's multiply and add of {size} devices' week: {limit_s:.3f} s")
    held = [
        told("the week by org unit", lambda: by_org_unit(context, span), limit_s, AIM_WEEK_S),
        told("the overview", page(context), limit_s, AIM_PAGE_S),
        told("the weekly report", lambda: report(context, week), limit_s, AIM_REPORT_S),
    ]
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of all of it: {peak_mib:.0f} MiB (aim {AIM_MIB:g})")
    context.store.close()
    sys.stdout.flush()
    return 0 if all(held) else 1


def told(what: str, ask: Callable[[], object], limit_s: float, aim_s: float) -> bool:
    """Print what a question takes the first time and again; say whether the aim is held again."""
    first, *again = [seconds(ask) for _ in range(1 + ROUNDS)]
    median = statistics.median(again)
    verdict = "held" if median <= aim_s else "MISSED"
    print(f"{what}: first {first:.2f} s, again {median:.3f} s, ratio {first / limit_s:.1f} and "
          f"{median / limit_s:.2f}; aim {aim_s:g} s: {verdict}")  # fmt: skip
    return median <= aim_s


def seconds(ask: Callable[[], object]) -> float:
    """Processor seconds that an answer takes: other work of the machine does not count."""
    start = time.process_time()
    ask()
    return time.process_time() - start


def by_org_unit(context: Context, span: Span) -> None:
    """The question of the API and of the command."""
    assert footprint_rows(context, FootprintQuery(span, Criterion.GWP), "org_unit")


def page(context: Context) -> Callable[[], object]:
    """The overview, by the real app."""
    app = build(context)

    async def ask() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
            (await client.get("/", timeout=600)).raise_for_status()

    return lambda: asyncio.run(ask())


def report(context: Context, week: str) -> None:
    """The report in both languages."""
    made = weekly_report(context, week)
    for language in ("fr", "en"):
        html(made, context, language)


def multiply_s(slots: int) -> float:
    """Seconds to multiply 13 columns of so many slots with watts and the sum with intensities."""
    n = 96 * 28
    columns, weights = np.random.default_rng(1).random((n, 13)), np.random.default_rng(2).random(13)
    intensities = np.random.default_rng(3).random(n)
    start = time.process_time()
    for _ in range(-(-slots // n)):
        (columns @ weights) @ intensities
    return time.process_time() - start


def write_fleet(folder: Path, size: int) -> None:
    """A fleet with its past week, its slots sealed."""
    context = open_context(Settings(folder, organisation="bench"), create=True)
    zone, now = context.zone, context.now()
    span = week_span(weeks_later(week_of(now, zone), -1, zone), zone)
    known = list(fleet(size, SEED))
    for at in range(0, size, AT_ONCE):
        some = known[at : at + AT_ONCE]
        written = [arrival(device, span, device.index < MODELS) for device in some]
        context.store.write(written)
    context.store.append(
        [Fact("site", site, span.first, {"zone": "FR"}) for site in {device.site for device in known}]
    )
    context.store.tidy(span.last + 2 * DAY_S)
    context.store.close()
    copy_days(folder / FILE, known)


def arrival(device: DemoDevice, span: Span, with_slots: bool) -> WriteBatch:
    """A device's facts, and its week of slots."""
    body = {
        "category": device.category, "org_unit": device.org_unit, "site": device.site,
        "hostname": device.hostname, "simulated": True, "virtual": device.model.virtual,
        "enrolled_at": span.first, "agent_version": "bench",
    }  # fmt: skip
    facts = [
        Fact("device", device.install_id, span.first, body),
        Fact("inventory", device.install_id, span.first, asdict(device.inventory(span.first))),
    ]
    slots = list(recorded(device, span)) if with_slots else []
    return WriteBatch(DeviceId(device.install_id), slots, facts)


def recorded(device: DemoDevice, span: Span) -> Iterator[Slot]:
    """Every slot of the span, those off and asleep as well."""
    for record in activity(device, span.first, span.last):
        if isinstance(record, Gap):
            yield from expand(record)
        else:
            yield record


def copy_days(file: Path, known: list[DemoDevice]) -> None:
    """Give the devices beyond the first MODELS the days of those."""
    db = sqlite3.connect(file)
    with db:
        for first in range(MODELS, len(known), MODELS):
            some = known[first : first + MODELS]
            db.executemany(
                COPIED, ((first + i, device.install_id, i) for i, device in enumerate(some, start=1))
            )
            db.execute(COPY, (first, len(some)))
    db.close()


if __name__ == "__main__":
    sys.exit(main())

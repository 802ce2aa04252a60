"""What rolling up saves of the disk, and by how much it moves figures, on the simulated fleet and RTE's mix.

Three days of quarter hours as RTE publishes them are asked for by device, as they were recorded, by hours,
then by days. Sizes are those of packed rows, with the key and the other columns of their table.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from parcimetre_agent.report import Gap, Slot
from parcimetre_factors.criteria import Criterion
from parcimetre_server.access.context import Context
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.periods import DAY_S, OLDEST_RECORD_S, Span
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.demo.fleet import DemoDevice, fleet
from parcimetre_server.demo.records import activity
from parcimetre_server.fleet.retention import roll_rules
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery, FootprintRow
from parcimetre_server.grid.feeds import parse_feed
from parcimetre_server.grid.observations import store_observations
from parcimetre_server.ingest.plausibility import expand
from parcimetre_server.store.embedded.files import FILE
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

MIX = Path(__file__).parents[1] / "tests/data/grid/eco2mix.csv"
FIRST = 1_696_118_400  # 2023-10-01, the first day of the file
SPAN = Span(FIRST, FIRST + 3 * DAY_S)
SIZE, SEED, AT_ONCE = 1_000, 1, 100
BYTES = """
    SELECT count(*), sum(length(records) + length(means) + ifnull(length(channels) + length(counted), 0) + 24)
"""


def main() -> int:
    """Build, ask, roll up, ask again, and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--devices", type=int, default=SIZE)
    size = asked.parse_args().devices
    with tempfile.TemporaryDirectory() as folder:
        context = open_context(Settings(Path(folder)), create=True)
        write_fleet(context, list(fleet(size, SEED)))
        before = rows(context)
        print(f"by quarter hour: {bytes_of(folder, 'sealed_day'):.0f} bytes a day of a device")
        rules = roll_rules(SPAN.last + 2 * OLDEST_RECORD_S, context.zone)
        for hours, name, table in ((1, "hour", "hourly_day"), (24, "day", "whole_day")):
            start = time.process_time()
            count = context.store.roll_up(SPAN.last // DAY_S, 1 if hours == 1 else 24, rules=rules)
            each_us = (time.process_time() - start) / count * 1e6
            print(
                f"by {name}: {bytes_of(folder, table):.0f} bytes a day of a device, made in {each_us:.0f} us"
            )
            compare(before, rows(context))
        context.store.close()
    return 0


def write_fleet(context: Context, devices: Sequence[DemoDevice]) -> None:
    """Devices with three days of records, and the mix of these days."""
    context.store.append(
        [Fact("site", site, FIRST, {"zone": "FR"}) for site in {one.site for one in devices}]
    )
    for at in range(0, len(devices), AT_ONCE):
        context.store.write([arrival(one) for one in devices[at : at + AT_ONCE]])
    store_observations(context.store, "FR", parse_feed(MIX.read_text(), "FR"), SPAN.last)
    context.store.tidy(SPAN.last + 2 * DAY_S)


def arrival(device: DemoDevice) -> WriteBatch:
    """A device's facts and its records."""
    body = {
        "category": device.category, "org_unit": device.org_unit, "site": device.site, "hostname": None,
        "simulated": True, "virtual": device.model.virtual, "enrolled_at": FIRST, "agent_version": "bench",
    }  # fmt: skip
    facts = [
        Fact("device", device.install_id, FIRST, body),
        Fact("inventory", device.install_id, FIRST, asdict(device.inventory(FIRST))),
    ]
    return WriteBatch(DeviceId(device.install_id), list(recorded(device)), facts)


def recorded(device: DemoDevice) -> Iterator[Slot]:
    """Every slot, those off and asleep as well."""
    for record in activity(device, SPAN.first, SPAN.last):
        if isinstance(record, Gap):
            yield from expand(record)
        else:
            yield record


def rows(context: Context) -> dict[str, FootprintRow]:
    """The use of electricity over the three days by device and for all."""
    found = footprint_rows(context, FootprintQuery(SPAN, Criterion.GWP), "device")
    whole = next(
        row
        for row in footprint_rows(context, FootprintQuery(SPAN, Criterion.GWP), "stage")
        if row.group == "use"
    )
    return {row.group: row for row in found} | {"": whole}


def bytes_of(folder: str, table: str) -> float:
    """Mean bytes of a row."""
    with sqlite3.connect(Path(folder) / FILE) as db:
        count, size = db.execute(f"{BYTES} FROM {table}").fetchone()
    return float(size) / float(count)


def compare(before: dict[str, FootprintRow], after: dict[str, FootprintRow]) -> None:
    """Print how far the whole and single devices move."""
    for name in ("energy_kwh", "value"):
        moved = {key: change(getattr(row, name), getattr(after[key], name)) for key, row in before.items()}
        whole, single = moved.pop(""), sorted(map(abs, moved.values()))
        print(
            f"  {name}: all {whole:+.4%}; a device {statistics.median(single):.3%} (median), "
            f"{single[int(len(single) * 0.95)]:.3%} (95 of 100), {single[-1]:.3%} (most)"
        )


def change(before: float | None, after: float | None) -> float:
    """Relative change; 0 where nothing was used."""
    return after / before - 1 if before and after else 0.0


if __name__ == "__main__":
    sys.exit(main())

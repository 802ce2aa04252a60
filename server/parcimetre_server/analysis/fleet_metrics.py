"""The fleet as gauges: devices, and the footprint of the last full day, by org unit.

No device is named. They are computed when they are asked for, and kept for some minutes.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.exposition import Metric, Sample, gauge
from ..base.org_path import within
from ..base.periods import DAY_S, Span, since_midnight
from ..fleet.devices import devices
from ..footprint.compute import compute_footprint
from ..footprint.query import FootprintQuery, FootprintRow
from ..organisation import merges
from ..store.interface import RolledUp

if TYPE_CHECKING:
    from ..access.context import Context

SILENT_S = DAY_S
KEPT_S = 300
J_PER_KWH = 3_600_000


@dataclass(frozen=True)
class Fleet:
    """What the store says at some time: devices in service and silent by org unit, and the last full day."""

    in_service: Counter[str]
    silent: Counter[str]
    day: Span
    rows: tuple[FootprintRow, ...]
    dead_letters: int
    rolled_up: RolledUp


class FleetMetrics:
    """Computes them at most every KEPT_S seconds, once for all who ask meanwhile."""

    def __init__(self, context: Context) -> None:
        """Nothing is computed yet."""
        self._context, self._lock = context, threading.Lock()
        self._found: Fleet | None = None
        self._found_at = 0.0

    def metrics(self, org_unit: str | None = None) -> Iterator[Metric]:
        """Families of an org unit and all below it, or of the whole fleet."""
        with self._lock:
            if self._found is None or time.monotonic() - self._found_at > KEPT_S:
                self._found, self._found_at = fleet(self._context), time.monotonic()
            found = self._found
        yield from _devices(found, org_unit)
        yield from _last_day(found, org_unit)
        if org_unit is None:
            yield gauge("parcimetre_dead_letters", "Stored dead letters.", found.dead_letters)
            yield _rolled_up(found.rolled_up)


def fleet(context: Context) -> Fleet:
    """The fleet as the store has it now."""
    now, store = context.now(), context.store
    serving = [device for device in devices(store).values() if device.retired_at is None]
    spans = merges.spans(store)
    quiet = [
        device.org_unit
        for device in serving
        if not device.drivers
        and (spans[device.id][1] if device.id in spans else device.enrolled_at) < now - SILENT_S
    ]
    first = since_midnight(now, context.zone, 2).first
    day = Span(first, since_midnight(now, context.zone).first)
    return Fleet(
        Counter(device.org_unit for device in serving),
        Counter(quiet),
        day,
        tuple(compute_footprint(context, FootprintQuery(day)).rows("org_unit")),
        len(store.history("dead_letter")),
        store.rolled_up(),
    )


def _shown(units: Iterable[str], org_unit: str | None) -> list[str]:
    return sorted(unit for unit in units if org_unit is None or within(unit, org_unit))


def _devices(found: Fleet, org_unit: str | None) -> Iterator[Metric]:
    shown = _shown(found.in_service, org_unit)
    for name, told, counted in (
        ("parcimetre_devices", "Devices in service.", found.in_service),
        ("parcimetre_devices_silent", "Devices in service without a slot for 24 hours.", found.silent),
    ):
        yield Metric(name, "gauge", told, [("", {"org_unit": unit}, counted[unit]) for unit in shown])


def _rolled_up(found: RolledUp) -> Metric:
    return Metric(
        "parcimetre_rolled_up_before_timestamp_seconds", "gauge",
        ("Time before which hourly or daily totals are stored instead of quarter hours; 0 if there "
        "are none."),
        [
            ("", {"kept": "hours"}, found.hours_before * DAY_S),
            ("", {"kept": "days"}, found.days_before * DAY_S),
        ],
    )  # fmt: skip


def _last_day(found: Fleet, org_unit: str | None) -> Iterator[Metric]:
    """Energy in J, footprint in kg CO2 eq with its bounds, and coverage, of the last full day."""
    yield gauge(
        "parcimetre_day_start_timestamp_seconds", "First second of the last full day.", found.day.first
    )
    rows = [row for row in found.rows if org_unit is None or within(row.group, org_unit)]

    def family(name: str, told: str, values: Iterable[tuple[FootprintRow, float | None]]) -> Metric:
        """One value of each row, by org unit."""
        samples: list[Sample] = [
            ("", {"org_unit": row.group}, value) for row, value in values if value is not None
        ]
        return Metric(f"parcimetre_day_{name}", "gauge", f"{told} of the last full day.", samples)

    yield family("energy_joules", "Electricity", ((row, row.energy_kwh * J_PER_KWH) for row in rows))
    yield family("gwp_kgco2e", "Footprint, in kg CO2 eq,", ((row, row.value) for row in rows))
    yield family(
        "gwp_low_kgco2e", "Lower end of the footprint's 95 % interval", ((row, row.low) for row in rows)
    )
    yield family(
        "gwp_high_kgco2e", "Upper end of the footprint's 95 % interval", ((row, row.high) for row in rows)
    )
    yield family(
        "coverage_ratio", "Share of the devices' time with a record,", ((row, row.coverage) for row in rows)
    )

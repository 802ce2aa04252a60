"""Fleet metrics by org unit: number of devices, and the footprint of the last full day.

They name no device. They are computed on request and cached for some minutes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.cache import Cache
from ..base.exposition import Metric, Sample, gauge
from ..base.org_path import within
from ..base.periods import DAY_S, Span, since_midnight
from ..base.units import J_PER_KWH
from ..fleet.devices import devices
from ..fleet.silence import is_silent, last_heard_at
from ..footprint.compute import compute_footprint
from ..footprint.query import FootprintQuery, FootprintRow
from ..store.interface import RolledUp

if TYPE_CHECKING:
    from ..access.context import Context

KEPT_S = 300
STALE = f"Metrics count for {KEPT_S} seconds."


@dataclass(frozen=True)
class FleetState:
    """State of a fleet: devices in service and silent by org unit, and the footprint of the last full day."""

    in_service: Counter[str]
    silent: Counter[str]
    day: Span
    rows: tuple[FootprintRow, ...]
    dead_letters: int
    rolled_up: RolledUp


class FleetMetrics:
    """Computes metrics at most every KEPT_S seconds, once for all concurrent requests."""

    def __init__(self, context: Context) -> None:
        """Start without cached metrics."""
        self._context = context
        self._cache: Cache[None, tuple[FleetState, float]] = Cache("fleet metrics", STALE, 1)

    def metrics(self, org_unit: str | None = None) -> Iterator[Metric]:
        """Return the metric families of an org unit's subtree, or of the whole fleet."""
        state, _ = self._cache.get_or_compute(
            None,
            lambda: (fleet_state(self._context), time.monotonic()),
            lambda cached: time.monotonic() - cached[1] <= KEPT_S,
        )
        yield from _devices(state, org_unit)
        yield from _last_day(state, org_unit)
        if org_unit is None:
            yield gauge("parcimetre_dead_letters", "Stored dead letters.", state.dead_letters)
            yield _rolled_up(state.rolled_up)


def fleet_state(context: Context) -> FleetState:
    """Return the present state of the fleet."""
    now, store = context.now(), context.store
    serving = [device for device in devices(store).values() if device.retired_at is None]
    heard = last_heard_at(context, serving)
    silent = Counter(
        device.org_unit for device in serving if is_silent(context, device, heard.get(device.id))
    )
    first = since_midnight(now, context.zone, 2).first
    day = Span(first, since_midnight(now, context.zone).first)
    return FleetState(
        Counter(device.org_unit for device in serving),
        silent,
        day,
        tuple(compute_footprint(context, FootprintQuery(day)).rows("org_unit")),
        len(store.history("dead_letter")),
        store.rolled_up(),
    )


def _shown(units: Iterable[str], org_unit: str | None) -> list[str]:
    return sorted(unit for unit in units if org_unit is None or within(unit, org_unit))


def _devices(state: FleetState, org_unit: str | None) -> Iterator[Metric]:
    shown = _shown(state.in_service, org_unit)
    for name, help_text, counted in (
        ("parcimetre_devices", "Devices in service.", state.in_service),
        ("parcimetre_devices_silent", "Devices in service not heard for --silent-after-hours.", state.silent),
    ):
        yield Metric(name, "gauge", help_text, [("", {"org_unit": unit}, counted[unit]) for unit in shown])


def _rolled_up(rolled_up: RolledUp) -> Metric:
    return Metric(
        "parcimetre_rolled_up_before_timestamp_seconds", "gauge",
        ("Time before which hourly or daily totals are stored instead of quarter hours; 0 if there "
        "are none."),
        [
            ("", {"kept": "hours"}, rolled_up.hours_before * DAY_S),
            ("", {"kept": "days"}, rolled_up.days_before * DAY_S),
        ],
    )  # fmt: skip


def _last_day(state: FleetState, org_unit: str | None) -> Iterator[Metric]:
    """Energy in J, footprint in kg CO2 eq with its bounds, and coverage, of the last full day."""
    yield gauge(
        "parcimetre_day_start_timestamp_seconds", "First second of the last full day.", state.day.first
    )
    rows = [row for row in state.rows if org_unit is None or within(row.group, org_unit)]

    def family(name: str, what: str, values: Iterable[tuple[FootprintRow, float | None]]) -> Metric:
        """One value of each row, by org unit."""
        samples: list[Sample] = [
            ("", {"org_unit": row.group}, value) for row, value in values if value is not None
        ]
        return Metric(f"parcimetre_day_{name}", "gauge", f"{what} of the last full day.", samples)

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

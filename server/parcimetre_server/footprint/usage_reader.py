"""Read energy use for a query, from cached daily totals where they are valid, otherwise from slots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.grid.intensity import GridSlots
from parcimetre_factors.power.power_sources import POWER_SOURCES
from parcimetre_factors.service_life.amortisation import Policy

from ..access.context import Context
from ..base.periods import DAY_S, Interval, Periods, Span, cut, next_midnight
from ..fleet.device import Device
from ..fleet.monitors import Claims, activities
from ..organisation import merges
from ..organisation.connections import ConnectionMap
from ..store.interface import Store
from ..store.records import DeviceId
from .daily_cache import DailyCache, DailyTotals, DayKey, Rows, intensity_digest, totals_of_day
from .device_footprints import Cohort, QueryContext, cohort_use, has_own_records_only
from .energy_use import Array, DeviceSlots, EnergyUse, join_slots
from .hardware_model import Errors

FEW = 16  # devices that are read sooner than all the versions of days
Versions = NDArray[np.int64]
SlotObserver = Callable[[Cohort, QueryContext, DeviceSlots], None]


def days_of(span: Span, interval: Interval, last_slot: int, zone: ZoneInfo) -> Span | None:
    """Return the days whose sum answers a query; the last one is whole if nothing is recorded after it.

    None where the query asks for less than days.
    """
    if interval in ("slot", "hour"):
        return None
    return span if last_slot >= span.last else Span(span.first, next_midnight(span.last, zone))


class UsageReader:
    """Reads what devices used, for one query over some `days` or, where there are none, over its periods.

    The observer is called with all slots of the query's span, which are read once for both.
    """

    def __init__(
        self,
        context: Context,
        query_context: QueryContext,
        span: Span,
        days: Span | None,
        ids: Collection[DeviceId],
        claims: Claims,
        connections: ConnectionMap,
        observer: SlotObserver | None = None,
        few: int = FEW,
    ) -> None:
        """Read the days' versions, and what is rolled up, before any slot: a later change makes totals stale.

        Of at most `few` devices the slots are read.
        """
        self._context, self._query_context, self._span = context, query_context, span
        self._claims, self._connections, self._observer = claims, connections, observer
        self._days: Periods | None = None
        self._digests: dict[tuple[int, int], bytes] = {}
        self._epoch = context.daily_totals.epoch
        if days is not None and len(ids) > few and query_context.policy != Policy.ACTIVE_HOUR:
            self._days = cut(days, "day", context.zone)
            self._rolled_up = context.store.rolled_up()
            self._row_of, self._versions = _versions(context.store, self._days)

    def of(self, cohort: Cohort) -> tuple[EnergyUse, DeviceSlots | None]:
        """Return what a cohort used by period, and its slots where those had to be read.

        Monitors are read from their computers' slots, since no version of a day changes with a claim. So are
        devices that were merged, that are fed by outlets or feed others, or that were assigned elsewhere for
        a part of the periods.
        """
        periods, first = self._query_context.periods, cohort.devices[0]
        if self._days is None or first.drivers or not has_own_records_only(first, periods):
            read = self._read(cohort)
            return cohort_use(cohort, self._query_context, read, periods), read
        slots = self._read(cohort) if self._observer else None
        return self._summed(self._daily_totals(cohort, self._days, slots), cohort, self._days), None

    def _read(self, cohort: Cohort) -> DeviceSlots:
        """Return all slots of the query's span, after `observer` has seen them."""
        slots = self._slots(cohort.devices, self._span)
        if self._observer:
            self._observer(cohort, self._query_context, slots)
        return slots

    def _slots(self, devices: Sequence[Device], span: Span) -> DeviceSlots:
        ids = list(dict.fromkeys(device.id for device in devices))
        found = activities(self._context.store, ids, self._claims, self._connections, span)
        return join_slots([_during(device, found.get(device.id)) for device in devices])

    def _daily_totals(self, cohort: Cohort, days: Periods, slots: DeviceSlots | None) -> list[DailyTotals]:
        """Return the totals of each day; stale ones are computed anew, from all slots if those are read."""
        cache: DailyCache = self._context.daily_totals
        versions = self._versions[[self._row_of.get(key, -1) for key in cohort.ids]]
        keys = [self._key(cohort, days, day) for day in range(len(days.names))]
        totals = [cache.get(key) for key in keys]
        rows = [
            np.full(len(cohort.ids), -1, np.intp)
            if cached is None
            else cached.rows(cohort.ids, versions[:, day])
            for day, cached in enumerate(totals)
        ]
        stale = np.array([of_day < 0 for of_day in rows])
        if stale.any():
            which, stale_days = np.flatnonzero(stale.any(axis=0)), np.flatnonzero(stale.any(axis=1))
            first, last = int(stale_days[0]), int(stale_days[-1]) + 1
            if slots is None or not stale.all():
                some = Periods(days.edges[first : last + 1], days.names[first:last])
                use = self._use_by_day(cohort, which, some)
            else:
                use = cohort_use(cohort, self._query_context, slots, days)
            stale_ids = tuple(cohort.ids[i] for i in which)
            for day in stale_days:
                newer = totals_of_day(stale_ids, versions[which, day], use, int(day) - first)
                cached = totals[day]
                whole = newer if cached is None else cached.with_newer(newer)
                totals[day], rows[day] = whole, np.array([whole.row_of[key] for key in cohort.ids], np.intp)
                cache.put(keys[day], whole, self._epoch)
        return [of_day.of(at) for of_day, at in zip(totals, rows, strict=True) if of_day is not None]

    def _use_by_day(self, cohort: Cohort, which: Rows, days: Periods) -> EnergyUse:
        """Return what some of the devices used by day, from their slots."""
        span = Span(int(days.edges[0]), int(days.edges[-1]))
        slots = self._slots([cohort.devices[i] for i in which], span)
        return cohort_use(cohort, self._query_context, slots, days)

    def _key(self, cohort: Cohort, days: Periods, day: int) -> DayKey:
        begin, end = int(days.edges[day]), int(days.edges[day + 1])
        grid = self._digest(cohort.slots, days, day)
        rolled_up = self._rolled_up.hours_before, self._rolled_up.days_before
        hourly, daily = (min(max(day * DAY_S, begin), end) for day in rolled_up)
        return DayKey(cohort.model, self._query_context.grid.criterion, begin, end, grid, hourly, daily)

    def _digest(self, slots: GridSlots | None, days: Periods, day: int) -> bytes:
        key = (id(slots), day)
        if key not in self._digests:
            first, last = ((days.edges[[day, day + 1]] - days.edges[0]) // SLOT_S).tolist()
            self._digests[key] = intensity_digest(slots, first, last)
        return self._digests[key]

    def _summed(self, totals: Sequence[DailyTotals], cohort: Cohort, days: Periods) -> EnergyUse:
        """Return the sums of daily totals by period."""
        n, p = len(cohort.devices), len(self._query_context.periods.names)
        energy_j, measured_j = np.zeros((len(POWER_SOURCES), n, p)), np.zeros((len(POWER_SOURCES), n, p))
        covered_s = np.zeros((n, p))
        by_errors: dict[Errors, Array] = {}
        tier_j: dict[str, Array] = {}
        for of_day, period in zip(totals, self._query_context.periods.index(days.edges[:-1]), strict=True):
            energy_j[:, :, period][of_day.sources] += of_day.energy_j
            measured_j[:, :, period][of_day.sources] += of_day.measured_j
            covered_s[:, period] += of_day.covered_s
            _add(by_errors, of_day.by_errors, of_day.sources, period, energy_j)
            _add(tier_j, of_day.tier_j, of_day.sources, period, energy_j)
        return EnergyUse(energy_j, measured_j, covered_s, by_errors, tier_j)


def _during(placement: Device, recorded: Activity | None) -> Activity | None:
    """Return the slots of a device during its placement; None where there are none."""
    if recorded is None or not len(recorded.start):
        return None
    if placement.since <= recorded.start[0] and recorded.start[-1] < placement.until:
        return recorded
    during = merges.between(recorded, placement.since, placement.until)
    return during if len(during.start) else None


def _add(into: dict[Any, Array], more: Mapping[Any, Array], sources: Rows, period: int, like: Array) -> None:
    for key, amount in more.items():
        if key not in into:
            into[key] = np.zeros_like(like)
        into[key][:, :, period][sources] += amount


def _versions(store: Store, days: Periods) -> tuple[dict[DeviceId, int], Versions]:
    """Return each device's row, and the seconds covered of the UTC days that each day touches (n + 1, days).

    The last row is that of devices without any record.
    """
    first, last = int(days.edges[0]) // DAY_S, (int(days.edges[-1]) - 1) // DAY_S
    coverage = store.coverage(first, last)
    versions = np.zeros((len(coverage.devices) + 1, len(days.names)), np.int64)
    for day, (begin, end) in enumerate(zip(days.edges, days.edges[1:], strict=False)):
        touched = coverage.covered_s[begin // DAY_S - first : (end - 1) // DAY_S - first + 1]
        versions[:-1, day] = touched.sum(axis=0)
    return {device: i for i, device in enumerate(coverage.devices)}, versions

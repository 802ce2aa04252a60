"""What devices used in the periods of a query: from sums of days where they hold, else from slots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
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
from .daily_cache import DailyTotals, DayKey, Rows, daily_totals, digest
from .device_footprints import Cohort, QueryContext, cohort_use, has_own_records_only
from .energy_use import Array, DeviceSlots, EnergyUse, join_slots
from .hardware_model import Errors

FEW = 16  # devices that are read sooner than all the versions of days
Versions = NDArray[np.int64]
SlotObserver = Callable[[Cohort, QueryContext, DeviceSlots], None]


def days_of(span: Span, interval: Interval, last_slot: int, zone: ZoneInfo) -> Span | None:
    """The days that a query is the sum of, whole at the end where nothing was recorded after the query's.

    None where it asks for less than days.
    """
    if interval in ("slot", "hour"):
        return None
    return span if last_slot >= span.last else Span(span.first, next_midnight(span.last, zone))


class UsageReader:
    """Reads what devices used, for one query over some `days` or, where there are none, over its periods.

    Who is to `watch` is shown all slots of the query's span, which are read once for both.
    """

    def __init__(
        self,
        context: Context,
        frame: QueryContext,
        span: Span,
        days: Span | None,
        ids: Collection[DeviceId],
        held: Claims,
        wiring: ConnectionMap,
        watch: SlotObserver | None = None,
    ) -> None:
        """Take the days' versions, and what is rolled up, before slots are read: a change makes them old."""
        self._context, self._frame, self._span = context, frame, span
        self._held, self._wiring, self._watch = held, wiring, watch
        self._days: Periods | None = None
        self._digests: dict[tuple[int, int], bytes] = {}
        if days is not None and len(ids) > FEW and frame.policy != Policy.ACTIVE_HOUR:
            self._days = cut(days, "day", context.zone)
            self._rolled_up = context.store.rolled_up()
            self._at, self._versions = _versions(context.store, self._days)

    def of(self, group: Cohort) -> tuple[EnergyUse, DeviceSlots | None]:
        """What devices that are alike used by period, and their slots where those had to be read.

        Monitors are read from their machines' slots: no version of days says when a claim changed. So are
        devices that were joined, that hang on outlets or feed others, or that belonged elsewhere for a part
        of the periods.
        """
        periods, first = self._frame.periods, group.devices[0]
        if self._days is None or first.drivers or not has_own_records_only(first, periods):
            slots = self._read(group)
            return cohort_use(group, self._frame, slots, periods), slots
        known = self._read(group) if self._watch else None
        return self._added_up(self._of_days(group, self._days, known), group, self._days), None

    def _read(self, group: Cohort) -> DeviceSlots:
        """All slots of the query's span, shown to who watches."""
        slots = self._slots(group.devices, self._span)
        if self._watch:
            self._watch(group, self._frame, slots)
        return slots

    def _slots(self, devices: Sequence[Device], span: Span) -> DeviceSlots:
        ids = list(dict.fromkeys(device.id for device in devices))
        found = activities(self._context.store, ids, self._held, self._wiring, span)
        return join_slots([_during(device, found.get(device.id)) for device in devices])

    def _of_days(self, group: Cohort, days: Periods, slots: DeviceSlots | None) -> list[DailyTotals]:
        """The sums of each day; those that no longer hold are made anew, from all slots if those are read."""
        versions = self._versions[[self._at.get(key, -1) for key in group.ids]]
        keys = [self._key(group, days, day) for day in range(len(days.names))]
        kept = [self._context.days.get(key) for key in keys]
        held = [_held(one, group.ids, versions[:, day]) for day, one in enumerate(kept)]
        old = np.array([rows < 0 for rows in held])
        if old.any():
            which, of_days = np.flatnonzero(old.any(axis=0)), np.flatnonzero(old.any(axis=1))
            first, last = int(of_days[0]), int(of_days[-1]) + 1
            if slots is None or not old.all():
                some = Periods(days.edges[first : last + 1], days.names[first:last])
                fresh = self._fresh(group, which, some)
            else:
                fresh = cohort_use(group, self._frame, slots, days)
            fresh_ids = tuple(group.ids[i] for i in which)
            for day in of_days:
                made = daily_totals(group.profile, fresh_ids, versions[which, day], fresh, int(day) - first)
                one = _merged(kept[day], made)
                kept[day], held[day] = one, np.array([one.at[key] for key in group.ids], np.intp)
                self._context.days.put(keys[day], one)
        return [_of(one, rows) for one, rows in zip(kept, held, strict=True) if one is not None]

    def _fresh(self, group: Cohort, which: Rows, days: Periods) -> EnergyUse:
        """What some of the devices used by day, from their slots."""
        span = Span(int(days.edges[0]), int(days.edges[-1]))
        slots = self._slots([group.devices[i] for i in which], span)
        return cohort_use(group, self._frame, slots, days)

    def _key(self, group: Cohort, days: Periods, day: int) -> DayKey:
        begin, end = int(days.edges[day]), int(days.edges[day + 1])
        grid = self._digest(group.slots, days, day)
        rolled_up = self._rolled_up.hours_before, self._rolled_up.days_before
        hourly, daily = (min(max(day * DAY_S, begin), end) for day in rolled_up)
        return DayKey(id(group.profile), self._frame.grid.criterion, begin, end, grid, hourly, daily)

    def _digest(self, slots: GridSlots | None, days: Periods, day: int) -> bytes:
        known = (id(slots), day)
        if known not in self._digests:
            first, last = ((days.edges[[day, day + 1]] - days.edges[0]) // SLOT_S).tolist()
            self._digests[known] = digest(slots, first, last)
        return self._digests[known]

    def _added_up(self, sums: Sequence[DailyTotals], group: Cohort, days: Periods) -> EnergyUse:
        """Days as periods."""
        n, p = len(group.devices), len(self._frame.periods.names)
        energy_j, measured_j = np.zeros((len(POWER_SOURCES), n, p)), np.zeros((len(POWER_SOURCES), n, p))
        covered_s = np.zeros((n, p))
        by_errors: dict[Errors, Array] = {}
        tier_j: dict[str, Array] = {}
        for one, period in zip(sums, self._frame.periods.index(days.edges[:-1]), strict=True):
            energy_j[:, :, period][one.rungs] += one.energy_j
            measured_j[:, :, period][one.rungs] += one.measured_j
            covered_s[:, period] += one.covered_s
            _add(by_errors, one.by_errors, one.rungs, period, energy_j)
            _add(tier_j, one.tier_j, one.rungs, period, energy_j)
        return EnergyUse(energy_j, measured_j, covered_s, by_errors, tier_j)


def _during(stay: Device, recorded: Activity | None) -> Activity | None:
    """What was recorded while a device stood somewhere; None where that is nothing."""
    if recorded is None or not len(recorded.start):
        return None
    if stay.since <= recorded.start[0] and recorded.start[-1] < stay.until:
        return recorded
    found = merges.between(recorded, stay.since, stay.until)
    return found if len(found.start) else None


def _add(into: dict[Any, Array], more: Mapping[Any, Array], rungs: Rows, period: int, like: Array) -> None:
    for key, amount in more.items():
        if key not in into:
            into[key] = np.zeros_like(like)
        into[key][:, :, period][rungs] += amount


def _versions(store: Store, days: Periods) -> tuple[dict[DeviceId, int], Versions]:
    """Seconds covered on the days of UTC that each day touches, by device (n + 1, days); the last row is of
    devices without any.
    """
    first, last = int(days.edges[0]) // DAY_S, (int(days.edges[-1]) - 1) // DAY_S
    coverage = store.coverage(first, last)
    found = np.zeros((len(coverage.devices) + 1, len(days.names)), np.int64)
    for day, (begin, end) in enumerate(zip(days.edges, days.edges[1:], strict=False)):
        touched = coverage.covered_s[begin // DAY_S - first : (end - 1) // DAY_S - first + 1]
        found[:-1, day] = touched.sum(axis=0)
    return {device: i for i, device in enumerate(coverage.devices)}, found


def _held(kept: DailyTotals | None, ids: tuple[DeviceId, ...], version: Versions) -> Rows:
    """Where the sum of each device stands among those kept (n,); -1 where it is not, or holds no more."""
    if kept is None:
        return np.full(len(ids), -1, np.intp)
    if kept.ids == ids:
        rows = np.arange(len(ids), dtype=np.intp)
    else:
        rows = np.array([kept.at.get(device, -1) for device in ids], np.intp)
    found: Rows = np.where((rows >= 0) & (kept.version[rows] == version), rows, -1)
    return found


def _of(kept: DailyTotals, rows: Rows) -> DailyTotals:
    """The sums of some devices; their ids and versions stay behind."""
    if len(rows) == len(kept.ids) and np.array_equal(rows, np.arange(len(rows))):
        return kept
    return replace(
        kept,
        energy_j=kept.energy_j[:, rows],
        measured_j=kept.measured_j[:, rows],
        covered_s=kept.covered_s[rows],
        by_errors={errors: amount[:, rows] for errors, amount in kept.by_errors.items()},
        tier_j={tier: energy_j[:, rows] for tier, energy_j in kept.tier_j.items()},
    )


def _merged(kept: DailyTotals | None, made: DailyTotals) -> DailyTotals:
    """Sums that were kept, with those made since in the place of the same devices' earlier ones."""
    if kept is None:
        return made
    ids = kept.ids + tuple(device for device in made.ids if device not in kept.at)
    at = kept.at if len(ids) == len(kept.ids) else {device: i for i, device in enumerate(ids)}
    rungs, before = np.union1d(kept.rungs, made.rungs), len(kept.ids)
    rows = np.array([at[device] for device in made.ids], np.intp)

    def both(of_kept: Array | None, of_made: Array | None) -> Array:
        """By rung and device (k, n)."""
        whole = np.zeros((len(rungs), len(ids)))
        if of_kept is not None:
            whole[np.searchsorted(rungs, kept.rungs), :before] = of_kept
        whole[:, rows] = 0.0
        if of_made is not None:
            whole[np.ix_(np.searchsorted(rungs, made.rungs), rows)] = of_made
        return whole

    covered_s, version = np.zeros(len(ids)), np.zeros(len(ids), np.int64)
    covered_s[:before], version[:before] = kept.covered_s, kept.version
    covered_s[rows], version[rows] = made.covered_s, made.version
    errors, tiers = {**kept.by_errors, **made.by_errors}, {**kept.tier_j, **made.tier_j}
    return DailyTotals(
        made.profile, ids, at, version, rungs, both(kept.energy_j, made.energy_j),
        both(kept.measured_j, made.measured_j), covered_s,
        {key: both(kept.by_errors.get(key), made.by_errors.get(key)) for key in errors},
        {key: both(kept.tier_j.get(key), made.tier_j.get(key)) for key in tiers},
    )  # fmt: skip

"""Compute footprints: the devices of a query, their energy use and their impacts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.service_life.amortisation import Policy

from ..access.context import Context
from ..access.disclosure import DisclosureControl, check_interval, shown_units
from ..access.presence import permitted_span, presence_needed
from ..base.org_path import within
from ..base.periods import DAY_S, Periods, Span, cut, whole_days
from ..base.query_cost import TURNS, Cost, check_cost, query_cost
from ..fleet.counting import counted
from ..fleet.device import Device
from ..fleet.devices import device, devices, zones_of
from ..fleet.monitors import claims, reported
from ..fleet.monitors_at_home import not_counted
from ..grid.supply_contracts import contracts, contracts_at
from ..organisation.connections import ConnectionMap
from ..store.records import DeviceId
from .contributions import GroupBy
from .device_footprints import (
    DeviceFootprints,
    QueryContext,
    cohort_footprints,
    group_into_cohorts,
    usable_footprints,
)
from .grid_intensity import Grid
from .hardware_model import hardware_models
from .query import FootprintQuery, FootprintRow
from .redaction import joined_sums, sums_of_blocks
from .result import FootprintResult
from .usage_reader import FEW, SlotObserver, UsageReader, days_of

COUNTED_GROUPS: Mapping[GroupBy, str] = {
    "org_unit": "org_unit", "site": "site", "category": "category", "device": "id",
}  # fmt: skip
"""The groupings whose groups are known before anything is computed, by the device's attribute."""
LEAST_DAYS, MOST_DAYS = 7, 62
MOST_DEVICE_DAYS = 150_000  # of single devices that are in memory at once for a viewer


def compute_footprint(
    context: Context,
    query: FootprintQuery,
    observer: SlotObserver | None = None,
    few: int = FEW,
    group_by: GroupBy | None = None,
) -> FootprintResult:
    """Return the footprint of every device of a query that ever reported; for a viewer, of sums of devices.

    The observer receives all slots of the query's span. Of at most `few` devices the slots are read rather
    than the cached daily totals. `group_by`, if rows by it will be asked for, counts in the query's cost.
    Raises NotAllowed, UnknownDevice, TooManyRows before anything is read from slots, and TooBusy.
    """
    check_cost(query_cost(query.span, query.interval))
    if context.scope.sees_devices:
        permitted = _within_presence_rules(context, query)
        return _compute(context, permitted, observer, few, group_by)
    context.scope.need("sums" if query.device is None else "devices", "the figure of a single device")
    return _compute_sums(context, query, observer, few)


def _compute_sums(
    context: Context, query: FootprintQuery, observer: SlotObserver | None, few: int
) -> FootprintResult:
    """Return the sums of blocks of a query, over whole days. Raises NotAllowed."""
    check_interval(query.interval)
    span = whole_days(query.span, context.zone, context.now())
    asked = cut(span or query.span, query.interval, context.zone)
    sums: list[DeviceFootprints] = []
    members: dict[DeviceId, Device] = {}
    served: set[DeviceId] = set()
    for days in _chunks(context, query, span) if span else ():
        by_day = _compute(context, replace(query, span=days, interval="day", org_unit=None), observer, few)
        of_unit = by_day if query.org_unit is None else by_day.within(query.org_unit)
        members |= of_unit.devices_by_id
        served |= {device.id for device in of_unit.in_service()}
        sums += _sums(context, by_day, asked)
    part = query.org_unit is not None and query.org_unit != context.scope.root
    labels = {each.org_unit for cohort in sums for each in cohort.shown_as or ()}
    if part:
        sums = [cohort for one in sums for cohort in _sums_within(one, str(query.org_unit))]
    grid = Grid(
        context, Span(query.span.first, query.span.first + SLOT_S), query.criterion, query.electricity
    )
    control = DisclosureControl(
        units=shown_units(labels),
        asked_unit=query.org_unit if part else None,
        devices=len(served) if sums else 0,
        withheld=bool(served or span is None) and not sums,
    )
    return FootprintResult(
        query.criterion, grid.electricity, asked, grid.factors,
        query.amortisation or context.settings.amortisation, tuple(joined_sums(sums)),
        disclosure=control, members=members,
    )  # fmt: skip


def _sums(context: Context, by_day: FootprintResult, asked: Periods) -> Iterator[DeviceFootprints]:
    """Yield the sums of blocks of a result by day; by location where contracts would tell devices apart."""
    if not by_day.cohorts:
        return
    held, days = contracts(context.store), by_day.periods

    def supply(device: Device) -> object:
        """Return the contracts that supply a device."""
        return contracts_at(held, device.site, device.org_unit)

    if by_day.electricity == "location":
        yield from sums_of_blocks(by_day.cohorts, asked, days, supply)
        return
    located = FootprintQuery(by_day.span, by_day.criterion, "day", amortisation=by_day.amortisation)
    by_location = _compute(context, located, None, FEW)
    yield from sums_of_blocks(by_day.cohorts, asked, days, supply, "one_supply")
    yield from sums_of_blocks(by_location.cohorts, asked, days, supply, "mixed_supply")


def _chunks(context: Context, query: FootprintQuery, span: Span) -> Iterator[Span]:
    """Yield the days of a span on which anything may be recorded, as many at once as memory allows.

    Raises TooManyRows for too many days of too many devices.
    """
    spans = context.store.spans().values()
    begun = min((first for first, _ in spans), default=span.last) - DAY_S
    days = cut(span, "day", context.zone).edges
    first = max(0, int(np.searchsorted(days, begun, side="right")) - 1)
    recorded = Span(int(days[first]), max(span.last, int(days[first]) + DAY_S))
    by_slot = (query.amortisation or context.settings.amortisation) == Policy.ACTIVE_HOUR
    check_cost(query_cost(recorded, "day", spans, by_slot=by_slot))
    step = max(LEAST_DAYS, min(MOST_DAYS, MOST_DEVICE_DAYS // max(len(spans), 1)))
    for at in range(first, len(days) - 1, step):
        yield Span(int(days[at]), int(days[min(at + step, len(days) - 1)]))


def _sums_within(cohort: DeviceFootprints, org_unit: str) -> Iterator[DeviceFootprints]:
    """Yield the sums of a cohort that are shown under an org unit or below it, if there are any."""
    rows = [i for i, each in enumerate(cohort.shown_as or ()) if within(each.org_unit, org_unit)]
    if rows:
        yield cohort.select(rows)


def _compute(
    context: Context,
    query: FootprintQuery,
    observer: SlotObserver | None,
    few: int,
    group_by: GroupBy | None = None,
) -> FootprintResult:
    """Return the footprint of every device of a query."""
    store, connections = context.store, ConnectionMap.of(context.store)
    placements, left_out = _placements_of(context, query)
    monitor_claims = claims(store, placements)
    spans = reported(store, {device.id for device in placements}, monitor_claims, connections)
    policy = query.amortisation or context.settings.amortisation
    cost = _cost_of(query, policy, [one for one in placements if one.id in spans], spans, group_by)
    check_cost(cost)
    last_slot = max((last for _, last in spans.values()), default=0)
    days = days_of(query.span, query.interval, last_slot, context.zone)
    periods = cut(query.span, query.interval, context.zone)
    grid = Grid(context, days or query.span, query.criterion, query.electricity)
    models = hardware_models(context.factors)
    query_context = QueryContext(models, grid, periods, context.now(), policy, context.zone)
    reader = UsageReader(
        context, query_context, query.span, days, spans, monitor_claims, connections, observer, few
    )
    first_slots = ((device, spans[device.id][0]) for device in placements if device.id in spans)
    cohorts = group_into_cohorts(first_slots, query_context)
    with TURNS.take(cost):
        footprints = tuple(
            usable_footprints(
                cohorts, lambda cohort: cohort_footprints(cohort, query_context, *reader.of(cohort))
            )
        )
    return FootprintResult(
        query.criterion, grid.electricity, periods, grid.factors, policy, footprints, left_out
    )


def shown_days(context: Context, query: FootprintQuery) -> FootprintQuery | None:
    """Return the query of the days that its reader may see of single devices; None where there are none."""
    if context.sees_presence or not context.scope.sees_devices:
        return query
    span = permitted_span(
        query.span, query.interval, _machines_of(context, query), context.zone, context.now()
    )
    return None if span is None else replace(query, span=span)


def _machines_of(context: Context, query: FootprintQuery) -> list[Device]:
    """The devices of a query at each placement, whether or not they are counted."""
    if query.device is not None:
        return [device(context.store, query.device)]
    placements = placements_in(devices(context.store).values(), query.span, {})
    return [one for one in placements if query.org_unit is None or within(one.org_unit, query.org_unit)]


def _within_presence_rules(context: Context, query: FootprintQuery) -> FootprintQuery:
    """Return the query of the days that its reader may see. Raises NotAllowed for less than a whole day."""
    days = shown_days(context, query)
    if days is None:
        raise presence_needed("less than a whole day of personal machines")
    return days


def _cost_of(
    query: FootprintQuery,
    policy: Policy,
    reporting: Collection[Device],
    spans: Mapping[DeviceId, tuple[int, int]],
    group_by: GroupBy | None,
) -> Cost:
    """Return the cost of a query over devices that report."""
    by_slot = query.interval in ("slot", "hour") or policy == Policy.ACTIVE_HOUR
    attribute = COUNTED_GROUPS.get(group_by) if group_by else None
    groups = len({getattr(one, attribute) for one in reporting}) if attribute else 1
    return query_cost(
        query.span, query.interval, [spans[one.id] for one in reporting], max(1, groups), by_slot
    )


def _placements_of(context: Context, query: FootprintQuery) -> tuple[list[Device], tuple[Device, ...]]:
    """The devices of a query at each placement, and the monitors among them that are not counted."""
    zones = zones_of(context.store)
    if query.device is not None:
        return placements_in([device(context.store, query.device)], query.span, zones), ()
    placements = placements_in(devices(context.store).values(), query.span, zones)
    placements = _overlapping(counted(context.store, placements), query.span)
    if query.org_unit is not None:
        placements = [one for one in placements if within(one.org_unit, query.org_unit)]
    left_out = not_counted(context, placements)
    if not left_out:
        return placements, ()
    last = {placement.id: placement for placement in placements}
    remaining = [placement for placement in placements if placement.id not in left_out]
    return remaining, tuple(last[device_id] for device_id in sorted(left_out))


def placements_in(devices: Iterable[Device], span: Span, zones: Mapping[str, str]) -> list[Device]:
    """Return devices at each placement that overlaps a span; several where a device was transferred in it."""
    placements = (placement for device in devices for placement in device.at_each_stay(zones))
    return _overlapping(placements, span)


def _overlapping(placements: Iterable[Device], span: Span) -> list[Device]:
    return [one for one in placements if one.since < span.last and span.first < one.until]


def footprint_rows(
    context: Context, query: FootprintQuery, group_by: GroupBy | None = None
) -> list[FootprintRow]:
    """Return the rows of a query's footprint by group and period."""
    return compute_footprint(context, query, group_by=group_by).checked().rows(group_by)

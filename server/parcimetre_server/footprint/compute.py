"""Compute footprints: the devices of a query, their energy use and their impacts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from parcimetre_factors.service_life.amortisation import Policy

from ..access.context import Context
from ..access.disclosure import DisclosureControl
from ..access.presence import is_personal, permitted_span, presence_needed, units_with_hours
from ..base.org_path import within
from ..base.periods import Span, cut
from ..base.query_cost import TURNS, Cost, check_cost, query_cost
from ..fleet.counting import counted
from ..fleet.device import Device
from ..fleet.devices import device, devices, zones_of
from ..fleet.monitors import claims, reported
from ..fleet.monitors_at_home import not_counted
from ..organisation.connections import ConnectionMap
from ..store.records import DeviceId
from .contributions import GroupBy
from .device_footprints import QueryContext, cohort_footprints, group_into_cohorts, usable_footprints
from .grid_intensity import Grid
from .hardware_model import hardware_models
from .query import FootprintQuery, FootprintRow
from .redaction import disclosure_control, merge_small_units
from .result import FootprintResult
from .usage_reader import FEW, SlotObserver, UsageReader, days_of

COUNTED_GROUPS: Mapping[GroupBy, str] = {
    "org_unit": "org_unit", "site": "site", "category": "category", "device": "id",
}  # fmt: skip
"""The groupings whose groups are known before anything is computed, by the device's attribute."""


def compute_footprint(
    context: Context,
    query: FootprintQuery,
    observer: SlotObserver | None = None,
    few: int = FEW,
    group_by: GroupBy | None = None,
) -> FootprintResult:
    """Return the footprint of every device of a query that ever reported.

    The observer receives all slots of the query's span. Of at most `few` devices the slots are read rather
    than the cached daily totals. `group_by`, if rows by it will be asked for, counts in the query's cost.
    Raises NotAllowed, UnknownDevice, TooManyRows before anything is read from slots, and TooBusy.
    """
    check_cost(query_cost(query.span, query.interval))
    query, groups_only = _within_presence_rules(context, query)
    store, connections = context.store, ConnectionMap.of(context.store)
    disclosure = _disclosure_control(context, query)
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
    footprints = usable_footprints(
        cohorts, lambda cohort: cohort_footprints(cohort, query_context, *reader.of(cohort))
    )
    with TURNS.take(cost):
        shown = tuple(footprints if disclosure is None else merge_small_units(footprints, disclosure))
    return FootprintResult(
        query.criterion,
        grid.electricity,
        periods,
        grid.factors,
        policy,
        shown,
        left_out,
        disclosure,
        groups_only,
    )


def shown_days(context: Context, query: FootprintQuery) -> FootprintQuery | None:
    """Return the query of the days that its reader may see of single devices; None where there are none."""
    if context.sees_presence or not context.scope.sees_devices:
        return query
    machines = _placements_of(context, query)[0]
    span = permitted_span(query.span, query.interval, machines, context.zone, context.now())
    return None if span is None else replace(query, span=span)


def _within_presence_rules(context: Context, query: FootprintQuery) -> tuple[FootprintQuery, bool]:
    """Return the query of the days that its reader may see, or the same as sums of groups only.

    Raises NotAllowed for less than a whole day of too few personal machines.
    """
    days = shown_days(context, query)
    if days is not None:
        return days, False
    scope = context.scope
    units = (
        one.org_unit for one in devices(context.store).values() if is_personal(one) and one.retired_at is None
    )
    unit = query.org_unit or scope.root or ""
    if query.device is not None or unit not in units_with_hours(filter(scope.covers, units), scope.root):
        raise presence_needed("less than a whole day of so few machines")
    return query, True


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


def _disclosure_control(context: Context, query: FootprintQuery) -> DisclosureControl | None:
    """The disclosure control of a viewer's query, None for other roles. Raises NotAllowed."""
    if context.scope.sees_devices:
        return None
    context.scope.need("sums" if query.device is None else "devices", "the figure of a single device")
    return disclosure_control(context.scope, query.org_unit, current_org_units(context))


def current_org_units(context: Context) -> list[str]:
    """Return the present org unit of each device that ever reported, one entry per device."""
    by_id, now = devices(context.store), context.now()
    reporting = dict.fromkeys((*context.store.spans(), *ConnectionMap.of(context.store).hung))
    placements = (
        placement
        for device_id in reporting
        if device_id in by_id
        for placement in by_id[device_id].at_each_stay({})
    )
    return [placement.org_unit for placement in placements if placement.since <= now < placement.until]


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
    return compute_footprint(context, query, group_by=group_by).rows(group_by)

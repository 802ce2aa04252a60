"""Compute footprints: the devices of a query, their energy use and their impacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..access.context import Context
from ..access.disclosure import DisclosureControl
from ..access.presence import is_personal, permitted_span, presence_needed, units_with_hours
from ..base.org_path import within
from ..base.periods import Span, cut
from ..fleet.device import Device
from ..fleet.devices import device, devices, zones_of
from ..fleet.monitors import claims, reported
from ..fleet.monitors_at_home import not_counted
from ..organisation.connections import ConnectionMap
from .contributions import GroupBy
from .device_footprints import QueryContext, cohort_footprints, group_into_cohorts
from .grid_intensity import Grid
from .hardware_model import hardware_models
from .query import FootprintQuery, FootprintRow
from .redaction import disclosure_control, merge_small_units
from .result import FootprintResult
from .usage_reader import FEW, SlotObserver, UsageReader, days_of


def compute_footprint(
    context: Context, query: FootprintQuery, observer: SlotObserver | None = None, few: int = FEW
) -> FootprintResult:
    """Return the footprint of every device of a query that ever reported.

    The observer receives all slots of the query's span. Of at most `few` devices the slots are read rather
    than the cached daily totals. Raises NotAllowed and UnknownDevice.
    """
    query, groups_only = _within_presence_rules(context, query)
    store, connections = context.store, ConnectionMap.of(context.store)
    disclosure = _disclosure_control(context, query)
    counted, left_out = _placements_of(context, query)
    monitor_claims = claims(store, counted)
    spans = reported(store, {device.id for device in counted}, monitor_claims, connections)
    last_slot = max((last for _, last in spans.values()), default=0)
    days = days_of(query.span, query.interval, last_slot, context.zone)
    periods = cut(query.span, query.interval, context.zone)
    grid = Grid(context, days or query.span, query.criterion, query.electricity)
    policy = query.amortisation or context.settings.amortisation
    models = hardware_models(context.factors)
    query_context = QueryContext(models, grid, periods, context.now(), policy, context.zone)
    reader = UsageReader(
        context, query_context, query.span, days, spans, monitor_claims, connections, observer, few
    )
    first_slots = ((device, spans[device.id][0]) for device in counted if device.id in spans)
    cohorts = group_into_cohorts(first_slots, query_context)
    footprints = (cohort_footprints(cohort, query_context, *reader.of(cohort)) for cohort in cohorts)
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
    if query.org_unit is not None:
        placements = [one for one in placements if within(one.org_unit, query.org_unit)]
    left_out = not_counted(context, placements)
    if not left_out:
        return placements, ()
    last = {placement.id: placement for placement in placements}
    counted = [placement for placement in placements if placement.id not in left_out]
    return counted, tuple(last[device_id] for device_id in sorted(left_out))


def placements_in(devices: Iterable[Device], span: Span, zones: Mapping[str, str]) -> list[Device]:
    """Return devices at each placement that overlaps a span; several where a device was transferred in it."""
    placements = (placement for device in devices for placement in device.at_each_stay(zones))
    return [one for one in placements if one.since < span.last and span.first < one.until]


def footprint_rows(
    context: Context, query: FootprintQuery, group_by: GroupBy | None = None
) -> list[FootprintRow]:
    """Return the rows of a query's footprint by group and period."""
    return compute_footprint(context, query).rows(group_by)

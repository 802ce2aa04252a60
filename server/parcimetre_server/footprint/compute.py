"""Compute footprints: the devices that a query asks for, their activity and their impacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..access.context import Context
from ..access.disclosure import DisclosureControl
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
from .usage_reader import SlotObserver, UsageReader, days_of


def compute_footprint(
    context: Context, query: FootprintQuery, watch: SlotObserver | None = None
) -> FootprintResult:
    """Figures of every device that the query asks for and that ever reported.

    All slots of its span are shown to who is to `watch`.
    """
    store, wiring = context.store, ConnectionMap.of(context.store)
    guard = _disclosure_control(context, query)
    asked, left_out = _devices_of(context, query)
    held = claims(store, asked)
    spans = reported(store, {stay.id for stay in asked}, held, wiring)
    last_slot = max((last for _, last in spans.values()), default=0)
    days = days_of(query.span, query.interval, last_slot, context.zone)
    periods = cut(query.span, query.interval, context.zone)
    grid = Grid(context, days or query.span, query.criterion, query.electricity)
    policy = query.amortisation or context.settings.amortisation
    frame = QueryContext(hardware_models(context.factors), grid, periods, context.now(), policy, context.zone)
    recorded = UsageReader(context, frame, query.span, days, spans, held, wiring, watch)
    groups = group_into_cohorts(((stay, spans[stay.id][0]) for stay in asked if stay.id in spans), frame)
    made = (cohort_footprints(group, frame, *recorded.of(group)) for group in groups)
    known = tuple(made if guard is None else merge_small_units(made, guard))
    return FootprintResult(
        query.criterion, grid.electricity, periods, grid.factors, policy, known, left_out, guard
    )


def _disclosure_control(context: Context, query: FootprintQuery) -> DisclosureControl | None:
    """What keeps small groups from a viewer's query, nothing from others'. Raises NotAllowed."""
    if context.scope.sees_devices:
        return None
    context.scope.need("viewer" if query.device is None else "analyst", "the figure of a single device")
    return disclosure_control(context.scope, query.org_unit, current_org_units(context))


def current_org_units(context: Context) -> list[str]:
    """The org unit where each device that ever reported stands now."""
    known, now = devices(context.store), context.now()
    told = dict.fromkeys((*context.store.spans(), *ConnectionMap.of(context.store).hung))
    reporting = (known[key] for key in told if key in known)
    stays = (stay for one in reporting for stay in one.at_each_stay({}))
    return [stay.org_unit for stay in stays if stay.since <= now < stay.until]


def _devices_of(context: Context, query: FootprintQuery) -> tuple[list[Device], tuple[Device, ...]]:
    """The devices that a query asks for, at each stay, and the monitors among them that are not counted."""
    zones = zones_of(context.store)
    if query.device is not None:
        return placements_in([device(context.store, query.device)], query.span, zones), ()
    every = placements_in(devices(context.store).values(), query.span, zones)
    if query.org_unit is not None:
        every = [stay for stay in every if within(stay.org_unit, query.org_unit)]
    left_out = not_counted(context, every)
    if not left_out:
        return every, ()
    last = {stay.id: stay for stay in every}
    counted = [stay for stay in every if stay.id not in left_out]
    return counted, tuple(last[key] for key in sorted(left_out))


def placements_in(found: Iterable[Device], span: Span, zones: Mapping[str, str]) -> list[Device]:
    """Devices as they stood in a span: each once, unless it was transferred within."""
    stays = (stay for one in found for stay in one.at_each_stay(zones))
    return [stay for stay in stays if stay.since < span.last and span.first < stay.until]


def footprint_rows(
    context: Context, query: FootprintQuery, group_by: GroupBy | None = None
) -> list[FootprintRow]:
    """Rows of the footprint that a query asks for, by group and period."""
    return compute_footprint(context, query).rows(group_by)

"""Compute footprints: the devices that a query asks for, their activity and their impacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..access.context import Collector
from ..access.disclosure import Guard
from ..base.org_path import within
from ..base.periods import Span, cut
from ..fleet.device import Device
from ..fleet.devices import device, devices, zones_of
from ..fleet.monitors import claims, reported
from ..fleet.monitors_at_home import not_counted
from ..organisation.connections import Wiring
from .contributions import GroupBy
from .device_footprints import Frame, alike, figure
from .grid_intensity import Grid
from .hardware_model import profiles
from .query import Query, Row
from .redaction import _without_names, guard_of
from .result import Figures
from .usage_reader import Recorded, Watch, days_of


def figures(collector: Collector, query: Query, watch: Watch | None = None) -> Figures:
    """Figures of every device that the query asks for and that ever reported.

    All slots of its span are shown to who is to `watch`.
    """
    store, wiring = collector.store, Wiring.of(collector.store)
    guard = _guard(collector, query)
    asked, left_out = _asked(collector, query)
    held = claims(store, asked)
    spans = reported(store, {stay.id for stay in asked}, held, wiring)
    last_slot = max((last for _, last in spans.values()), default=0)
    days = days_of(query.span, query.interval, last_slot, collector.zone)
    periods = cut(query.span, query.interval, collector.zone)
    grid = Grid(collector, days or query.span, query.criterion, query.electricity)
    policy = query.amortisation or collector.settings.amortisation
    frame = Frame(profiles(collector.factors), grid, periods, collector.now(), policy, collector.zone)
    recorded = Recorded(collector, frame, query.span, days, spans, held, wiring, watch)
    groups = alike(((stay, spans[stay.id][0]) for stay in asked if stay.id in spans), frame)
    made = (figure(group, frame, *recorded.of(group)) for group in groups)
    known = tuple(made if guard is None else _without_names(made, guard))
    return Figures(query.criterion, grid.electricity, periods, grid.factors, policy, known, left_out, guard)


def _guard(collector: Collector, query: Query) -> Guard | None:
    """What keeps small groups from a viewer's query, nothing from others'. Raises NotAllowed."""
    if collector.scope.sees_devices:
        return None
    collector.scope.need("viewer" if query.device is None else "analyst", "the figure of a single device")
    return guard_of(collector.scope, query.org_unit, standing(collector))


def standing(collector: Collector) -> list[str]:
    """The org unit where each device that ever reported stands now."""
    known, now = devices(collector.store), collector.now()
    told = dict.fromkeys((*collector.store.spans(), *Wiring.of(collector.store).hung))
    reporting = (known[key] for key in told if key in known)
    stays = (stay for one in reporting for stay in one.at_each_stay({}))
    return [stay.org_unit for stay in stays if stay.since <= now < stay.until]


def _asked(collector: Collector, query: Query) -> tuple[list[Device], tuple[Device, ...]]:
    """The devices that a query asks for, at each stay, and the monitors among them that are not counted."""
    zones = zones_of(collector.store)
    if query.device is not None:
        return stays_in([device(collector.store, query.device)], query.span, zones), ()
    every = stays_in(devices(collector.store).values(), query.span, zones)
    if query.org_unit is not None:
        every = [stay for stay in every if within(stay.org_unit, query.org_unit)]
    left_out = not_counted(collector, every)
    if not left_out:
        return every, ()
    last = {stay.id: stay for stay in every}
    counted = [stay for stay in every if stay.id not in left_out]
    return counted, tuple(last[key] for key in sorted(left_out))


def stays_in(found: Iterable[Device], span: Span, zones: Mapping[str, str]) -> list[Device]:
    """Devices as they stood in a span: each once, unless it was transferred within."""
    stays = (stay for one in found for stay in one.at_each_stay(zones))
    return [stay for stay in stays if stay.since < span.last and span.first < stay.until]


def footprint(collector: Collector, query: Query, group_by: GroupBy | None = None) -> list[Row]:
    """Rows of the footprint that a query asks for, by group and period."""
    return figures(collector, query).rows(group_by)

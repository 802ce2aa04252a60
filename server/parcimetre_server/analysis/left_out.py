"""Devices that answers leave out, as far as a reader may know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..access.context import Context
from ..access.scoped_store import ScopedStore
from ..base.periods import since_midnight
from ..fleet.devices import devices
from ..fleet.printing.consumables import ConsumablesQuery, consumption
from ..footprint.compute import compute_footprint
from ..footprint.query import FootprintQuery
from ..organisation.left_out import LeftOut, collect_left_out
from ..store.records import DeviceId
from .agent_health import fleet_agents

DAYS = 7


def visible_left_out(context: Context, collected: Mapping[DeviceId, LeftOut]) -> tuple[LeftOut, ...]:
    """Return the devices that an answer does without, by id; none for readers who see sums of groups only."""
    store = context.store
    if not context.scope.sees_devices:
        return ()
    known = store.is_known if isinstance(store, ScopedStore) else lambda _: True
    return tuple(one for key, one in sorted(collected.items()) if known(key))


def all_left_out(context: Context) -> tuple[LeftOut, ...]:
    """Return the devices that some figure of the last days leaves out, computed for all devices."""
    span = since_midnight(context.now(), context.zone, DAYS)
    with collect_left_out() as collected:
        compute_footprint(context, FootprintQuery(span))
        fleet_agents(context)
        consumption(context, ConsumablesQuery(span))
    return visible_left_out(context, collected)


def with_items_left_out(context: Context) -> Iterator[tuple[DeviceId, tuple[str, ...]]]:
    """Yield the devices of whose stored inventory items are not used, with the reason of each."""
    for key, device in sorted(devices(context.store).items()):
        if device.items_left_out:
            yield key, device.items_left_out

"""Summary and details of a device, for API and commands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from parcimetre_agent.report import Inventory
from parcimetre_factors.service_life.purchase import StatedPurchase

from ..access.context import Context
from ..fleet.counting import NotCounted, why_not_counted
from ..fleet.device import Device
from ..fleet.devices import device
from ..fleet.monitors import OPEN_END, claims, span_of
from ..fleet.silence import shown_time
from ..organisation.merges import MergeHistory
from .agent_health import Agent, agent_of


@dataclass(frozen=True)
class DeviceSummary:
    """A device without its inventory; times are seconds UTC, `last_slot` the start of its latest slot.

    Times of a personal machine are the first second of their day for readers without presence data.

    `driven_by` is the last computer a monitor was attached to; `not_counted` is why totals exclude it.
    """

    id: str
    name: str
    category: str
    org_unit: str
    site: str
    zone: str
    simulated: bool
    virtual: str
    enrolled_at: int
    retired_at: int | None
    agent_version: str
    first_slot: int | None
    last_slot: int | None
    purchase: StatedPurchase | None
    scrapped: bool
    driven_by: str | None
    not_counted: NotCounted | None


@dataclass(frozen=True)
class MonitorDriver:
    """A computer that a monitor was attached to from slot `first` to `last`, seconds UTC; None for now."""

    id: str
    name: str
    first: int
    last: int | None


@dataclass(frozen=True)
class DeviceDetail:
    """A device with its inventory and its agent; a monitor has the computers it was attached to instead."""

    device: DeviceSummary
    inventory: Inventory | None
    agent: Agent | None
    drivers: list[MonitorDriver]


def device_summary(
    context: Context, found: Device, span: tuple[int, int] | None, not_counted: NotCounted | None = None
) -> DeviceSummary:
    """Return the summary of a device."""
    first, last = (shown_time(context, found, at) for at in span) if span else (None, None)
    enrolled_at = shown_time(context, found, found.enrolled_at) if found.driven_by else found.enrolled_at
    return DeviceSummary(
        found.id, found.name, found.category, found.org_unit, found.site, found.zone, found.simulated,
        found.virtual, enrolled_at, found.retired_at, found.agent_version, first, last,
        found.purchase, found.scrapped, found.driven_by, not_counted,
    )  # fmt: skip


def device_detail(context: Context, device_id: str) -> DeviceDetail:
    """Return one device with its inventory and agent. Raises UnknownDevice."""
    store = context.store
    found = device(store, device_id)
    reason = why_not_counted(context, [found]).get(found.id)
    return DeviceDetail(
        device_summary(context, found, span_of(store, found), reason),
        _inventory(context, found),
        agent_of(context, found),
        monitor_drivers(context, found),
    )


def _inventory(context: Context, found: Device) -> Inventory | None:
    """Return the inventory of a device as the reader may see it: its time, and hashes for admins only."""
    inventory = found.inventory
    if inventory is None:
        return None
    shown = replace(inventory, taken_at=shown_time(context, found, inventory.taken_at))
    return shown if context.scope.administers else _without_hashes(shown)


def _without_hashes(inventory: Inventory) -> Inventory:
    """Return an inventory without hashes of serial numbers, and without guests, which are known by theirs."""
    return replace(
        inventory,
        system=replace(inventory.system, serial_hash=None, asset_hash=None),
        displays=[replace(display, serial_hash=None, asset_hash=None) for display in inventory.displays],
        guests=[],
    )


def monitor_drivers(context: Context, found: Device) -> list[MonitorDriver]:
    """Return the computers a monitor was attached to, the latest first."""
    if found.driven_by is None:
        return []
    store = context.store

    def at(second: int) -> int:
        """Return a time as the reader may see it."""
        return shown_time(context, found, second)

    own_claims, merges = claims(store, [found])[found.id], MergeHistory.of(store)
    computers = ((device(store, merges.whole(claim.machine)), claim) for claim in reversed(own_claims))
    return [
        MonitorDriver(
            machine.id, machine.name, at(claim.first), None if claim.last == OPEN_END else at(claim.last)
        )
        for machine, claim in computers
    ]

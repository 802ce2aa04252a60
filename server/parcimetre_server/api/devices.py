"""`/v1/devices`: the fleet's devices, page by page, and each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from parcimetre_agent.report import Inventory
from parcimetre_factors.purchase import Stated

from ..access.context import Collector, of
from ..agents import Agent, agent_of
from ..fleet.device import Device
from ..fleet.devices import device, devices
from ..fleet.lookup import chosen
from ..fleet.monitors import EVER, claims, span_of, spans
from ..fleet.monitors_at_home import NotCounted, not_counted
from ..organisation.merges import Lineages
from ..store.interface import Store

router = APIRouter(tags=["devices"])


@dataclass(frozen=True)
class DeviceSummary:
    """A device without its inventory; times are seconds UTC, `last_slot` the start of its latest slot.

    `driven_by` is the machine that saw a monitor last; `not_counted` says why it is in no total, if so.
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
    purchase: Stated | None
    scrapped: bool
    driven_by: str | None
    not_counted: NotCounted | None


@dataclass(frozen=True)
class Driver:
    """A machine that drove a monitor, from the slot `first` (seconds UTC) to before `last`, None for now."""

    id: str
    name: str
    first: int
    last: int | None


@dataclass(frozen=True)
class DeviceDetail:
    """A device with its inventory and its agent; a monitor has machines that drove it instead of an agent."""

    device: DeviceSummary
    inventory: Inventory | None
    agent: Agent | None
    drivers: list[Driver]


@dataclass(frozen=True)
class DevicePage:
    """Some devices in order of id; `next` is the cursor of the page after them, None on the last one."""

    items: list[DeviceSummary]
    next: str | None


def summary(
    found: Device, span: tuple[int, int] | None, not_counted: NotCounted | None = None
) -> DeviceSummary:
    """What a list shows of a device."""
    first, last = span or (None, None)
    return DeviceSummary(
        found.id, found.name, found.category, found.org_unit, found.site, found.zone, found.simulated,
        found.virtual, found.enrolled_at, found.retired_at, found.agent_version, first, last,
        found.purchase, found.scrapped, found.driven_by, not_counted,
    )  # fmt: skip


def detail(collector: Collector, device_id: str) -> DeviceDetail:
    """One device with its inventory and its agent. Raises UnknownDevice."""
    store = collector.store
    found = device(store, device_id)
    reason = not_counted(collector, [found]).get(found.id)
    return DeviceDetail(
        summary(found, span_of(store, found), reason),
        found.inventory,
        agent_of(collector, found),
        drivers(store, found),
    )


def drivers(store: Store, found: Device) -> list[Driver]:
    """The machines that drove a monitor, the latest first."""
    if found.driven_by is None:
        return []
    held, lineages = claims(store, [found])[found.id], Lineages.of(store)
    told = ((device(store, lineages.whole(claim.machine)), claim) for claim in reversed(held))
    return [
        Driver(machine.id, machine.name, claim.first, None if claim.last == EVER else claim.last)
        for machine, claim in told
    ]


@router.get("/v1/devices")
def list_devices(
    collector: Annotated[Collector, Depends(of)],
    org_unit: Annotated[str | None, Query(description="Path of an org unit: it and all below it.")] = None,
    site: Annotated[str | None, Query(description="Name of a site.")] = None,
    category: Annotated[str | None, Query(description="Category, like laptop.")] = None,
    q: Annotated[str | None, Query(description="Part of a name or id.")] = None,
    cursor: Annotated[str, Query(description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="Devices on a page.")] = 200,
) -> DevicePage:
    """Devices of an org unit's subtree, a site, a category, whose name or id contains `q`."""
    store = collector.store
    found = [d for d in chosen(devices(store), org_unit, site, category, q) if d.id > cursor]
    left_out, reported = not_counted(collector, found[:limit]), spans(store, found[:limit])
    items = [summary(d, reported.get(d.id), left_out.get(d.id)) for d in found[:limit]]
    return DevicePage(items, items[-1].id if len(found) > limit else None)


@router.get("/v1/devices/{device_id}")
def get_device(
    device_id: Annotated[str, Path(description="Id of a device.")],
    collector: Annotated[Collector, Depends(of)],
) -> DeviceDetail:
    """One device with its inventory and its agent."""
    return detail(collector, device_id)

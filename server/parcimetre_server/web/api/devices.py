"""`/v1/devices`: the fleet's devices, page by page, and each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from ...access.context import Context
from ...analysis.device_summary import DeviceDetail, DeviceSummary, device_detail, device_summary
from ...analysis.left_out import visible_left_out
from ...fleet.counting import why_not_counted
from ...fleet.devices import devices
from ...fleet.lookup import chosen
from ...fleet.monitors import spans
from ...organisation.left_out import LeftOut, alone, collect_left_out
from ...store.records import DeviceId
from ..dependencies import readable

router = APIRouter(tags=["devices"])


@dataclass(frozen=True)
class DevicePage:
    """Some devices in order of id; `next` is the cursor of the page after them, None on the last one.

    `left_out` are devices whose data cannot be used.
    """

    items: list[DeviceSummary]
    next: str | None
    left_out: tuple[LeftOut, ...] = ()


@router.get("/v1/devices")
def list_devices(
    context: Annotated[Context, Depends(readable)],
    org_unit: Annotated[str | None, Query(description="Path of an org unit: it and all below it.")] = None,
    site: Annotated[str | None, Query(description="Name of a site.")] = None,
    category: Annotated[str | None, Query(description="Category, like laptop.")] = None,
    q: Annotated[str | None, Query(description="Part of a name or id.")] = None,
    cursor: Annotated[str, Query(description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="Devices on a page.")] = 200,
) -> DevicePage:
    """Devices of an org unit's subtree, a site, a category, whose name or id contains `q`."""
    store = context.store
    with collect_left_out() as unusable:
        found = [d for d in chosen(devices(store), org_unit, site, category, q) if d.id > cursor]
        left_out, reported = why_not_counted(context, found[:limit]), spans(store, found[:limit])
    items = [device_summary(context, d, reported.get(d.id), left_out.get(d.id)) for d in found[:limit]]
    following = items[-1].id if len(found) > limit else None
    return DevicePage(items, following, visible_left_out(context, unusable))


@router.get("/v1/devices/{device_id}")
def get_device(
    device_id: Annotated[str, Path(description="Id of a device.")],
    context: Annotated[Context, Depends(readable)],
) -> DeviceDetail:
    """One device with its inventory and its agent."""
    with alone(DeviceId(device_id), "details of the device"):
        return device_detail(context, device_id)

"""Silent devices: when the collector last heard of each device, and whether that is too long ago."""

from __future__ import annotations

from collections.abc import Iterable

from parcimetre_agent.report import SLOT_S

from ..access.context import Context
from ..access.presence import day_of, is_personal
from ..base.periods import HOUR_S, next_midnight
from ..organisation import merges
from ..store.records import DeviceId
from . import monitors
from .device import Device


def last_heard_at(context: Context, found: Iterable[Device]) -> dict[DeviceId, int]:
    """Return when the collector last heard of each device, seconds UTC; devices never heard of are left out.

    That is the latest of the reports that this process received and of the ends of the device's own slots in
    the store, which other collectors may have written. A monitor is heard through the computers it was
    attached to; energy that an outlet counted for a device does not count as its report.
    """
    devices, now = list(found), context.now()
    attached = [device for device in devices if device.driven_by is not None]
    slots = merges.spans(context.store) | (monitors.spans(context.store, attached) if attached else {})
    heard = {}
    for device in devices:
        contact = context.last_heard.get(device.id)
        times = [contact.at] if contact else []
        if device.id in slots:
            times.append(min(now, slots[device.id][1] + SLOT_S))
        if times:
            heard[device.id] = max(times)
    return heard


def is_silent(context: Context, device: Device, heard_at: int | None) -> bool:
    """Return whether a device in service was last heard longer ago than `silent_after_hours`.

    A device that was never heard of counts from its enrolment on, a personal machine from the end of that
    day, so that the hour is not disclosed. A monitor has no agent and is never silent.
    """
    if device.retired_at is not None or device.driven_by is not None:
        return False
    since = device.enrolled_at if heard_at is None else heard_at
    if is_personal(device):
        since = next_midnight(since, context.zone)
    return context.now() - since > context.settings.silent_after_hours * HOUR_S


def shown_time(context: Context, device: Device, second: int) -> int:
    """Return a time of a device's records, seconds UTC: to the day where the reader sees no presence data."""
    if context.sees_presence or not is_personal(device):
        return second
    return day_of(second, context.zone)

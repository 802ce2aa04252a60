"""Placements of devices: their org unit and site over time, and transfers from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ..base import org_path
from ..base.errors import ParcimetreError
from ..base.periods import LAST_SECOND
from ..store.fact_schema import TransferBody, body_of
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from . import audit, org


class BadTransfer(ParcimetreError):
    """A transfer that is not possible."""


@dataclass(frozen=True)
class Placement:
    """Org unit and site of a device from `first` up to but not including `last`, seconds UTC."""

    org_unit: str
    site: str
    first: int = 0
    last: int = LAST_SECOND


def placements(org_unit: str, site: str, moves: Iterable[Fact]) -> tuple[Placement, ...]:
    """Return all placements of a device that enrolled at a unit and site, in order; they cover all time.

    Of two transfers at the same time the one that was stated later counts.
    """
    bodies = [body_of(move, TransferBody) for move in moves]
    dated = {body["at"]: body for body in bodies}
    found = [Placement(org_unit, site)]
    for at in sorted(dated):
        before = found.pop()
        body = dated[at]
        found += [
            Placement(before.org_unit, before.site, before.first, at),
            Placement(body["org_unit"], body["site"], at),
        ]
    return tuple(found)


def present_place(store: Store, device: Fact) -> Placement:
    """Return where a device is now, by its latest fact and its transfers."""
    moves = store.history("transfer", device.key)
    return placements(str(device.body["org_unit"]), str(device.body["site"]), moves)[-1]


def transfer_facts(device_id: DeviceId, before: Placement, after: Placement, now: int) -> list[Fact]:
    """Return the facts that assign a device to the unit and site of `after`, from its first second on."""
    body: TransferBody = {"org_unit": after.org_unit, "site": after.site, "at": after.first}
    changed = {"org_unit": before.org_unit, "site": before.site}
    return [
        Fact("transfer", device_id, now, body),
        audit.entry("device transferred", device_id, now, changed, body),
    ]


def by_device(moves: Sequence[Fact]) -> Mapping[str, list[Fact]]:
    """Return the transfers of each device, in the order in which they were stated."""
    found: dict[str, list[Fact]] = {}
    for move in moves:
        found.setdefault(move.key, []).append(move)
    return found


def midnight(day: date, zone: ZoneInfo) -> int:
    """Return the first second of a day in the organisation's time zone, seconds UTC."""
    return int(datetime.combine(day, time(), zone).timestamp())


def transfer(
    store: Store, device_id: DeviceId, before: Placement, org_unit: str, site: str | None, day: date,
    zone: ZoneInfo, now: int,
) -> Placement:  # fmt: skip
    """Assign a device to an org unit, and to a site, from the first second of a day on.

    `before` is its present placement. Figures of the time before that day stay with the unit of that
    time. Raises BadTransfer for a monitor, a day to come or an unknown unit, UnknownSite.
    """
    if store.latest_of("device", device_id) is None:
        raise BadTransfer(f"{device_id} is a monitor: it belongs to the org unit of its computer")
    unit, at = org_path.clean_path(org_unit), midnight(day, zone)
    if at > now:
        raise BadTransfer(f"{day} is in the future: give --from a date up to today")
    if unit not in org.units(store):
        raise BadTransfer(f"there is no org unit {unit!r}: create it with `parcimetre org create`")
    place = org.site(store, site).name if site else before.site
    made = Placement(unit, place, at)
    store.append(transfer_facts(device_id, before, made, now))
    return made

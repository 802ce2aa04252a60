"""Where a device stood when: its org unit and site over time, cut where it was transferred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ..base import org_path
from ..base.errors import ParcimetreError
from ..base.periods import LAST_SECOND
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from . import audit, org


class BadTransfer(ParcimetreError):
    """A transfer that makes no sense."""


@dataclass(frozen=True)
class Placement:
    """An org unit and site from `first` up to but not including `last`, seconds UTC."""

    org_unit: str
    site: str
    first: int = 0
    last: int = LAST_SECOND


def placements(org_unit: str, site: str, moves: Iterable[Fact]) -> tuple[Placement, ...]:
    """All stays of a device that enrolled at a unit and site, in order; together they hold all time.

    Of two moves at the same time the one that was stated later counts.
    """
    dated = {int(move.body["at"]): move.body for move in moves}
    found = [Placement(org_unit, site)]
    for at in sorted(dated):
        before = found.pop()
        body = dated[at]
        found += [
            Placement(before.org_unit, before.site, before.first, at),
            Placement(body["org_unit"], body["site"], at),
        ]
    return tuple(found)


def by_device(moves: Sequence[Fact]) -> Mapping[str, list[Fact]]:
    """Moves of each device, in the order in which they were stated."""
    found: dict[str, list[Fact]] = {}
    for move in moves:
        found.setdefault(move.key, []).append(move)
    return found


def midnight(day: date, zone: ZoneInfo) -> int:
    """First second of a day in the organisation's time zone."""
    return int(datetime.combine(day, time(), zone).timestamp())


def transfer(
    store: Store, device_id: DeviceId, before: Placement, org_unit: str, site: str | None, day: date,
    zone: ZoneInfo, now: int,
) -> Placement:  # fmt: skip
    """Let a device belong to a unit, and stand at a site, from the first second of a day on.

    `before` is where it stands at present. Figures of the time before that day stay with the unit that held
    it then. Raises BadTransfer for a monitor, a day to come or an unknown unit, UnknownSite.
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
    body = {"org_unit": unit, "site": place, "at": at}
    told = {"org_unit": before.org_unit, "site": before.site}
    store.append([
        Fact("transfer", device_id, now, body),
        audit.entry("device transferred", device_id, now, told, body),
    ])  # fmt: skip
    return made

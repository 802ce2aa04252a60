"""Access record: who looked at single devices, when, at which device, and in how much detail.

It is for the data protection officer. A look is recorded before it is answered; the same look of the same
reader is recorded once an hour. Entries are removed after `keep_access_record_days`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..base.periods import DAY_S, HOUR_S
from ..organisation import audit
from ..store.fact_schema import LookBody, body_of
from ..store.interface import Store
from ..store.records import Fact

Detail = Literal["list", "days", "presence"]
DETAILS: dict[Detail, str] = {
    "list": N_("list of devices"),
    "days": N_("one device, by day"),
    "presence": N_("presence data"),
}
Way = Literal["machine", "token", "login", "command"]
MOST = 10_000
STALE = "A look counts as recorded until the hour is over."


@dataclass(frozen=True)
class Look:
    """A look of a reader at one device, or at a list of them where `device` is empty.

    `at` is seconds UTC, `what` the page, call or command, `org_unit` the unit of the device or of the list.
    """

    at: int
    who: str
    way: Way
    detail: Detail
    device: str
    org_unit: str | None
    what: str


RecentLooks = Cache[tuple[str, ...], int]


def new_recent_looks() -> RecentLooks:
    """Return an empty cache of the hours in which looks were recorded last."""
    return Cache("recent looks", STALE, MOST)


def record(store: Store, look: Look, recent: RecentLooks) -> None:
    """Store a look, unless it was stored in this hour already.

    Raises the store's error for presence data, which are not shown unrecorded; a full disk shall not keep
    readers out of the rest.
    """
    key, hour = (
        (look.who, look.way, look.detail, look.device, look.org_unit or "", look.what),
        look.at // HOUR_S,
    )
    if recent.get(key) == hour:
        return
    body = {name: value for name, value in asdict(look).items() if name != "at"}
    try:
        store.append([Fact("look", f"{look.at}-{secrets.token_hex(6)}", look.at, body)])
    except ParcimetreError:
        if look.detail == "presence":
            raise
        return
    recent.put(key, hour)


def command_look(detail: Detail, device: str, org_unit: str | None, what: str, now: int) -> Look:
    """Return the look of a command, by the OS user who gave it."""
    return Look(now, audit.actor(), "command", detail, device, org_unit, what)


def looks(store: Store, device: str | None = None, since: int = 0) -> Iterator[Look]:
    """Return the looks at a device, or all, since a second UTC, the latest first."""
    for fact in reversed(store.history("look")):
        body = body_of(fact, LookBody)
        if fact.recorded_at >= since and device in (None, body["device"]):
            yield Look(
                fact.recorded_at, body["who"], _way(body["way"]), _detail(body["detail"]), body["device"],
                body["org_unit"], body["what"],
            )  # fmt: skip


def remove_old_looks(store: Store, now: int, days: int) -> int:
    """Remove the entries that are older than so many days; return how many."""
    old = [fact.key for fact in store.history("look") if fact.recorded_at < now - days * DAY_S]
    if old:
        store.remove("look", old)
    return len(old)


def _way(text: str) -> Way:
    ways: tuple[Way, ...] = ("machine", "token", "login", "command")
    return next(way for way in ways if way == text)


def _detail(text: str) -> Detail:
    return next(detail for detail in DETAILS if detail == text)

"""Presence data: figures of less than a whole day of a machine that one person may use.

They show when somebody works. Only readers with the role presence see them, and only while the organisation
has switched that on. Everybody else sees whole days of the organisation's zone that are over; today counts
from midnight on, so that nobody can watch it grow. The day on which a machine enrols is shown as it goes, so
that whoever installs it sees that it works.

This holds for sums too, whatever the size of the group: at some hours few people work, and the hours of one
of them would be the difference of two sums.

Servers, network devices, printers, PDUs and UPSs are exempt, since nobody works at them, and simulated
devices, which nobody has. The machine of `make run` is somebody's own, and not exempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from ..base.i18n import N_
from ..base.periods import Interval, Span, since_midnight
from ..base.scope import NotAllowed, Scope
from ..organisation import audit
from ..store.fact_schema import PresenceSetting, body_of
from ..store.interface import Store
from ..store.records import Fact
from .disclosure import is_protected

KEY = "presence"
SUBJECT = "organisation"
WITHHELD = N_("Quarter hours and hours of this machine are presence data: only the role presence sees them.")


class Machine(Protocol):
    """What the rules ask of a device."""

    @property
    def category(self) -> str:
        """Its category."""

    @property
    def simulated(self) -> bool:
        """Whether it is simulated."""

    @property
    def enrolled_at(self) -> int:
        """When it enrolled, seconds UTC."""


class PresenceNeeded(NotAllowed):
    """Presence data, asked for by a reader who does not see it."""

    kind = "presence-needed"


def is_personal(machine: Machine) -> bool:
    """Return whether one person may use a machine, so that its hours are presence data."""
    return is_protected(machine.category) and not machine.simulated


def permitted_span(
    span: Span, interval: Interval, machines: Iterable[Machine], zone: ZoneInfo, now: int
) -> Span | None:
    """Return the part of a span that may be shown of single machines to readers without presence data.

    That is its whole days that are over, and today where all personal machines enrolled today. None where
    less than whole days is asked for: by the hour, from or until the middle of a day, or only today.
    """
    personal = [machine for machine in machines if is_personal(machine)]
    if not personal:
        return span
    midnight = since_midnight(now, zone).first
    in_a_day = not is_midnight(span.first, zone) or (not is_midnight(span.last, zone) and span.last < now)
    if interval in ("slot", "hour") or in_a_day:
        return None
    if span.last <= midnight or all(machine.enrolled_at >= midnight for machine in personal):
        return span
    return Span(span.first, midnight) if span.first < midnight else None


def is_midnight(second: int, zone: ZoneInfo) -> bool:
    """Return whether a day of the organisation begins at a second UTC."""
    return since_midnight(second, zone).first == second


def day_of(second: int, zone: ZoneInfo) -> int:
    """Return the first second UTC of the organisation's day of a time."""
    return since_midnight(second, zone).first


def presence_needed(what: str) -> PresenceNeeded:
    """Return the error of presence data that a reader may not see, with what they may see instead."""
    return PresenceNeeded(
        f"{what} would show when people work: give whole days that are over (interval=day, from and to at "
        "midnight). The role presence sees it while the organisation has switched it on."
    )


def is_switched_on(store: Store) -> bool:
    """Return whether the organisation lets the role presence see presence data."""
    stored = store.latest_of("setting", KEY)
    return stored is not None and body_of(stored, PresenceSetting)["presence"]


def sees_presence(scope: Scope, store: Store) -> bool:
    """Return whether a reader sees presence data now."""
    return scope.internal or (scope.may_see_presence and is_switched_on(store))


def switch(store: Store, on: bool, reason: str, now: int) -> bool:
    """Switch presence data on or off for the whole organisation, audited; return whether that changed it."""
    before = is_switched_on(store)
    if before == on:
        return False
    act: audit.Act = "presence switched on" if on else "presence switched off"
    entry = audit.entry(act, SUBJECT, now, {"presence": before}, {"presence": on}, reason)
    store.append([Fact("setting", KEY, now, {"presence": on}), entry])
    return True


def switched_at(store: Store) -> int | None:
    """Return when presence data was last switched on or off, seconds UTC; None if never."""
    stored = store.latest_of("setting", KEY)
    return None if stored is None else stored.recorded_at


def local_day(second: int, zone: ZoneInfo) -> str:
    """Return the organisation's day of a time (ISO 8601)."""
    return datetime.fromtimestamp(second, zone).date().isoformat()

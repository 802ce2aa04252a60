"""Presence data: figures of less than a whole day of a machine that one person may use.

They show when somebody works. Only readers with the role presence see them, and only while the organisation
has switched that on. Everybody else sees single machines by whole days of the organisation's zone that are
over; today counts from midnight on, so that nobody can watch it grow. The day on which a machine enrols is
shown as it goes, so that whoever installs it sees that it works. Shorter periods are shown as sums of groups
of FEWEST personal machines or more only.

Servers, network devices, printers, PDUs and UPSs are exempt, since nobody works at them, and simulated
devices, which nobody has. The machine of `make run` is somebody's own, and not exempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from .disclosure import FEWEST

KEY = "presence"
SUBJECT = "organisation"
EXEMPT = frozenset({"server", "network", "printer", "pdu", "ups"})
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
    return machine.category not in EXEMPT and not machine.simulated


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


def units_with_hours(units: Iterable[str], root: str | None) -> frozenset[str]:
    """Return the org units of which sums of less than a day may be shown; `""` is everything.

    `units` has one entry per personal machine. A unit has FEWEST of them or more, and so have those of the
    unit above it that are shown under none of the units below: no difference of sums is one of fewer.
    """
    counts: dict[str, int] = {}
    for unit in units:
        counts[unit] = counts.get(unit, 0) + 1
    shown: set[str] = set()
    if sum(counts.values()) >= FEWEST:
        _add_shown(counts, root or "", shown)
    return frozenset(shown)


def _add_shown(counts: Mapping[str, int], unit: str, shown: set[str]) -> None:
    """Add a unit that is shown, and those below it that leave no small remainder."""
    shown.add(unit)
    below: dict[str, dict[str, int]] = {}
    for path, n in counts.items():
        below.setdefault(_child(path, unit), {})[path] = n
    own = sum(below.pop(unit, {}).values())
    ordered = sorted(below, key=lambda child: (sum(below[child].values()), child))
    hidden = {child for child in ordered if sum(below[child].values()) < FEWEST}
    rest = own + sum(sum(below[child].values()) for child in hidden)
    for child in ordered:
        if not 0 < rest < FEWEST:
            break
        if child not in hidden:
            hidden.add(child)
            rest += sum(below[child].values())
    for child in below.keys() - hidden:
        _add_shown(below[child], child, shown)


def _child(path: str, unit: str) -> str:
    """Return the unit directly below another one on the way to `path`, or the unit itself."""
    depth = len(unit.split("/")) if unit else 0
    return path if path == unit else "/".join(path.split("/")[: depth + 1])


def presence_needed(what: str) -> PresenceNeeded:
    """Return the error of presence data that a reader may not see, with what they may see instead."""
    return PresenceNeeded(
        f"{what} would show when people work: give whole days (interval=day, from and to at midnight, up to "
        f"the last one), or ask for groups of {FEWEST} devices or more. The role presence sees it while the "
        "organisation has switched it on."
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

"""Rule of which monitors count: all, none, or those of the fleet, without monitors seen only at home.

A monitor is considered one at home while a single machine ever showed it, lit for less than 20 working hours
(Monday to Friday, 8 to 18 o'clock in the organisation's time zone). One that counted once always counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S

from ..access.context import Context
from ..base.periods import HOUR_S, Span
from ..store.records import DeviceId, Fact
from .device import Device
from .devices import devices
from .monitors import claims, monitor_activity

NotCounted = Literal["seen_at_home", "displays_none"]
ENOUGH_S = 20 * HOUR_S
OPENS, CLOSES = time(8), time(18)
WORKDAYS = 5
Seconds = NDArray[np.int64]


def not_counted(context: Context, found: Iterable[Device]) -> dict[DeviceId, NotCounted]:
    """Return the monitors that do not count by the rule in force, each with the reason."""
    monitors = [device for device in found if device.drivers]
    match rule(context):
        case "all":
            return {}
        case "none":
            return dict.fromkeys((device.id for device in monitors), "displays_none")
        case _:
            return dict.fromkeys(_at_home(context, monitors), "seen_at_home")


def rule(context: Context) -> str:
    """Return the collector's own setting, else the one it was last served with."""
    if context.settings.displays is not None:
        return context.settings.displays
    stored = context.store.latest_of("setting", "displays")
    return str(stored.body["displays"]) if stored else "fleet"


def store_displays_rule(context: Context) -> None:
    """Store the rule that the collector is served with, so that commands apply the same one."""
    stored = context.store.latest_of("setting", "displays")
    served = context.settings.displays or "fleet"
    if (stored.body["displays"] if stored else "fleet") != served:
        context.store.append([Fact("setting", "displays", context.now(), {"displays": served})])


def _at_home(context: Context, monitors: Iterable[Device]) -> set[DeviceId]:
    """Return the monitors that a single machine ever showed, lit for less than 20 working hours."""
    undecided = claims(context.store, (device for device in monitors if not device.settled))
    if not undecided:
        return set()
    now = context.now() // SLOT_S * SLOT_S + SLOT_S
    within = Span(
        min((claim.first for its_claims in undecided.values() for claim in its_claims), default=now), now
    )
    opens, closes = working_hours(within, context.zone)
    by_machine: defaultdict[DeviceId, set[DeviceId]] = defaultdict(set)
    for key, its_claims in undecided.items():
        for claim in its_claims:
            by_machine[claim.machine].add(key)
    home = set(undecided)
    for machine, activity in context.store.activities(by_machine, within.first, within.last):
        for key in by_machine[machine]:
            seen = monitor_activity(undecided[key], {machine: activity}, within).activity
            if float(seen.display_on_s[is_working(seen.start, opens, closes)].sum()) >= ENOUGH_S:
                home.discard(key)
    return home


def settle(context: Context) -> int:
    """Mark the monitors now known to be the fleet's, which are not checked again; return how many."""
    open_ = [found for found in devices(context.store).values() if found.drivers and not found.settled]
    home, now = _at_home(context, open_), context.now()
    of_fleet = (context.store.latest_of("monitor", found.id) for found in open_ if found.id not in home)
    marked = [Fact("monitor", fact.key, now, {**fact.body, "settled": True}) for fact in of_fleet if fact]
    context.store.append(marked)
    return len(marked)


def working_hours(within: Span, zone: ZoneInfo) -> tuple[Seconds, Seconds]:
    """Return the beginnings and ends (seconds UTC) of working hours: Monday to Friday, 8 to 18 o'clock."""
    first = datetime.fromtimestamp(within.first, zone).date()
    days = (datetime.fromtimestamp(within.last, UTC).date() - first).days + 2
    working = [day for day in (first + timedelta(days=i) for i in range(days)) if day.weekday() < WORKDAYS]
    return _at(working, OPENS, zone), _at(working, CLOSES, zone)


def _at(days: Iterable[date], hour: time, zone: ZoneInfo) -> Seconds:
    seconds = [int(datetime.combine(day, hour, zone).timestamp()) for day in days]
    return np.array(seconds, dtype=np.int64)


def is_working(starts: Seconds, opens: Seconds, closes: Seconds) -> NDArray[np.bool_]:
    """Return which slots lie in working hours, shape (n,): those after more beginnings than ends."""
    return np.searchsorted(opens, starts, side="right") > np.searchsorted(closes, starts, side="right")

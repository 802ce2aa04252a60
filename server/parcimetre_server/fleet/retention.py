"""Retention of records: quarter hours are replaced by hours after some time, and hours by days."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from parcimetre_agent.report import SLOT_S

from ..base.periods import DAY_S, OLDEST_RECORD_S, Span
from ..base.working_hours import week_parts
from ..organisation import audit
from ..store.interface import Store
from ..store.rolling import DayRule, RollRules

SUBJECT = "store"


@dataclass(frozen=True)
class Retained:
    """Device-days rolled up to hours and days; since when quarter hours and hours are stored, seconds UTC."""

    to_hours: int
    to_days: int
    slots_since: int
    hours_since: int


@dataclass(frozen=True)
class KeptAs:
    """The parts of a span that are stored by the hour, and by the day."""

    hours: Span | None
    days: Span | None


def roll_rules(now: int, zone: ZoneInfo) -> RollRules:
    """Return how days are rolled up at `now` (s UTC): by parts of the week in the organisation's zone."""

    settled_before = (now - OLDEST_RECORD_S) // DAY_S

    def rule_of(day: int) -> DayRule:
        """Return the rule of a day of UTC."""
        return DayRule(week_parts(day * DAY_S, (day + 1) * DAY_S, SLOT_S, zone), day < settled_before)

    return RollRules(rule_of, settled_before)


def retain(
    store: Store, now: int, zone: ZoneInfo, slots_days: int, hours_days: int, dry_run: bool = False
) -> Retained:
    """Roll up whole days (UTC) older than `slots_days` to hours, and older than `hours_days` to days.

    0 keeps them for ever. The audit log records it. A dry run only counts, days that become hours first.
    """
    rules = roll_rules(now, zone)
    to_hours = store.roll_up(now // DAY_S - slots_days, 1, dry_run, rules) if slots_days else 0
    to_days = store.roll_up(now // DAY_S - hours_days, 24, dry_run, rules) if hours_days else 0
    before = store.rolled_up()
    result = Retained(to_hours, to_days, before.hours_before * DAY_S, before.days_before * DAY_S)
    if not dry_run and (to_hours or to_days):
        after = {"device-days to hours": to_hours, "device-days to days": to_days}
        store.append([audit.entry("history rolled up", SUBJECT, now, after=after)])
    return result


def resolution_of(store: Store, span: Span) -> KeptAs:
    """Return which parts of a span are stored by the hour and by the day; the rest is by the quarter hour."""
    before = store.rolled_up()
    hourly, daily = before.hours_before * DAY_S, before.days_before * DAY_S
    return KeptAs(_common(span, daily, hourly), _common(span, 0, daily))


def _common(span: Span, first: int, last: int) -> Span | None:
    first, last = max(span.first, first), min(span.last, last)
    return Span(first, last) if first < last else None

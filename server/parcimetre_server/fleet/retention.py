"""How long quarter hours are kept, then hours: after that, sums of hours, then of days, stand for them."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.periods import DAY_S, Span
from ..organisation import audit
from ..store.interface import Store

SUBJECT = "store"


@dataclass(frozen=True)
class Retained:
    """Days of devices rolled up to hours, and to days; since when quarter hours and hours are kept, UTC."""

    to_hours: int
    to_days: int
    slots_since: int
    hours_since: int


@dataclass(frozen=True)
class KeptAs:
    """The parts of a span of which sums of hours are kept, or of days."""

    hours: Span | None
    days: Span | None


def retain(store: Store, now: int, slots_days: int, hours_days: int, dry_run: bool = False) -> Retained:
    """Roll up whole days of UTC that are older than so many days; 0 keeps them for ever.

    What was rolled up is in the audit log. A dry run only counts: the days it tells of become hours first.
    """
    to_hours = store.roll_up(now // DAY_S - slots_days, 1, dry_run) if slots_days else 0
    to_days = store.roll_up(now // DAY_S - hours_days, 24, dry_run) if hours_days else 0
    kept = store.rolled_up()
    told = Retained(to_hours, to_days, kept.hours_before * DAY_S, kept.days_before * DAY_S)
    if not dry_run and (to_hours or to_days):
        after = {"device-days to hours": to_hours, "device-days to days": to_days}
        store.append([audit.entry("history rolled up", SUBJECT, now, after=after)])
    return told


def resolution_of(store: Store, span: Span) -> KeptAs:
    """As what the records of a span are kept: of the rest of it quarter hours are."""
    kept = store.rolled_up()
    hourly, daily = kept.hours_before * DAY_S, kept.days_before * DAY_S
    return KeptAs(_common(span, daily, hourly), _common(span, 0, daily))


def _common(span: Span, first: int, last: int) -> Span | None:
    first, last = max(span.first, first), min(span.last, last)
    return Span(first, last) if first < last else None

"""Choice of a period: its span up to now, the interval of its trend, and the days it is compared with.

Only days that are over are compared: records that agents have not sent yet would look like a change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from parcimetre_factors.activity import SLOT_S

from ..base.periods import (
    DAY_S,
    LONGEST_S,
    BadPeriod,
    Interval,
    Span,
    since_midnight,
    week_of,
    week_span,
    weeks_later,
)

Kind = Literal["today", "7d", "30d", "week", "month", "year", "own"]
Period = Literal["today", "7d", "30d"]
ROLLING: dict[Period, int] = {"today": 1, "7d": 7, "30d": 30}
MONTH, YEAR = re.compile(r"\d{4}-\d{2}"), re.compile(r"\d{4}")
DAYS_OF_DAYS, DAYS_OF_WEEKS = 45, 200


@dataclass(frozen=True)
class ChosenPeriod:
    """A period; `after` are its days that are over, `before` those they are compared with.

    `name` is the ISO name of a week, month or year, `earlier` and `later` those of its neighbours, the later
    one None where it has not begun. `interval` is that of the trend, None where there is none to show.
    """

    kind: Kind
    span: Span
    before: Span
    after: Span
    interval: Interval | None
    name: str = ""
    earlier: str | None = None
    later: str | None = None


def choose_period(kind: Kind, name: str, begin: str, end: str, zone: ZoneInfo, now: int) -> ChosenPeriod:
    """Return the period of a form; the present week, month or year without a name. Raises BadPeriod.

    `begin` and `end` are the first and the last day of an own period, the end included.
    """
    if kind in ("today", "7d", "30d"):
        days, today = ROLLING[kind], _date(now, zone)
        compared = _days_before(today, days, zone)
        return ChosenPeriod(kind, since_midnight(now, zone, days), *compared, "day" if days > 1 else None)
    if kind == "own":
        return _own(begin, end, zone, now)
    return _by_calendar(kind, name, zone, now)


def _by_calendar(kind: Kind, name: str, zone: ZoneInfo, now: int) -> ChosenPeriod:
    name = name if _fits(kind, name) else _name_of(kind, now, zone)
    whole, following = calendar_span(name, zone), _step(name, 1, zone)
    later = following if calendar_span(following, zone).first <= now else None
    interval: Interval = "month" if kind == "year" else "day"
    compared = _compared(name, zone, now)
    return ChosenPeriod(kind, _up_to(whole, now), *compared, interval, name, _step(name, -1, zone), later)


def _compared(name: str, zone: ZoneInfo, now: int) -> tuple[Span, Span]:
    """The days of a week, month or year that are over, and as many of the one before; on its first day the
    comparison is that of the one before.
    """
    whole, midnight = calendar_span(name, zone), _midnight(_date(now, zone), zone)
    if midnight == whole.first:
        return _compared(_step(name, -1, zone), zone, now)
    before = calendar_span(_step(name, -1, zone), zone)
    if not whole.first < midnight < whole.last:
        return before, whole
    days = round((midnight - whole.first) / DAY_S)
    end = _midnight(_date(before.first, zone) + timedelta(days=days), zone)
    return Span(before.first, min(end, before.last)), Span(whole.first, midnight)


def _days_before(day: date, days: int, zone: ZoneInfo) -> tuple[Span, Span]:
    """As many days before the days before a day, and these."""
    first, middle, last = (_midnight(day - timedelta(days=days * i), zone) for i in (2, 1, 0))
    return Span(first, middle), Span(middle, last)


def _date(second: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(second, zone).date()


def calendar_span(name: str, zone: ZoneInfo) -> Span:
    """Return an ISO week, month or year (2026-W47, 2026-11, 2026) in a time zone. Raises BadPeriod."""
    if "W" in name:
        return week_span(name, zone)
    months = 1 if MONTH.fullmatch(name) else 12
    first = _first_of(name)
    return Span(_midnight(first, zone), _midnight(_months_later(first, months), zone))


def _first_of(name: str) -> date:
    """First day of a month or a year."""
    try:
        return date.fromisoformat(f"{name}-01" if MONTH.fullmatch(name) else f"{name}-01-01")
    except ValueError:
        raise BadPeriod(f"{name} is not a valid month or year (examples: 2026-11, 2026)") from None


def _step(name: str, by: int, zone: ZoneInfo) -> str:
    """The week, month or year that is `by` after another."""
    if "W" in name:
        return weeks_later(name, by, zone)
    if MONTH.fullmatch(name):
        return _months_later(_first_of(name), by).strftime("%Y-%m")
    return str(_months_later(_first_of(name), 12 * by).year)


def _fits(kind: Kind, name: str) -> bool:
    """Whether a name is of that kind: the form sends the old name when another kind is chosen."""
    pattern = {"month": MONTH, "year": YEAR}.get(kind)
    return ("W" in name) if pattern is None else pattern.fullmatch(name) is not None


def _name_of(kind: Kind, now: int, zone: ZoneInfo) -> str:
    if kind == "week":
        return week_of(now, zone)
    return datetime.fromtimestamp(now, zone).strftime("%Y-%m" if kind == "month" else "%Y")


def _months_later(first: date, by: int) -> date:
    months = first.year * 12 + first.month - 1 + by
    if not 1970 * 12 < months < 9999 * 12:
        raise BadPeriod("choose a year between 1971 and 9998")
    return date(months // 12, months % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _up_to(whole: Span, now: int) -> Span:
    """A period up to the end of the open slot, if it has begun and is not over."""
    opened = now // SLOT_S * SLOT_S + SLOT_S
    return Span(whole.first, min(whole.last, opened)) if whole.first < opened else whole


def _own(begin: str, end: str, zone: ZoneInfo, now: int) -> ChosenPeriod:
    """From a first to a last day inclusive; by default the last seven days."""
    today = _date(now, zone)
    last = _day(end) if end else today
    first = _day(begin) if begin else last - timedelta(days=6)
    days = (last - first).days + 1
    if not 0 < days <= LONGEST_S // DAY_S:
        raise BadPeriod(
            f"from {first} to {last} is not a valid period: the last day must follow the first, by "
            "at most 20 years"
        )
    found = _up_to(Span(_midnight(first, zone), _midnight(last + timedelta(days=1), zone)), now)
    interval: Interval = "day" if days <= DAYS_OF_DAYS else "week" if days <= DAYS_OF_WEEKS else "month"
    over = min(last + timedelta(days=1), max(today, first + timedelta(days=1)))
    compared = _days_before(over, max((over - first).days, 1), zone)
    return ChosenPeriod("own", found, *compared, interval if days > 1 else None)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadPeriod(f"{text} is not a valid day (example: 2026-11-16)") from None
    if not 1970 < day.year < 9999:
        raise BadPeriod(f"{text} is out of range: choose a year between 1971 and 9998")
    return day

"""Periods of time: parse those of a query, and divide them into slots, hours, days, weeks or months.

Days, weeks and months are those of the organisation's time zone, hours and slots those of UTC. Everything
is in seconds UTC and falls on quarter hours, as every time zone in use today does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S

from .errors import ParcimetreError

Times = float | NDArray[np.int64]
Interval = Literal["slot", "hour", "day", "week", "month", "total"]
DAY_S = 86_400
OLDEST_RECORD_S = 400 * DAY_S  # older ones are refused: an agent stores them no longer either
HOUR_S = 3600
LONGEST_S = 20 * 366 * DAY_S
LAST_SECOND = 253_402_300_799
ISO_WEEK = re.compile(r"(\d{4})-?W(\d{2})")


class BadPeriod(ParcimetreError):
    """A period that is not valid."""

    status = 400
    kind = "bad-period"


@dataclass(frozen=True)
class Span:
    """From `first` up to but not including `last`, both seconds UTC on quarter hours."""

    first: int
    last: int


@dataclass(frozen=True)
class Periods:
    """A divided span: `edges` is (p + 1,) seconds UTC, `names` the ISO 8601 name of each piece."""

    edges: NDArray[np.int64]
    names: tuple[str, ...]

    def index(self, starts: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the index of each slot's piece, shape (n,); the slots must be within the span."""
        return np.searchsorted(self.edges, starts, side="right") - 1

    def seconds(self, first: Times, last: Times) -> NDArray[np.float64]:
        """Return the seconds of each piece between two times, shape (p,); for n pairs, shape (n, p)."""
        begin = np.asarray(first)[..., None]
        clipped = np.clip(self.edges, begin, np.maximum(begin, np.asarray(last)[..., None]))
        return np.diff(clipped).astype(np.float64)


def span(
    begin: str | None, end: str | None, zone: ZoneInfo, now: int, days: int = 7, from_midnight: bool = True
) -> Span:
    """Parse `from` and `to`: ISO 8601 dates or times, or seconds UTC; the last days if absent.

    A date is its first instant in the organisation's time zone; `to` is not included. Without `from`, it
    begins so many days before `to`, at midnight if `from_midnight`. Raises BadPeriod.
    """
    last = _second("to", end, zone) if end else now
    first = _second("from", begin, zone) if begin else _days_before(last, days, zone, from_midnight)
    if first >= last:
        raise BadPeriod(f"from = {begin} is not before to = {end or 'now'}. Swap them, or omit to.")
    if last - first > LONGEST_S:
        raise BadPeriod("the period is too long (limit 20 years): choose a later from or an earlier to")
    return Span(first // SLOT_S * SLOT_S, -(-last // SLOT_S) * SLOT_S)


def _days_before(last: int, days: int, zone: ZoneInfo, from_midnight: bool) -> int:
    """Return the second so many days before a time, or the midnight of that day; in 1970 at the earliest."""
    if not from_midnight:
        return last - days * DAY_S
    return max(0, _midnight(datetime.fromtimestamp(last, zone).date() - timedelta(days=days), zone))


def _second(name: str, text: str, zone: ZoneInfo) -> int:
    try:
        if text.isdigit():
            second = int(text)
        else:
            at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
            second = int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp())
    except (ValueError, OverflowError):
        second = -1
    if not 0 <= second <= LAST_SECOND:
        raise BadPeriod(
            f"{name} = {text} is not a time; give a date (2026-11-16), a time (2026-11-16T08:00) "
            "or seconds since 1970 UTC"
        )
    return second


def cut(within: Span, interval: Interval, zone: ZoneInfo) -> Periods:
    """Divide a span; the first and the last piece may be shorter than the interval."""
    if interval == "total":
        return Periods(np.array([within.first, within.last]), (f"{_utc(within.first)}/{_utc(within.last)}",))
    if interval in ("slot", "hour"):
        step = SLOT_S if interval == "slot" else HOUR_S
        starts = [within.first, *range(within.first // step * step + step, within.last, step)]
        return Periods(
            np.array([*starts, within.last]), tuple(_utc(start // step * step) for start in starts)
        )
    days = list(_first_days(within, interval, zone))
    starts = [max(within.first, _midnight(day, zone)) for day in days]
    return Periods(np.array([*starts, within.last]), tuple(_name(day, interval) for day in days))


def _first_days(within: Span, interval: Interval, zone: ZoneInfo) -> Iterator[date]:
    """Yield the first days of the days, weeks or months of the span."""
    day = _first_day(datetime.fromtimestamp(within.first, zone).date(), interval)
    while _midnight(day, zone) < within.last:
        yield day
        step = {"day": 1, "week": 7, "month": 32}[interval]
        day = _first_day(day + timedelta(days=step), interval)


def _first_day(day: date, interval: Interval) -> date:
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())


def _name(day: date, interval: Interval) -> str:
    if interval == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return day.strftime("%Y-%m") if interval == "month" else day.isoformat()


def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%MZ")


def since_midnight(now: int, zone: ZoneInfo, days: int = 1) -> Span:
    """The last days of the organisation, today included, up to the end of the slot that is open."""
    first = _midnight(datetime.fromtimestamp(now, zone).date() - timedelta(days=days - 1), zone)
    return Span(first, now // SLOT_S * SLOT_S + SLOT_S)


def next_midnight(second: int, zone: ZoneInfo) -> int:
    """Return the organisation's first midnight at or after a second UTC."""
    day = datetime.fromtimestamp(second, zone).date()
    midnight = _midnight(day, zone)
    return midnight if midnight >= second else _midnight(day + timedelta(days=1), zone)


def whole_days(within: Span, zone: ZoneInfo, now: int) -> Span | None:
    """Return the days of the organisation that are over at `now` and that a span touches, None if none is."""
    first = _midnight(datetime.fromtimestamp(within.first, zone).date(), zone)
    last = min(_midnight(datetime.fromtimestamp(now, zone).date(), zone), next_midnight(within.last, zone))
    return Span(first, last) if first < last else None


def week_span(week: str, zone: ZoneInfo) -> Span:
    """An ISO week (2026-W47) of the organisation's time zone. Raises BadPeriod."""
    found = ISO_WEEK.fullmatch(week)
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        monday = None
    if monday is None or not 1970 < monday.year < 9999:
        raise BadPeriod(f"{week} is not an ISO week; write the year, W and the week's number: 2026-W47")
    return Span(_midnight(monday, zone), _midnight(monday + timedelta(days=7), zone))


def week_of(second: int, zone: ZoneInfo) -> str:
    """Return the ISO week of a time."""
    return _name(datetime.fromtimestamp(second, zone).date(), "week")


def weeks_later(week: str, by: int, zone: ZoneInfo) -> str:
    """Return the ISO week a number of weeks after another."""
    return week_of(week_span(week, zone).first + by * 7 * DAY_S + DAY_S // 2, zone)

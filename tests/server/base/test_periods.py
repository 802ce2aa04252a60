"""Periods: what people ask for, cut at the right instants."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_server.base.periods import (
    BadPeriod,
    Span,
    cut,
    since_midnight,
    span,
    week_of,
    week_span,
    weeks_later,
)

PARIS = ZoneInfo("Europe/Paris")
UTC = ZoneInfo("UTC")
NOW = int(datetime(2026, 11, 24, 10, 7, tzinfo=UTC).timestamp())
QUARTERS = st.integers(0, 4_000_000).map(lambda quarter: quarter * 900)


def at(text, zone=UTC):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def test_a_date_begins_at_midnight_of_the_organisation():
    assert span("2026-11-16", "2026-11-17", PARIS, NOW) == Span(
        at("2026-11-15T23:00"), at("2026-11-16T23:00")
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-16T08:00+01:00",
        "2026-11-16T08:00 01:00",
        "2026-11-16T07:00Z",
        "2026-11-16T08:00",
        "1794812400",
    ],
)
def test_times_are_understood_in_every_form(text):
    assert span(text, None, PARIS, NOW).first == at("2026-11-16T07:00")


def test_without_bounds_it_is_the_last_seven_days_from_midnight_with_the_open_slot():
    found = span(None, None, PARIS, NOW)
    assert found.first == at("2026-11-16T23:00")  # midnight in Paris
    assert found.last == at("2026-11-24T10:15")


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("soon", None),
        ("2026-11-17", "2026-11-16"),
        ("1900-01-01", None),
        ("9" * 40, None),
        ("2026-13-01", None),
    ],
)
def test_what_is_no_period_is_refused_with_the_mend(begin, end):
    with pytest.raises(BadPeriod, match=r"give a date|Swap them|choose a later"):
        span(begin, end, PARIS, NOW)


def test_the_day_of_the_clock_change_has_25_hours():
    days = cut(Span(at("2026-10-23", PARIS), at("2026-10-27", PARIS)), "day", PARIS)
    assert days.names == ("2026-10-23", "2026-10-24", "2026-10-25", "2026-10-26")
    assert (np.diff(days.edges) / 3600).tolist() == [24, 24, 25, 24]


def test_weeks_are_iso_weeks_of_the_organisation():
    assert week_span("2026-W01", PARIS) == Span(at("2025-12-28T23:00"), at("2026-01-04T23:00"))
    assert week_of(at("2025-12-28T22:59"), PARIS) == "2025-W52"
    assert weeks_later("2026-W01", -1, PARIS) == "2025-W52"
    assert weeks_later("2026-W53", 1, PARIS) == "2027-W01"


@pytest.mark.parametrize("week", ["2026-W54", "2026", "W12", "2026-W00", "0000-W01", "2026-W1"])
def test_what_is_no_week_is_refused_with_an_example(week):
    with pytest.raises(BadPeriod, match="2026-W47"):
        week_span(week, PARIS)


def test_months_begin_on_their_first_day():
    months = cut(Span(at("2026-01-15", PARIS), at("2026-03-02", PARIS)), "month", PARIS)
    assert months.names == ("2026-01", "2026-02", "2026-03")
    assert months.edges[1] == at("2026-02-01", PARIS)


@given(first=QUARTERS, slots=st.integers(1, 3000))
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month", "total"])
def test_pieces_fill_the_span_without_gap_or_overlap(interval, first, slots):
    asked = Span(first, first + slots * 900)
    pieces = cut(asked, interval, PARIS)
    assert (pieces.edges[0], pieces.edges[-1]) == (asked.first, asked.last)
    assert (np.diff(pieces.edges) > 0).all()
    assert len(pieces.names) == len(set(pieces.names)) == len(pieces.edges) - 1


def test_seconds_count_only_what_lies_between():
    hours = cut(Span(0, 4 * 3600), "hour", UTC)
    assert hours.seconds(1800, 2 * 3600 + 60).tolist() == [1800, 3600, 60, 0]
    assert hours.seconds(9000, 100).sum() == 0


def test_today_begins_at_the_last_midnight_and_holds_the_open_slot():
    today = since_midnight(NOW, PARIS)
    assert today == Span(at("2026-11-23T23:00"), at("2026-11-24T10:15"))

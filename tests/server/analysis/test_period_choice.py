"""Periods that readers choose: where they begin and end, and what they are compared with."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_server.analysis.period_choice import choose_period
from parcimetre_server.base.periods import SLOT_S, BadPeriod, Span

PARIS = ZoneInfo("Europe/Paris")


def at(*moment):
    return int(datetime(*moment, tzinfo=PARIS).timestamp())


NOW = at(2026, 11, 24, 11, 7)


def told(kind, name="", begin="", end="", now=NOW):
    return choose_period(kind, name, begin, end, PARIS, now)


@pytest.mark.parametrize(
    ("found", "first", "last"),
    [
        (told("7d"), at(2026, 11, 18), at(2026, 11, 24, 11, 15)),
        (told("week"), at(2026, 11, 23), at(2026, 11, 24, 11, 15)),
        (told("week", "2026-W44"), at(2026, 10, 26), at(2026, 11, 2)),
        (told("month", "2026-03"), at(2026, 3, 1), at(2026, 4, 1)),
        (told("year"), at(2026, 1, 1), at(2026, 11, 24, 11, 15)),
        (told("own", "", "2026-10-01", "2026-10-31"), at(2026, 10, 1), at(2026, 11, 1)),
        (told("own", "", "", "2026-11-24"), at(2026, 11, 18), at(2026, 11, 24, 11, 15)),
    ],
    ids=["7 days", "this week", "a week", "a month", "this year", "own", "own without a beginning"],
)
def test_a_period_begins_and_ends_at_the_organisation_s_midnight_or_now(found, first, last):
    assert found.span == Span(first, last)


@pytest.mark.parametrize(
    ("found", "before", "after", "end"),
    [
        (told("7d"), (11, 10), (11, 17), (11, 24)),
        (told("today"), (11, 22), (11, 23), (11, 24)),
        (told("week"), (11, 16), (11, 23), (11, 24)),
        (told("week", now=at(2026, 11, 23, 9, 0)), (11, 9), (11, 16), (11, 23)),
        (told("month"), (10, 1), (11, 1), (11, 24)),
        (told("month", "2026-03"), (2, 1), (3, 1), (4, 1)),
        (told("week", "2026-W43"), (10, 12), (10, 19), (10, 26)),
        (told("own", "", "2026-10-05", "2026-10-07"), (10, 2), (10, 5), (10, 8)),
        (told("own", "", "2026-11-20", "2026-11-30"), (11, 16), (11, 20), (11, 24)),
    ],
    ids=[
        "7 days",
        "today",
        "tuesday",
        "monday",
        "this month",
        "a month",
        "clocks change",
        "own",
        "own and future",
    ],
)
def test_days_that_are_over_are_compared_with_as_many_or_with_the_whole_before(found, before, after, end):
    assert found.before.first == at(2026, *before)
    assert found.after == Span(at(2026, *after), at(2026, *end))
    whole = found.kind == "month" and found.name == "2026-03"
    days = found.before.last - found.before.first == found.after.last - found.after.first
    assert days or whole or found.name in ("2026-11", "2026-W43")


def test_neighbours_are_named_up_to_the_present():
    assert [told("month", "2026-01").earlier, told("month", "2026-01").later] == ["2025-12", "2026-02"]
    assert [told("year").earlier, told("year").later] == ["2025", None]
    assert told("week").later is None


def test_a_name_of_another_kind_is_that_of_before_the_form_was_changed():
    assert told("month", "2026-W44").name == "2026-11"


@pytest.mark.parametrize(
    ("kind", "about", "mend"),
    [
        (
            "own",
            {"begin": "2026-11-20", "end": "2026-11-10"},
            "the last day must follow the first, by at most 20 years",
        ),
        ("own", {"begin": "yesterday"}, "example: 2026-11-16"),
        ("own", {"begin": "0001-01-01"}, "choose a year"),
        ("month", {"name": "2026-13"}, "examples: 2026-11, 2026"),
        ("year", {"name": "0000"}, "2026"),
        ("year", {"name": "9999"}, "choose a year"),
        ("week", {"name": "2026-W60"}, "ISO week"),
    ],
)
def test_what_is_no_period_is_refused_with_the_mend(kind, about, mend):
    with pytest.raises(BadPeriod, match=mend):
        told(kind, **about)


@given(
    st.sampled_from(["today", "7d", "30d", "week", "month", "year", "own"]),
    st.integers(at(2000, 1, 1), at(2040, 1, 1)),
)
def test_periods_are_of_whole_slots_and_hold_now(kind, now):
    found = told(kind, now=now)
    for span in (found.span, found.before, found.after):
        assert span.first < span.last
        assert span.first % SLOT_S == span.last % SLOT_S == 0
    assert found.span.first <= now < found.span.last
    assert found.before.last <= found.after.first
    assert found.after.last <= now

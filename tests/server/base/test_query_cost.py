"""The cost of a query is counted before it starts, and costly ones wait for their turn."""

import threading
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_server.base.log import REQUEST_ID
from parcimetre_server.base.periods import DAY_S, Span, cut
from parcimetre_server.base.query_cost import (
    AT_ONCE,
    MOST_CELLS,
    MOST_SLOTS,
    MOST_WAITING,
    Cost,
    TooBusy,
    TooManyRows,
    Turns,
    check_cost,
    count_periods,
    query_cost,
)

START = 1_672_531_200  # 2023-01-01
YEAR = Span(START, START + 365 * DAY_S)
WHOLE = (START - DAY_S, START + 10 * 366 * DAY_S)
BORDEAUX, TWICE = 15_000, 30_000


@given(
    st.integers(0, 10**6),
    st.integers(1, 200_000),
    st.sampled_from(["slot", "hour", "day", "week", "month", "total"]),
)
def test_no_more_periods_are_counted_than_there_are(first, slots, interval):
    within = Span(first * 900, (first + slots) * 900)
    assert (
        1
        <= count_periods(within, interval)
        <= max(1, len(cut(within, interval, ZoneInfo("Europe/Paris")).names))
    )


@pytest.mark.parametrize(
    ("days", "interval", "devices", "groups", "by_slot"),
    [
        (365, "total", TWICE, 1, False),
        (365, "month", TWICE, 300, False),
        (365, "day", BORDEAUX, 200, False),
        (7, "hour", BORDEAUX, 1, True),
        (7, "day", BORDEAUX, BORDEAUX // 15, False),
        (3 * 365, "total", TWICE, 1, False),
        (365, "slot", 1, 1, True),
    ],
)
def test_what_a_large_fleet_asks_every_week_is_within_bounds(days, interval, devices, groups, by_slot):
    within = Span(START, START + days * DAY_S)
    check_cost(query_cost(within, interval, [WHOLE] * devices, groups, by_slot))


@pytest.mark.parametrize(
    ("days", "interval", "devices", "groups", "by_slot"),
    [
        (3.9 * 365, "slot", 1, 1, True),
        (365, "slot", 300, 1, True),
        (365, "hour", BORDEAUX, 1, True),
        (365, "day", TWICE, 1, False),
        (365, "day", 300, 300, False),
        (10 * 365, "total", 2 * TWICE, 1, False),
    ],
)
def test_what_would_read_or_answer_too_much_says_what_to_narrow(days, interval, devices, groups, by_slot):
    within = Span(START, START + int(days) * DAY_S)
    with pytest.raises(TooManyRows, match="choose a longer interval, a shorter period"):
        check_cost(query_cost(within, interval, [WHOLE] * devices, groups, by_slot))


def test_devices_without_records_in_the_period_cost_nothing():
    cost = query_cost(YEAR, "slot", [(0, START - 900), (YEAR.last, WHOLE[1])], by_slot=True)
    assert (cost.cells, cost.slots) == (0, 0)
    assert query_cost(YEAR, "total", [(YEAR.last - 900, WHOLE[1])], by_slot=True).slots == 1


def test_costly_queries_of_requests_are_refused_once_enough_wait_and_jobs_are_not():
    turns, costly, inside = Turns(), Cost(1, 1, MOST_CELLS, MOST_SLOTS), threading.Semaphore(0)
    go = threading.Event()

    def compute():
        with turns.take(costly):
            inside.release()
            go.wait(60)

    threads = [threading.Thread(target=compute) for _ in range(AT_ONCE + MOST_WAITING)]
    for thread in threads:
        thread.start()
    for _ in range(AT_ONCE):
        assert inside.acquire(timeout=60)
    while turns._present < len(threads):
        pass
    token = REQUEST_ID.set("asked")
    with pytest.raises(TooBusy) as refused, turns.take(costly):
        pass
    assert refused.value.headers == {"Retry-After": "10"}
    with turns.take(Cost(1)):
        pass
    REQUEST_ID.reset(token)
    job = threading.Thread(target=compute)
    job.start()
    go.set()
    for thread in (*threads, job):
        thread.join(60)
    assert turns._present == 0

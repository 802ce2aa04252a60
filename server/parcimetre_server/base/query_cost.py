"""Cost of a query, counted before it starts, and its bounds; costly queries are computed two at a time.

A query whose answer is too long, or that would read too much, is refused at once and says what to narrow.
What is counted is what a query holds in memory: rows of the answer, cells (a device in a period, some 400
bytes each), and quarter hours that are read one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from parcimetre_factors.activity import SLOT_S

from .errors import ParcimetreError
from .log import REQUEST_ID
from .periods import DAY_S, HOUR_S, Interval, Span

MOST_ROWS = 100_000
MOST_CELLS = 6_000_000  # 15,000 devices for a year by day
MOST_SLOTS = 12_000_000  # 15,000 devices for a week by hour
MOST_DEVICE_DAYS = 40_000_000  # 30,000 devices for three years, from sums of days
COSTLY_CELLS, COSTLY_SLOTS, COSTLY_DEVICE_DAYS = 200_000, 1_000_000, 100_000
AT_ONCE, MOST_WAITING = 2, 8
RETRY_AFTER_S = 10
NARROW = "choose a longer interval, a shorter period, an org unit or another group_by"
STEP_S: dict[Interval, int] = {
    "slot": SLOT_S, "hour": HOUR_S, "day": DAY_S, "week": 7 * DAY_S, "month": 31 * DAY_S,
}  # fmt: skip


class TooManyRows(ParcimetreError):
    """A query whose answer would have too many rows, or that would read too much."""

    status = 400
    kind = "too-many-rows"


class TooBusy(ParcimetreError):
    """Enough costly queries wait already."""

    status = 503
    kind = "too-busy"

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that says after how many seconds to ask again."""
        return {"Retry-After": str(RETRY_AFTER_S)}


@dataclass(frozen=True)
class Cost:
    """Cost of a query: periods and groups of its rows, cells, slots that are read one by one, device-days."""

    periods: int
    groups: int = 1
    cells: int = 0
    slots: int = 0
    device_days: int = 0

    @property
    def is_costly(self) -> bool:
        """Whether the query has to wait for its turn."""
        return self.cells > COSTLY_CELLS or self.slots > COSTLY_SLOTS or self.device_days > COSTLY_DEVICE_DAYS


def count_periods(within: Span, interval: Interval) -> int:
    """Return how many periods a span has at least."""
    if interval == "total":
        return 1
    return max(1, (within.last - within.first) // STEP_S[interval])


def query_cost(
    within: Span,
    interval: Interval,
    recorded: Iterable[tuple[int, int]] = (),
    groups: int = 1,
    by_slot: bool = False,
) -> Cost:
    """Return the cost of a query over devices, `recorded` from their first to their last slot.

    With `by_slot` their quarter hours are read one by one, and not summed by day beforehand.
    """
    periods = count_periods(within, interval)
    spans = [min(last + SLOT_S, within.last) - max(first, within.first) for first, last in recorded]
    inside = [seconds for seconds in spans if seconds > 0]
    slots = sum(inside) // SLOT_S if by_slot else 0
    return Cost(periods, groups, len(inside) * periods, slots, sum(inside) // DAY_S)


def check_cost(cost: Cost, narrow: str = NARROW, most_rows: int = MOST_ROWS) -> None:
    """Raise TooManyRows, with what to narrow, if a query would cost too much."""
    if cost.periods * cost.groups > most_rows:
        raise TooManyRows(
            f"the answer has too many rows ({cost.groups} groups in {cost.periods} periods, limit "
            f"{most_rows} rows): {narrow}"
        )
    for found, most, what in (
        (cost.cells, MOST_CELLS, "devices times periods"),
        (cost.slots, MOST_SLOTS, "quarter hours to read"),
        (cost.device_days, MOST_DEVICE_DAYS, "days of devices"),
    ):
        if found > most:
            raise TooManyRows(f"the query is too large ({found} {what}, limit {most}): {narrow}")


class Turns:
    """Computes costly queries a few at a time, so that neither memory nor threads run out.

    Requests are refused once enough of them wait; jobs and commands wait for their turn.
    """

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        """Start with nobody waiting."""
        self._free, self._lock = threading.Semaphore(at_once), threading.Lock()
        self._most, self._present = at_once + most_waiting, 0

    @contextmanager
    def take(self, cost: Cost) -> Iterator[None]:
        """Wait for a turn if the query is costly. Raises TooBusy if enough others wait."""
        if not cost.is_costly:
            yield
            return
        with self._lock:
            if self._present >= self._most and REQUEST_ID.get() is not None:
                raise TooBusy(
                    f"{self._most} large queries are being computed already: ask again in {RETRY_AFTER_S} s"
                )
            self._present += 1
        try:
            with self._free:
                yield
        finally:
            with self._lock:
                self._present -= 1


TURNS = Turns()
"""The turns of this process."""

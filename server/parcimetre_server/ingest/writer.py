"""Writer of the store: one thread commits all waiting reports together, and acknowledges them afterwards."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import islice
from queue import Empty, SimpleQueue

from ..base import clock
from ..base.errors import ParcimetreError
from ..base.metrics import Meters
from ..store.interface import Store
from ..store.records import WriteBatch, WriteResult, sum_results

LOG = logging.getLogger(__name__)
MOST_PER_COMMIT = 500
GATHERED_S, ENOUGH = 0.001, 24  # reports that arrive within so long of each other share a commit
RETRY_AFTER_S = 30

Outcome = WriteResult | Exception
Promise = Future[WriteResult] | asyncio.Future[WriteResult]
QueuedReport = tuple[Sequence[WriteBatch], Promise]


class Overloaded(ParcimetreError):
    """More reports wait than fit in memory, or the collector is stopping."""

    status = 503
    kind = "overloaded"

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that says after how many seconds to send again."""
        return {"Retry-After": str(RETRY_AFTER_S)}


class NotStored(Overloaded):
    """The store could not be written."""

    kind = "not-stored"


class Writer:
    """Group commit of reports; `most_waiting` bounds those being received, and those to be written."""

    def __init__(self, store: Store, most_waiting: int) -> None:
        """Start the thread."""
        self._store = store
        self._most_waiting = most_waiting
        self.meters = Meters()
        self._queue: SimpleQueue[QueuedReport | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._reserved = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return how many reports wait to be committed."""
        return self._queue.qsize()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Reserve a place for a report before its body is read. Raises Overloaded when none is free."""
        with self._lock:
            self._check(self._reserved)
            self._reserved += 1
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= 1

    def submit(self, *batches: WriteBatch) -> Future[WriteResult]:
        """Queue the batches of a report; the future resolves after their commit, or fails with NotStored.

        Raises Overloaded at once when the queue is full or closed.
        """
        future: Future[WriteResult] = Future()
        self._put(batches, future)
        return future

    async def written(self, *batches: WriteBatch) -> WriteResult:
        """Write the batches of a report; return their results added up, once they are on disk."""
        future: asyncio.Future[WriteResult] = asyncio.get_running_loop().create_future()
        self._put(batches, future)
        return await future

    def _put(self, batches: Sequence[WriteBatch], promise: Promise) -> None:
        with self._lock:
            self._check(self._queue.qsize())
            self._queue.put((batches, promise))

    def close(self) -> None:
        """Write the waiting reports, then end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _check(self, waiting: int) -> None:
        """Raise Overloaded when closed, or when as many reports wait as fit in memory."""
        if self._closed:
            raise Overloaded("the collector is stopping; send the report again later")
        if waiting >= self._most_waiting:
            raise Overloaded(
                f"too many reports ({waiting}) are waiting to be written: send this one again later"
            )

    def _run(self) -> None:
        going = True
        while going:
            reports: list[QueuedReport] = []
            item = self._queue.get()
            self._gather()
            while item is not None:
                if _is_wanted(item[1]):
                    reports.append(item)
                if len(reports) >= MOST_PER_COMMIT:
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
            going = item is not None
            self._write(reports)

    def _gather(self) -> None:
        """Wait while more reports keep coming, until there are enough for a commit to be worth its cost."""
        before = -1
        while before < (before := self._queue.qsize()) < ENOUGH and not self._closed:
            time.sleep(GATHERED_S)

    def _write(self, reports: list[QueuedReport]) -> None:
        """Commit reports and resolve their futures; on failure all of them fail, and none is acknowledged."""
        if not reports:
            return
        begin = time.perf_counter()
        try:
            results = self._store.write([batch for batches, _ in reports for batch in batches])
        except Exception as error:  # the edge of a loop that must survive
            self.meters.failed_commits += 1
            LOG.error(
                "%d reports could not be written; their agents will send them again: %s",
                len(reports),
                error,
                exc_info=not isinstance(error, ParcimetreError),
            )
            failure = NotStored(
                f"the store could not be written ({error}); the report was not stored. Fix the "
                "collector's disk; agents will send again."
            )
            _resolve_all(reports, [failure] * len(reports))
            return
        self.meters.commits.observe(time.perf_counter() - begin)
        self.meters.committed_at = clock.now()
        remaining = iter(results)
        _resolve_all(reports, [sum_results(islice(remaining, len(batches))) for batches, _ in reports])


def _is_wanted(promise: Promise) -> bool:
    """Return whether a report's sender still waits; it may have hung up."""
    return (
        not promise.cancelled()
        if isinstance(promise, asyncio.Future)
        else (promise.set_running_or_notify_cancel())
    )


def _resolve_all(reports: Sequence[QueuedReport], outcomes: Sequence[Outcome]) -> None:
    """Resolve the future of each report; an event loop is woken once for all of its own."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Promise, Outcome]]] = defaultdict(list)
    for (_, promise), outcome in zip(reports, outcomes, strict=True):
        if isinstance(promise, asyncio.Future):
            by_loop[promise.get_loop()].append((promise, outcome))
        else:
            _resolve(promise, outcome)
    for loop, resolved in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended, and with it all that waited in it
            loop.call_soon_threadsafe(_resolve_pending, resolved)


def _resolve_pending(resolved: Sequence[tuple[Promise, Outcome]]) -> None:
    for promise, outcome in resolved:
        if not promise.done():
            _resolve(promise, outcome)


def _resolve(promise: Promise, outcome: Outcome) -> None:
    if isinstance(outcome, Exception):
        promise.set_exception(outcome)
    else:
        promise.set_result(outcome)

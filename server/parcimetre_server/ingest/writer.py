"""One thread that writes to the store: whatever waits is committed together, and only then acknowledged."""

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

Settled = WriteResult | Exception
Promise = Future[WriteResult] | asyncio.Future[WriteResult]
Waiting = tuple[Sequence[WriteBatch], Promise]


class Overloaded(ParcimetreError):
    """More reports wait than may be held in memory, or the collector is stopping."""

    status = 503
    kind = "overloaded"

    @property
    def headers(self) -> dict[str, str]:
        """When to come again."""
        return {"Retry-After": str(RETRY_AFTER_S)}


class NotStored(Overloaded):
    """The store could not be written."""

    kind = "not-stored"


class Writer:
    """Group commit. `most_waiting` bounds the reports being received, and those waiting to be written."""

    def __init__(self, store: Store, most_waiting: int) -> None:
        """Start the thread."""
        self._store = store
        self._most_waiting = most_waiting
        self.meters = Meters()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._admitted = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Reports that wait to be committed."""
        return self._queue.qsize()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a place for a report from before its body is read. Raises Overloaded when all are taken."""
        with self._lock:
            self._check(self._admitted)
            self._admitted += 1
        try:
            yield
        finally:
            with self._lock:
                self._admitted -= 1

    def submit(self, *arrivals: WriteBatch) -> Future[WriteResult]:
        """Queue the arrivals of a report; the future resolves after their commit, or fails with NotStored.

        Raises Overloaded at once when the queue is full or closed.
        """
        future: Future[WriteResult] = Future()
        self._put(arrivals, future)
        return future

    async def written(self, *arrivals: WriteBatch) -> WriteResult:
        """The same, for the event loop: what became of the arrivals together, once they are on disk."""
        future: asyncio.Future[WriteResult] = asyncio.get_running_loop().create_future()
        self._put(arrivals, future)
        return await future

    def _put(self, arrivals: Sequence[WriteBatch], promise: Promise) -> None:
        with self._lock:
            self._check(self._queue.qsize())
            self._queue.put((arrivals, promise))

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _check(self, taken: int) -> None:
        if self._closed:
            raise Overloaded("the collector is stopping; send the report again later")
        if taken >= self._most_waiting:
            raise Overloaded(
                f"too many reports ({taken}) are waiting to be written: send this one again later"
            )

    def _run(self) -> None:
        going = True
        while going:
            batch: list[Waiting] = []
            item = self._queue.get()
            self._gather()
            while item is not None:
                if _is_wanted(item[1]):
                    batch.append(item)
                if len(batch) >= MOST_PER_COMMIT:
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
            going = item is not None
            self._write(batch)

    def _gather(self) -> None:
        """Wait while more reports keep coming, until there are enough for a commit to be worth its cost."""
        before = -1
        while before < (before := self._queue.qsize()) < ENOUGH and not self._closed:
            time.sleep(GATHERED_S)

    def _write(self, batch: list[Waiting]) -> None:
        """Commit a batch and resolve its futures; on failure all of them fail, nothing was acknowledged."""
        if not batch:
            return
        begin = time.perf_counter()
        try:
            merged = self._store.write([one for arrivals, _ in batch for one in arrivals])
        except Exception as error:  # the edge of a loop that must survive
            self.meters.failed_commits += 1
            LOG.error(
                "%d reports could not be written; their agents will send them again: %s",
                len(batch),
                error,
                exc_info=not isinstance(error, ParcimetreError),
            )
            failure = NotStored(
                f"the store could not be written ({error}); the report was not stored. Fix the "
                "collector's disk; agents will send again."
            )
            _settle(batch, [failure] * len(batch))
            return
        self.meters.commits.observe(time.perf_counter() - begin)
        self.meters.committed_at = clock.now()
        of_all = iter(merged)
        _settle(batch, [sum_results(islice(of_all, len(arrivals))) for arrivals, _ in batch])


def _is_wanted(promise: Promise) -> bool:
    """Whether somebody still waits: a client may have hung up."""
    return (
        not promise.cancelled()
        if isinstance(promise, asyncio.Future)
        else (promise.set_running_or_notify_cancel())
    )


def _settle(batch: Sequence[Waiting], answers: Sequence[Settled]) -> None:
    """Tell everyone what became of their arrival; an event loop is woken once for all that wait in it."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Promise, Settled]]] = defaultdict(list)
    for (_, promise), answer in zip(batch, answers, strict=True):
        if isinstance(promise, asyncio.Future):
            by_loop[promise.get_loop()].append((promise, answer))
        else:
            _tell(promise, answer)
    for loop, told in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended, and everyone with it
            loop.call_soon_threadsafe(_tell_all, told)


def _tell_all(told: Sequence[tuple[Promise, Settled]]) -> None:
    for promise, answer in told:
        if not promise.done():
            _tell(promise, answer)


def _tell(promise: Promise, answer: Settled) -> None:
    if isinstance(answer, Exception):
        promise.set_exception(answer)
    else:
        promise.set_result(answer)

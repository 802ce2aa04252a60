"""One thread that commits whatever waits, in groups; an acknowledgement follows the commit."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from concurrent.futures import Future

from .errors import ParcimetreError
from .store import Arrival, Merged, Store

LOG = logging.getLogger(__name__)
MOST_IN_A_GROUP = 500
RETRY_AFTER_S = 5

_Waiting = tuple[Arrival, Future[Merged]]


class Overloaded(ParcimetreError):
    """More reports wait than the store can take."""

    status = 503
    kind = "overloaded"

    @property
    def headers(self) -> dict[str, str]:
        """When to come back."""
        return {"Retry-After": str(RETRY_AFTER_S)}


class NotStored(Overloaded):
    """The store refused a group, for instance because its disk is full."""

    kind = "not-stored"


class Writer:
    """Takes arrivals from any thread and writes them in groups, one transaction each."""

    def __init__(self, store: Store, most_waiting: int) -> None:
        """Start the thread; at most `most_waiting` arrivals wait at once."""
        self._store = store
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, arrival: Arrival) -> Future[Merged]:
        """Queue an arrival; its future is done once it is on disk.

        Raises Overloaded when too many wait; the future raises NotStored when the store refuses it.
        """
        future: Future[Merged] = Future()
        try:
            self._queue.put_nowait((arrival, future))
        except queue.Full:
            raise Overloaded("the collector is busy and stored nothing; send again later") from None
        return future

    def close(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        for group in iter(self._next_group, []):
            self._commit(group)

    def _next_group(self) -> list[_Waiting]:
        """Wait for an arrival and take all that wait with it; nothing at the end."""
        group: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == MOST_IN_A_GROUP or self._queue.empty():
                return group
            item = self._queue.get()
        if group:
            self._queue.put(None)
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            merged = self._store.write([arrival for arrival, _ in group])
        except sqlite3.Error as error:
            LOG.error("a group of %d reports was not stored: %s", len(group), error)
            refusal = NotStored(f"the store cannot write ({error}) and stored nothing; send again later")
            for _, future in group:
                future.set_exception(refusal)
            return
        for (_, future), result in zip(group, merged, strict=True):
            future.set_result(result)

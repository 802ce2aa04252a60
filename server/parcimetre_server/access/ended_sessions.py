"""Ended sessions: facts in the store, so that a log-out counts for every collector and survives a restart."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter

from ..store.fact_schema import EndedSessionBody, body_of
from ..store.interface import Store
from ..store.records import Fact
from .context import Context

REFRESH_S = 3.0
MOST_OF_A_HOLDER = 100
"""Ended sessions stored for one token or person; one more ends all that were opened until then."""


class EndedSessions:
    """Recognises ended sessions. Those ended at other collectors are seen within `refresh_s` seconds."""

    def __init__(self, context: Context, refresh_s: float = REFRESH_S) -> None:
        """Read the store when the first session is shown."""
        self.refresh_s = refresh_s
        self._context = context
        self._lock = threading.Lock()
        self._ended: dict[str, EndedSessionBody] = {}
        self._refreshed_at = -math.inf

    def has(self, session_id: str, holder: str, opened_at: int) -> bool:
        """Return whether a session that its holder opened at a second UTC has ended."""
        with self._lock:
            if time.monotonic() - self._refreshed_at >= self.refresh_s:
                self._ended = _all_ended(self._context.store)
                self._refreshed_at = time.monotonic()
            together = self._ended.get(_of_holder(holder))
            return session_id in self._ended or (
                together is not None and opened_at <= (together["opened_until"] or 0)
            )

    def end(self, session_id: str, holder: str, until: int) -> None:
        """End a session that would expire at `until` (seconds UTC), durably; raise what the store raises."""
        now, ended = self._context.now(), _all_ended(self._context.store)
        known = Counter(body["holder"] for body in ended.values())
        if known[holder] < MOST_OF_A_HOLDER:
            key, body = session_id, EndedSessionBody(holder=holder, until=until, opened_until=None)
        else:
            key, body = _of_holder(holder), EndedSessionBody(holder=holder, until=until, opened_until=now)
        with self._lock:
            self._ended[key] = body
        self._context.store.append([Fact("ended_session", key, now, dict(body))])


def prune_ended(store: Store, now: int) -> None:
    """Delete ended sessions that would have expired by now (seconds UTC)."""
    expired = [key for key, body in _all_ended(store).items() if body["until"] <= now]
    if expired:
        store.remove("ended_session", expired)


def _all_ended(store: Store) -> dict[str, EndedSessionBody]:
    return {key: body_of(fact, EndedSessionBody) for key, fact in store.latest("ended_session").items()}


def _of_holder(holder: str) -> str:
    """Return the key of the fact that ends all sessions of a holder."""
    return f"all of {holder}"

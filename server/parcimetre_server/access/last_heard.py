"""The last report of each agent that this process received, in memory only."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.cache import Cache
from ..store.records import DeviceId

MOST = 200_000
STALE = (
    "The latest report counts until the process ends, and never against a later slot that the store has from "
    "another collector."
)


@dataclass(frozen=True)
class Contact:
    """When a report arrived, seconds UTC, and how many slots stayed with the agent, if it stated that."""

    at: int
    waiting: int | None


LastHeard = Cache[DeviceId, Contact]


def new_last_heard() -> LastHeard:
    """Return an empty cache of contacts."""
    return Cache("last heard", STALE, MOST)

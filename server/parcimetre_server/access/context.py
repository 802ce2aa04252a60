"""What one running collector, or one command that reads its data, has at hand."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from parcimetre_factors.tables.factor_set import FactorSet

from ..base import clock
from ..base.cache import Cache
from ..base.scope import WHOLE, Scope
from ..configuration.settings import Settings
from ..store.interface import Store
from .access_record import RecentLooks, new_recent_looks
from .answer_cache import Answers, Question, new_answers
from .last_heard import LastHeard, new_last_heard
from .presence import sees_presence
from .scoped_store import ScopedStore, whole

DAILY_BYTES = 160 * 2**20


def new_daily_totals(most_bytes: int = DAILY_BYTES) -> Cache[Any, Any]:
    """Return an empty cache of daily totals (`footprint/daily_cache.py`), bounded by their bytes."""
    stale = "A daily total counts while its device's records cover as many seconds of the day as then."
    return Cache("daily totals", stale, most_bytes, lambda totals: totals.bytes)


@dataclass(frozen=True)
class Context:
    """Settings in force, the store, the factor set that figures are computed with, and four caches.

    `scope` says for whom: the store of a context that was narrowed to a scope shows nothing else. The caches
    are shared by all readers; their keys, or the ids asked for, hold what a scope narrows.
    """

    settings: Settings
    store: Store
    factors: FactorSet
    last_heard: LastHeard = field(default_factory=new_last_heard)
    daily_totals: Cache[Any, Any] = field(default_factory=new_daily_totals)
    answers: Answers = field(default_factory=new_answers)
    recent_looks: RecentLooks = field(default_factory=new_recent_looks)
    scope: Scope = WHOLE

    def now(self) -> int:
        """Return the time, seconds UTC."""
        return clock.now()

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return self.settings.zone

    @property
    def whole_store(self) -> Store:
        """The store itself, whatever the reader sees of it."""
        return whole(self.store)

    @property
    def sees_presence(self) -> bool:
        """Whether the reader sees presence data: less than whole days of single machines."""
        return sees_presence(self.scope, self.store)

    def question(self, asked: Hashable) -> Question:
        """Return what a reader of this scope asks, as the key of its answer."""
        return Question(self.factors.id, self.scope, (asked, self.sees_presence))

    def within(self, scope: Scope) -> Context:
        """Return the same for a reader who may see only a scope."""
        store = self.store if scope.whole else ScopedStore(self.store, scope)
        return replace(self, store=store, scope=scope)

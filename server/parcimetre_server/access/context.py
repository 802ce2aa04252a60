"""What one running collector, or one command that reads its data, has at hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from parcimetre_factors.tables.factor_set import FactorSet

from ..base import clock
from ..base.scope import WHOLE, Scope
from ..configuration.settings import Settings
from ..footprint.daily_cache import DailyCache
from ..store.interface import Store
from .answer_cache import Moments
from .last_heard import LastHeard
from .scoped_store import ScopedStore


@dataclass(frozen=True)
class Context:
    """Settings in force, the store, the factor set that figures are computed with, who was heard, and what
    was computed before.

    `scope` says for whom: the store of a collector that was narrowed to a scope holds nothing else.
    """

    settings: Settings
    store: Store
    factors: FactorSet
    seen: LastHeard = field(default_factory=LastHeard)
    days: DailyCache = field(default_factory=DailyCache)
    moments: Moments = field(default_factory=Moments)
    scope: Scope = WHOLE

    def now(self) -> int:
        """Seconds UTC."""
        return clock.now()

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return self.settings.zone

    def within(self, scope: Scope) -> Context:
        """The same for a reader who may see only a scope."""
        return self if scope.whole else replace(self, store=ScopedStore(self.store, scope), scope=scope)

"""What one running collector, or one command that reads its data, has at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from parcimetre_factors.factor import FactorSet
from starlette.requests import Request

from ..base import clock
from ..base.scope import WHOLE, Role, Scope
from ..configuration.settings import Settings
from ..footprint.daily_cache import DaySums
from ..store.interface import Store
from .answer_cache import Moments
from .last_heard import Seen
from .reader import reader_of
from .scoped_store import ScopedStore

READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Collector:
    """Settings in force, the store, the factor set that figures are computed with, who was heard, and what
    was computed before.

    `scope` says for whom: the store of a collector that was narrowed to a scope holds nothing else.
    """

    settings: Settings
    store: Store
    factors: FactorSet
    seen: Seen = field(default_factory=Seen)
    days: DaySums = field(default_factory=DaySums)
    moments: Moments = field(default_factory=Moments)
    scope: Scope = WHOLE

    def now(self) -> int:
        """Seconds UTC."""
        return clock.now()

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return self.settings.zone

    def within(self, scope: Scope) -> Collector:
        """The same for a reader who may see only a scope."""
        return self if scope.whole else replace(self, store=ScopedStore(self.store, scope), scope=scope)


def of(request: Request) -> Collector:
    """The collector as the one who asks may see it, with single devices; changes are for admins.

    Every route that reads depends on this, or on `aggregates`. Raises NotAllowed and UnknownOrgUnit.
    """
    return _narrowed(request, "analyst" if request.method in READING else "admin")


def aggregates(request: Request) -> Collector:
    """The same for a route that shows sums of groups only, so that viewers may ask it too."""
    return _narrowed(request, "viewer")


def serving(request: Request) -> Collector:
    """The whole collector: for agents and for what is open to everybody, which tell nothing of the fleet."""
    collector: Collector = request.app.state.collector
    return collector


def _narrowed(request: Request, role: Role) -> Collector:
    scope = reader_of(request).scope
    scope.need(role, f"{request.method} {request.url.path}")
    collector = serving(request).within(scope)
    if not scope.whole:
        for org_unit in filter(None, request.query_params.getlist("org_unit")):
            scope.check_unit(org_unit, _known_units(collector.store))
    return collector


def _known_units(store: Store) -> Iterator[str]:
    """Org units that were created, then those of devices."""
    yield from store.latest("org_unit")
    yield from (str(fact.body["org_unit"]) for fact in store.latest("device").values())

"""What one running collector, or one command that reads its data, has at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from parcimetre_factors.factor import FactorSet
from starlette.requests import Request

from . import clock
from .day_sums import DaySums
from .factor_sets import in_force
from .seen import Seen
from .settings import Settings
from .store import Store
from .store.clickhouse import open_store as open_clickhouse
from .store.embedded import open_store
from .store.embedded.files import make_folder


@dataclass(frozen=True)
class Collector:
    """Settings in force, the store, the factor set that figures are computed with, who was heard, and what
    was computed before.
    """

    settings: Settings
    store: Store
    factors: FactorSet
    seen: Seen = field(default_factory=Seen)
    days: DaySums = field(default_factory=DaySums)

    def now(self) -> int:
        """Seconds UTC."""
        return clock.now()

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return self.settings.zone


def open_collector(settings: Settings, create: bool = False) -> Collector:
    """Open a data folder, and the store in it or at its address; made where they are missing if `create`.

    Raises StoreUnusable and BadFactorRow with the mend.
    """
    return Collector(settings, store_of(settings, create), in_force(settings.data_dir))


def store_of(settings: Settings, create: bool = False) -> Store:
    """The store that settings name. Raises StoreUnusable with the mend."""
    address = settings.store
    if not address.url:
        return open_store(settings.data_dir, create)
    if create:
        make_folder(settings.data_dir)
    return open_clickhouse(address.url, address.password(), create)


def open_reading(data_dir: Path) -> Collector:
    """Open the data folder of an existing collector, for a command. Raises StoreUnusable with the mend."""
    return open_collector(Settings(data_dir))


def of(request: Request) -> Collector:
    """The collector that serves a request."""
    collector: Collector = request.app.state.collector
    return collector

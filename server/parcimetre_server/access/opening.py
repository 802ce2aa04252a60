"""Open the store and factor set that settings name."""

from __future__ import annotations

from ..configuration.factor_sets import in_force
from ..configuration.settings import Settings
from ..store.clickhouse import open_store as open_clickhouse
from ..store.embedded import open_store
from ..store.embedded.files import make_folder
from ..store.interface import Store
from .context import Context


def open_context(settings: Settings, create: bool = False) -> Context:
    """Open a data folder, and the store in it or at its address; create what is missing if `create`.

    Raises StoreUnusable and BadFactorRow with the fix.
    """
    return Context(settings, open_store_of(settings, create), in_force(settings.data_dir))


def open_store_of(settings: Settings, create: bool = False) -> Store:
    """Open the store that settings name. Raises StoreUnusable with the fix."""
    address = settings.store
    if not address.url:
        return open_store(settings.data_dir, create)
    if create:
        make_folder(settings.data_dir)
    return open_clickhouse(address.url, address.password(), create)

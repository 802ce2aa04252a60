"""The embedded engine: one SQLite file, nothing to install."""

from .engine import EmbeddedStore
from .files import FILE, LAYOUT, open_store, store_bytes

__all__ = ["FILE", "LAYOUT", "EmbeddedStore", "open_store", "store_bytes"]

"""The embedded engine: one SQLite file, nothing to install."""

from .engine import EmbeddedStore
from .files import open_store

__all__ = ["EmbeddedStore", "open_store"]

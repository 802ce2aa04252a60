"""The engine for several machines: any number of collectors on one ClickHouse, sharded by device."""

from .address import is_clickhouse
from .engine import ClickHouseStore
from .open import open_store

__all__ = ["ClickHouseStore", "is_clickhouse", "open_store"]

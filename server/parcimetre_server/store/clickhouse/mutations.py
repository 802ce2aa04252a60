"""Rows that must go: deletions that ClickHouse carries out part by part, waited for until they are.

Readers see nothing of what was deleted from then on; the parts that held it leave the disk some minutes
later (old_parts_lifetime, 8 minutes unless set otherwise).
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from ..errors import StoreUnusable
from .server import Server, quoted, select

WAIT_S = 600
LOOK_S = 0.05
WAITING = """
    SELECT count() AS waiting FROM system.mutations
    WHERE database = currentDatabase() AND table = {table} AND is_done = 0
"""


def delete(server: Server, table: str, column: str, values: Iterable[str], where: str = "1") -> None:
    """Delete the rows with one of these values for good. Raises StoreUnusable where it takes too long."""
    any_of = ", ".join(map(quoted, values))
    if not any_of:
        return
    server.ask(f"ALTER TABLE {table} DELETE WHERE {column} IN ({any_of}) AND {where}")
    until = time.monotonic() + WAIT_S
    while _waiting(server, table):
        if time.monotonic() > until:
            raise StoreUnusable(
                f"the ClickHouse server {server.name} is still deleting from {table} after {WAIT_S} "
                "s: check its table system.mutations and repeat the command when it has finished"
            )
        time.sleep(LOOK_S)


def _waiting(server: Server, table: str) -> bool:
    found = select(server, WAITING.format(table=quoted(table)))
    waiting = found["waiting"]
    assert isinstance(waiting, np.ndarray)
    return bool(waiting[0])

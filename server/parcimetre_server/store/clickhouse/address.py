"""Where the servers of a ClickHouse store are: `clickhouse+http://user@host:8123/database,http://host2:8123`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ..errors import StoreUnusable

SCHEMES = ("clickhouse+http://", "clickhouse+https://")
EXAMPLE = "clickhouse+http://user@host:8123/parcimetre"
PORTS = {"http": 8123, "https": 8443}


@dataclass(frozen=True)
class Address:
    """One server, which holds one shard; `base` is its address without user and database."""

    base: str
    user: str
    database: str


def is_clickhouse(url: str) -> bool:
    """Whether a store's address names this engine."""
    return url.startswith("clickhouse+")


def addresses(url: str) -> list[Address]:
    """The servers in order: the first is shard 1. User and database are the first one's where none is given.

    Raises StoreUnusable for what is no such address, and for a password in it: process lists show it.
    """
    if not url.startswith(SCHEMES):
        raise StoreUnusable(f"store = {url!r} is not a valid store address: give one like {EXAMPLE}")
    found = list(_parsed(url.removeprefix("clickhouse+"), url))
    bases = [address.base for address in found]
    if len(set(bases)) < len(bases):
        raise StoreUnusable(f"store = {url!r} names a server twice: each server stores a different shard")
    return found


def _parsed(servers: str, url: str) -> Iterator[Address]:
    first: Address | None = None
    for one in servers.split(","):
        try:
            parts = urlsplit(one.strip())
            host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
        except ValueError as error:
            raise StoreUnusable(f"store = {url!r}: {error}; give an address like {EXAMPLE}") from None
        if parts.scheme not in PORTS or not host:
            raise StoreUnusable(
                f"store = {url!r}: {one!r} is not a valid server: give an address like {EXAMPLE}"
            )
        if parts.password is not None:
            raise StoreUnusable(
                "the store's address contains a password, which process lists would show: remove it "
                "and give a file that contains it with --store-password-file"
            )
        shown = f"[{host}]" if ":" in host else host
        address = Address(
            f"{parts.scheme}://{shown}:{port}",
            unquote(parts.username or (first.user if first else "default")),
            unquote(parts.path.strip("/")) or (first.database if first else "parcimetre"),
        )
        first = first or address
        yield address

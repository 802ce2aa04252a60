"""Address of a client: of its connection, or as a declared reverse proxy states it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.types import Scope

Networks = Sequence[IPv4Network | IPv6Network]
FORWARDED_FOR = b"x-forwarded-for"


def client_address(scope: Scope, proxies: Networks = ()) -> str | None:
    """Return the client's address; that of the connection unless it is one of the declared proxies.

    Of X-Forwarded-For the last address counts that is not a declared proxy: what stands before it was
    written by the client.
    """
    client = scope.get("client")
    address = str(client[0]) if client else None
    if not proxies or not _is_one_of(address, proxies):
        return address
    for stated in reversed(_stated(scope)):
        if not _is_one_of(stated, proxies):
            return stated
    return address


def _stated(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == FORWARDED_FOR]
    return [part.strip().strip("[]") for part in ",".join(values).split(",") if part.strip()]


def _is_one_of(address: str | None, networks: Networks) -> bool:
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in network for network in networks)

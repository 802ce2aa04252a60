"""Host names of requests: those that readers may use, and those that mean this very machine.

A page of any site can point a name of its own at the collector's address (DNS rebinding), and then read what
the browser gets: names that are not the collector's are refused. A numeric address cannot be redirected.
"""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection

from ..base.errors import ParcimetreError
from ..configuration.host_names import LOCALHOST, numeric_address
from .dependencies import READING

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]*)?")
MOST_SHOWN = 100  # characters of a name that a client made up
FORWARDING = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


class BadHost(ParcimetreError):
    """A request without a usable Host header (RFC 9112 section 3.2)."""

    status = 400
    kind = "bad-host"


class UnknownHost(ParcimetreError):
    """A request to a name that is not the collector's (RFC 9110 section 15.5.20)."""

    status = 421
    kind = "unknown-host"


def check_host(connection: HTTPConnection, names: frozenset[str]) -> None:
    """Raise BadHost or UnknownHost unless a request is to a numeric address or one of the names."""
    name = host_of(connection)
    if name in names or numeric_address(name) is not None:
        return
    raise UnknownHost(
        f"this collector does not answer readers at the name {name[:MOST_SHOWN]!r}. If the name is its own, "
        "add it to allowed_hosts in the collector's settings (--allowed-hosts). Agents are not concerned."
    )


def host_of(connection: HTTPConnection) -> str:
    """Return the name or address of the Host header, without port, in small letters. Raises BadHost."""
    given = connection.headers.getlist("host")
    parts = HOST.fullmatch(given[0]) if len(given) == 1 else None
    if parts is None:
        raise BadHost("the request needs one valid Host header: send the collector's name or address")
    return parts[1].strip("[]").lower().removesuffix(".")


def is_this_machine(connection: HTTPConnection) -> bool:
    """Return whether a client is on this machine, asks for it by its own address, and is no proxy.

    A page of another site that embeds one of the collector's is not meant either; a link is.
    """
    client = connection.client.host if connection.client else ""
    forwarded = any(name in connection.headers for name in FORWARDING)
    site, mode = (connection.headers.get(f"sec-fetch-{name}") for name in ("site", "mode"))
    reads = connection.scope["method"] in READING
    embedded = reads and site not in (None, "none", "same-origin") and mode != "navigate"
    return _is_loopback(client) and not forwarded and not embedded and _is_loopback(host_of(connection))


def _is_loopback(host: str) -> bool:
    address = numeric_address(host)
    return host == LOCALHOST if address is None else address.is_loopback

"""Host names by which readers may address a collector."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from .settings import Settings

LOCALHOST = "localhost"
PATIENCE_S = 2.0


def answered_names(settings: Settings) -> frozenset[str]:
    """Return the names that readers may use beside numeric addresses.

    They are localhost, the machine's own names, the host to listen on, the public address and the setting
    allowed_hosts.
    """
    stated = settings.public_url or (settings.login.public_url if settings.login else "")
    public = urlsplit(stated).hostname
    named = (LOCALHOST, settings.host.lower(), public, *own_names(), *settings.allowed_hosts)
    return frozenset(name for name in named if name and numeric_address(name) is None)


@lru_cache(maxsize=1)
def own_names() -> tuple[str, ...]:
    """Return the machine's own names: short, and as its resolver completes it if that is quick."""
    own = socket.gethostname().lower()
    found = {own, own.partition(".")[0], _completed(own)} - {LOCALHOST, ""}
    return tuple(sorted(name for name in found if numeric_address(name) is None))


def _completed(name: str) -> str:
    asking = ThreadPoolExecutor(1)
    try:
        answer = asking.submit(socket.getaddrinfo, name, None, flags=socket.AI_CANONNAME)
        return str(answer.result(PATIENCE_S)[0][3]).lower().removesuffix(".")
    except (OSError, Late, UnicodeError, IndexError):
        return ""
    finally:
        asking.shutdown(wait=False)


def numeric_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return a numeric address, as IPv4 if it is one inside IPv6 (::ffff:127.0.0.1)."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found

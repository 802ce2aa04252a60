"""Check that secrets and credentials leave this machine encrypted, unless a setting allows otherwise."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ..base.errors import BadSettings
from ..configuration.settings import Settings

_MAPPED = "::ffff:"


def is_plain(server: str | None) -> bool:
    """Return whether requests to this address pass a network without TLS."""
    if server is None or not server.startswith("http://"):
        return False
    try:
        host = (urlsplit(server).hostname or "").rstrip(".")
    except ValueError:
        return True
    return not _is_loopback(host)


def check_encryption(settings: Settings, earlier: str | None) -> None:
    """Raise BadSettings for an address without TLS that no setting allows.

    `earlier` is the address that was used before this needed a setting: it goes on.
    """
    if is_plain(settings.server) and not settings.allow_http and settings.server != earlier:
        raise BadSettings(
            f"{settings.server} is without TLS: whoever is on the way reads the enrolment secret and the "
            "credential. Give an https:// address, or allow this one with --allow-http (allow_http = true)"
        )


def encryption_warning(settings: Settings, earlier: str | None) -> str | None:
    """Return the sentence on an address without TLS; None where there is TLS, or no network."""
    if not is_plain(settings.server):
        return None
    try:
        check_encryption(settings, earlier)
    except BadSettings as error:
        return str(error)
    return (
        f"{settings.server} is without TLS: whoever is on the way reads and changes reports and the "
        "credential; put a reverse proxy with TLS before the collector and give its https:// address"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.lower().removeprefix(_MAPPED)).is_loopback
    except ValueError:
        return False

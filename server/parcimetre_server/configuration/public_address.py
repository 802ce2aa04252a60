"""Public address of the collector: the one that browsers and agents use, and the path prefix in it."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from ..base.errors import BadSetting

PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")


def public_address(text: str, setting: str = "public_url") -> str:
    """Return an address without its last slash, empty if none is given. Raises BadSetting."""
    if not text:
        return ""
    parts = _split(text)
    if (
        parts is None
        or parts.scheme not in ("https", "http")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise BadSetting(
            f"{setting} = {text!r} is not a valid address: give one like https://parcimetre.example.org or "
            "https://intranet.example.org/parcimetre"
        )
    prefix = parts.path.rstrip("/")
    if not PREFIX.fullmatch(prefix):
        raise BadSetting(
            f"{setting} = {text!r}: the path {parts.path!r} is not usable as a prefix. Use letters without "
            "accents, digits and . _ ~ - between single slashes."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{prefix}"


def path_prefix(address: str) -> str:
    """Return the path of a public address, such as /parcimetre; empty for a host's root."""
    return urlsplit(address).path


def _split(text: str) -> SplitResult | None:
    """Return the parts of an address, None if it has no valid form or port."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if text.isprintable() and " " not in text else None

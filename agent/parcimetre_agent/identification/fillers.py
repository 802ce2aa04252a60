"""Placeholders that firmware states where a serial number or a name should stand."""

from __future__ import annotations

from .names import clipped

_SERIALS = frozenset(
    {"", "0", "none", "n/a", "na", "not specified", "not applicable", "default string",
     "system serial number", "to be filled by o.e.m.", "123456789", "1234567890",
     "invalid", "unknown", "chassis serial number",
     "serial", "empty", "oem", "o.e.m.", "no asset tag", "base board serial number"}
)  # fmt: skip
_NAMES = frozenset(
    {"to be filled by o.e.m.", "default string", "system product name", "system manufacturer",
     "not specified", "not applicable", "none", "n/a", "unknown", "o.e.m.", "oem", "0", "invalid",
     "system version", "sku"}
)  # fmt: skip
_UUIDS = frozenset({"03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"})


def is_filler_serial(text: str | None) -> bool:
    """Whether a serial number or an identifier is a placeholder, or absent."""
    bare = (text or "").strip().lower()
    return bare in _SERIALS or bare in _UUIDS or len(set(bare.replace("-", ""))) <= 1


def stated_name(text: str | None) -> str | None:
    """Return the name of a maker or model at the length of the report; None for a placeholder."""
    return None if text is None or text.strip().lower() in _NAMES else clipped(text)

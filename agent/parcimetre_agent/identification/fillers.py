"""Placeholders that firmware states where a serial number or a name should stand.

Which serial numbers are placeholders is part of the rules by which machines are identified. Rules are
numbered, and never changed once released: what an agent stored under earlier ones is recomputed under those.
"""

from __future__ import annotations

from .names import clipped

FIRST_RULES = 1
RULES = 2
_SERIALS_BY_RULES = {
    1: frozenset(
        {"", "0", "none", "n/a", "na", "not specified", "not applicable", "default string",
         "system serial number", "to be filled by o.e.m.", "123456789", "1234567890",
         "invalid", "unknown", "chassis serial number",
         "serial", "empty", "oem", "o.e.m.", "no asset tag", "base board serial number",
         "03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"}
    ),
    2: frozenset(
        {"0123456789", "01234567890", "mb-1234567890", "n.a.", "null", "undefined", "not available",
         "not present", "not provided", "not settable", "no serial number", "serial number", "serialnumber",
         "default_string", "to be filled by o.e.m", "to be filled by oem", "type2 - board serial number",
         "00020003-0004-0005-0006-000700080009", "01020304-0506-0708-090a-0b0c0d0e0f10",
         "12345678-1234-5678-1234-567812345678", "ffffff00-ffff-ffff-ffff-ffffffffffff"}
    ),
}  # fmt: skip
"""By the rules that added them."""
_NAMES = frozenset(
    {"to be filled by o.e.m.", "default string", "system product name", "system manufacturer",
     "not specified", "not applicable", "none", "n/a", "unknown", "o.e.m.", "oem", "0", "invalid",
     "system version", "sku"}
)  # fmt: skip


def is_filler_serial(text: str | None, rules: int = RULES) -> bool:
    """Whether a serial number or an identifier is a placeholder by these rules, or absent."""
    bare = (text or "").strip().lower()
    listed = any(bare in added for since, added in _SERIALS_BY_RULES.items() if since <= rules)
    return listed or len(set(bare.replace("-", ""))) <= 1


def stated_name(text: str | None) -> str | None:
    """Return the name of a maker or model at the length of the report; None for a placeholder."""
    return None if text is None or text.strip().lower() in _NAMES else clipped(text)

"""Bounds of what a JSON text is made of, checked before it is parsed.

Validation time grows with values and errors rather than with bytes, and a parser holds up the whole process
while it runs, in whatever thread. So a text with more brackets or fields than any honest report is refused.
"""

from __future__ import annotations

from .validation import BadReport

MOST_CONTAINERS = 60_000  # 1000 slots with deciles, 16 energies and 16 reasons, 2000 feeds, readings: 41,000
MOST_FIELDS = 200_000  # the same: 167,000
MOST_VALUES = 250_000  # the same: 175,000


def check_structure(text: bytes) -> None:
    """Raise BadReport for a text with more objects, lists, fields or values than a report may have."""
    containers = text.count(b"{") + text.count(b"[")
    for found, most, name in (
        (containers, MOST_CONTAINERS, "objects and lists"),
        (text.count(b":"), MOST_FIELDS, "fields"),
        (text.count(b","), MOST_VALUES, "values"),
    ):
        if found > most:
            raise BadReport(
                f"report refused: it has {found} {name}, more than the {most} of the largest report; "
                "update the agent"
            )

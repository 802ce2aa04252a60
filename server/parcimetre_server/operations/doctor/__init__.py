"""Checks of `parcimetre doctor`: findings, each fault with its fix.

It changes nothing, and a store that is damaged or missing is a finding like another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """One finding: the subject, its state, and the fix unless it is ok."""

    state: State
    what: str
    told: str
    mend: str | None = None


def ok(what: str, told: str) -> Finding:
    """Return a finding without a fault."""
    return Finding("ok", what, told)


def warning(what: str, told: str, mend: str) -> Finding:
    """Return a finding that needs attention although the collector works."""
    return Finding("warning", what, told, mend)


def failed(what: str, told: str, mend: str) -> Finding:
    """Return a finding that keeps the collector from working."""
    return Finding("failed", what, told, mend)

"""Checks of `parcimetre doctor`: findings, each fault with its fix.

It changes nothing, and a store that is damaged or missing is a finding like another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do unless it is ok."""

    state: State
    what: str
    told: str
    mend: str | None = None


def ok(what: str, told: str) -> Finding:
    """As it should be."""
    return Finding("ok", what, told)


def warning(what: str, told: str, mend: str) -> Finding:
    """It works, but not for long, or not as meant."""
    return Finding("warning", what, told, mend)


def failed(what: str, told: str, mend: str) -> Finding:
    """It does not work."""
    return Finding("failed", what, told, mend)

"""What a sensor or power source answers: Ok, NoData, Denied or Failed. Absence is a value, not an exception.

`Denied` is kept apart from `NoData` because it is a work list for an administrator.
"""

from __future__ import annotations

import errno
from typing import Generic, TypeVar, Union

T = TypeVar("T")


class Ok(Generic[T]):
    """The value that was read."""

    __slots__ = ("value",)
    state = "ok"

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Ok({self.value!r})"


class NoData:
    """This machine does not have it; nothing to fix."""

    __slots__ = ("reason",)
    state = "no_data"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"NoData({self.reason!r})"


class Denied:
    """It is there, but not for this account; `grant` says what would fix it."""

    __slots__ = ("grant", "reason")
    state = "denied"

    def __init__(self, reason: str, grant: str) -> None:
        self.reason = reason
        self.grant = grant

    def __repr__(self) -> str:
        return f"Denied({self.reason!r}, grant={self.grant!r})"


class Failed:
    """It is there and could not be understood; `reason` is for who maintains the agent."""

    __slots__ = ("reason",)
    state = "failed"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Failed({self.reason!r})"


Outcome = Union[Ok[T], NoData, Denied, Failed]


def from_os_error(error: OSError, grant: str) -> Denied | NoData | Failed:
    """Sort an error of the system: forbidden, absent, or broken."""
    if isinstance(error, PermissionError):
        return Denied(f"{error.filename} may not be read", grant)
    if isinstance(error, FileNotFoundError) or error.errno == errno.ENODEV:
        return NoData(f"{error.filename} is absent")
    return Failed(f"{error.filename}: {error.strerror}")

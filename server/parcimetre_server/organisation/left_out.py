"""Devices that figures leave out because their data cannot be used: named in answers, `doctor` and the log.

What is stored of a device comes from outside, and may be anything that a fault or an attacker can make of it.
Whoever computes over many devices does so one by one within `leaving_out`, and an answer collects the devices
that it had to do without with `collect_left_out`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..store.records import DeviceId

LOG = logging.getLogger(__name__)
FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Errors that hostile data causes; those of the store and of the collector's machine are not among them."""
LONGEST_REASON = 200
MOST_LOGGED = 10_000
STALE = "A device is logged again when the reason is another one."


class UnusableDevice(ParcimetreError):
    """A device whose stored data cannot be used."""

    status = 422
    kind = "unusable-device"


@dataclass(frozen=True)
class LeftOut:
    """A device that an answer does without, and why: the step that failed and the error."""

    device: DeviceId
    reason: str


_COLLECTED: ContextVar[dict[DeviceId, LeftOut] | None] = ContextVar("left_out", default=None)
_LOGGED: Cache[DeviceId, str] = Cache("left out devices", STALE, MOST_LOGGED)


@contextmanager
def collect_left_out() -> Iterator[dict[DeviceId, LeftOut]]:
    """Collect the devices that are left out within the context, by id; an outer collection has them too."""
    outer, collected = _COLLECTED.get(), dict[DeviceId, LeftOut]()
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)
        if outer is not None:
            outer.update(collected)


@contextmanager
def leaving_out(device: DeviceId, step: str) -> Iterator[None]:
    """Leave a device out of the answer where its data fails within the context; `step` names the data."""
    try:
        yield
    except FAULTS as error:
        leave_out(device, explained(step, error))


@contextmanager
def alone(device: DeviceId, step: str) -> Iterator[None]:
    """Raise UnusableDevice where the data of the only device of an answer fails within the context."""
    try:
        yield
    except FAULTS as error:
        reason = explained(step, error)
        leave_out(device, reason)
        raise UnusableDevice(
            f"device {device} cannot be computed: {reason}; see `parcimetre doctor`"
        ) from error


def leave_out(device: DeviceId, reason: str) -> None:
    """Name a device that is left out, in the answer and once in the log."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.setdefault(device, LeftOut(device, reason))
    if _LOGGED.get(device) != reason:
        _LOGGED.put(device, reason)
        LOG.warning("device %s is left out of figures: %s", device, reason)


def explained(step: str, error: Exception) -> str:
    """Return what failed and why, in one short line."""
    what = "".join(c if c.isprintable() else "?" for c in " ".join(str(error).split())[:LONGEST_REASON])
    return f"{step}: {what or type(error).__name__}"

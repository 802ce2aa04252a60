"""A read-only view of the store that hides everything outside the reader's scope.

What is hidden is decided by the rules of `visibility`; here they are applied to each way to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_factors.activity import Activity

from ..base.periods import DAY_S
from ..base.scope import NotAllowed, Scope
from ..organisation.merges import between
from ..store.interface import Coverage, Lease, RolledUp, Store
from ..store.joining import join
from ..store.records import Body, DeviceId, Fact, FactKind, WriteBatch, WriteResult
from ..store.rolling import DayRule
from .visibility import OF_A_DEVICE, is_visible, visible_part
from .visible_periods import ALWAYS, Period, is_inside, visible_history


class ScopedStore:
    """Reads through a scope; nothing is written through it."""

    def __init__(self, store: Store, scope: Scope) -> None:
        """Show of `store` what `scope` covers."""
        self.whole = store
        self.scope = scope
        self._history = visible_history(store, scope)

    def is_known(self, device_id: DeviceId) -> bool:
        """Return whether a device, a part of it, or a monitor's computer ever was at a unit of the scope."""
        return self._history.is_known(device_id)

    def _sees(self, fact: Fact) -> bool:
        return is_visible(self.scope, fact, self._history)

    def _part(self, fact: Fact) -> Fact:
        return visible_part(self.scope, fact, self._history)

    @property
    def shared(self) -> bool:
        """Whether other collectors may write to the store."""
        return self.whole.shared

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """Return the latest fact of each key of a kind, in scope."""
        if kind == "device" and not since:
            known = self._history.devices.items()
            return {str(key): self._part(fact) for key, fact in known if self._sees(fact)}
        latest = self.whole.latest(kind, since)
        if kind in OF_A_DEVICE and self.scope.root is not None:
            devices = self._history.devices
            return {key: fact for key, fact in latest.items() if key in devices and self._sees(fact)}
        return {key: self._part(fact) for key, fact in latest.items() if self._sees(fact)}

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """Return the latest fact about one key, if it is in scope."""
        fact = self.whole.latest_of(kind, key)
        return self._part(fact) if fact is not None and self._sees(fact) else None

    def history(self, kind: FactKind, key: str | None = None, since: int = 0) -> list[Fact]:
        """Return the facts of a kind (and key) in scope, oldest first."""
        return [self._part(fact) for fact in self.whole.history(kind, key, since) if self._sees(fact)]

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """Return the slots of one device while it was in scope; of one that never was, those of no device."""
        periods = self._history.periods(device_id)
        whole = self.whole.activity(device_id if periods else DeviceId(""), first, last)
        return _within(whole, periods)

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """Yield the same for many devices; those without a slot in scope are left out."""
        ids = [key for key in device_ids if self._history.has_records(key)]
        for key, whole in self.whole.activities(ids, first, last):
            part = _within(whole, self._history.periods(key))
            if len(part.start):
                yield key, part

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """Return the records of one device while it was in scope."""
        periods = self._history.periods(device_id)
        slots = self.whole.slots(device_id, first, last) if periods else iter(())
        return (slot for slot in slots if is_inside(slot.start, periods))

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """Return the start of the first slot ever, when its life begins, and of the last one in scope."""
        periods = self._history.periods(device_id)
        span = self.whole.span(device_id) if periods else None
        return span and _ended(span, periods)

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """Return the same for every device in scope that ever sent a slot."""
        history, spans = self._history, self.whole.spans().items()
        return {key: _ended(span, history.periods(key)) for key, span in spans if history.has_records(key)}

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """Return the seconds covered by day (UTC) of the devices, on the days when they were in scope."""
        whole = self.whole.coverage(first_day, last_day)
        seen = [i for i, key in enumerate(whole.devices) if self._history.has_records(key)]
        devices, covered_s = tuple(whole.devices[i] for i in seen), whole.covered_s[:, seen]
        for column, key in enumerate(devices):
            periods = self._history.periods(key)
            if periods != ALWAYS:
                covered_s[:, column] *= _days(periods, first_day, len(covered_s))
        return Coverage(devices, covered_s)

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """Return the facts of these kinds stated after a mark that are in scope, and the mark of now."""
        stated, now = self.whole.newer(kinds, mark)
        return [self._part(fact) for fact in stated if self._sees(fact)], now

    def write(self, arrivals: Sequence[WriteBatch]) -> list[WriteResult]:  # noqa: ARG002
        """Raises NotAllowed: agents write, readers do not."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def remove(self, kind: FactKind, keys: Sequence[str]) -> None:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def erase(
        self,
        device_ids: Sequence[DeviceId],  # noqa: ARG002
        facts: Sequence[tuple[FactKind, str]],  # noqa: ARG002
        instead: Sequence[Fact],  # noqa: ARG002
    ) -> None:
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def rewrite(self, kind: FactKind, change: Callable[[Fact], Body | None]) -> int:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def append(self, facts: Sequence[Fact]) -> None:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def lease(self, job: str) -> Lease:  # noqa: ARG002
        """Raises NotAllowed: jobs run for the whole."""
        raise NotAllowed("jobs run on the whole store: use the command on the collector")

    def take_lease(self, job: str, lease: Lease) -> bool:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("jobs run on the whole store: use the command on the collector")

    def roll_up(self, *_asked: object, **_more: object) -> int:
        """Raises NotAllowed: it is for the whole."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def day_rule(self, day: int) -> DayRule:
        """Return how a day was rolled up, which is the same for everybody."""
        return self.whole.day_rule(day)

    def rolled_up(self) -> RolledUp:
        """Return what is rolled up, which is the same for everybody."""
        return self.whole.rolled_up()

    def tidy(self, now: int) -> None:
        """Do nothing: the store itself is tidied."""

    def close(self) -> None:
        """Do nothing: the store itself is closed."""


def whole(store: Store) -> Store:
    """Return the store itself, which knows what left a reader's scope."""
    return store.whole if isinstance(store, ScopedStore) else store


def _within(whole: Activity, periods: Sequence[Period]) -> Activity:
    """Return the slots of an activity that start in one of some periods."""
    if periods == ALWAYS or not periods:
        return whole
    return join([between(whole, *period) for period in periods])


def _ended(span: tuple[int, int], periods: Sequence[Period]) -> tuple[int, int]:
    """Return a device's span, which ends at the latest when it left."""
    first, last = span
    return first, max(first, min(last, max(end for _, end in periods) - SLOT_S))


def _days(periods: Sequence[Period], first_day: int, n: int) -> NDArray[np.bool_]:
    """Return which of n days of UTC touch some periods, shape (n,)."""
    days = np.arange(first_day, first_day + n) * DAY_S
    touched = [(days < last) & (first < days + DAY_S) for first, last in periods]
    seen: NDArray[np.bool_] = np.any(touched, axis=0)
    return seen

"""The interface that both engines of the store implement, and its values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import Slot
from parcimetre_factors.activity import Activity

from .records import DeviceId, Fact, FactKind, WriteBatch, WriteResult
from .rolling import Hours


@dataclass(frozen=True)
class Lease:
    """Who may run a job for `left_s` more seconds, and the last occasion for which it is done."""

    term: int = 0
    holder: str = ""
    left_s: float = 0.0
    done: str = ""


@dataclass(frozen=True)
class Coverage:
    """Seconds with a known state by day of UTC and device (days, n); 0 where there is no record."""

    devices: tuple[DeviceId, ...]
    covered_s: NDArray[np.int64]


@dataclass(frozen=True)
class RolledUp:
    """Days since 1970-01-01 before which sums of hours are kept, and before which sums of days (no later)."""

    hours_before: int = 0
    days_before: int = 0

    def of(self, hours: Hours) -> int:
        """The day before which sums of so many hours are kept, or coarser ones."""
        return self.hours_before if hours == 1 else self.days_before

    def at(self, day: int) -> Hours | None:
        """The hours of each sum that is kept of a day; None where its quarter hours are."""
        if day < self.days_before:
            return 24
        return 1 if day < self.hours_before else None


class Store(Protocol):
    """What the collector needs of an engine. `shared`: other collectors may write to it at the same time."""

    @property
    def shared(self) -> bool:
        """Whether other collectors may write to it."""

    def write(self, arrivals: Sequence[WriteBatch]) -> list[WriteResult]:
        """Merge all arrivals, durable on return; one answer per arrival, in order.

        Per (device, slot) the record with the greater covered time is kept. When it raises, nothing
        is acknowledged; the embedded engine has kept nothing, one of several servers perhaps some slots.
        """

    def append(self, facts: Sequence[Fact]) -> None:
        """Add facts in one transaction, durable on return."""

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """The latest fact of each key of a kind; only of keys with one recorded at `since` or later."""

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """The latest fact about one key."""

    def history(self, kind: FactKind, key: str | None = None, since: int = 0) -> list[Fact]:
        """All facts of a kind (and key), oldest first.

        With `since`, of each key from its state at that time on: the last fact that was recorded before.
        """

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """Slots of one device with first <= start < last, in order."""

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """The same for many devices in one pass; devices without a slot in the period are left out."""

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """Records of one device with first <= start < last, in order; means to half a percent."""

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """Start of the first and of the last slot with known time, or None."""

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """The same for every device that ever sent a slot."""

    def lease(self, job: str) -> Lease:
        """The lease of a job that is in force, or that was in force last."""

    def take(self, job: str, lease: Lease) -> bool:
        """Put a lease in force, with the term after the last one; False where another has that term."""

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """Seconds covered on days since 1970-01-01 of every device with a record, both days included.

        A record gives way only to one that covers more, so a device's seconds of a day grow with each change.
        """

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """Facts of these kinds stated after a mark, oldest first, and the mark of now; from 0 on all."""

    def remove(self, kind: FactKind, keys: Sequence[str]) -> None:
        """Forget all facts about these keys of a kind, in one transaction, durable on return."""

    def erase(
        self, device_ids: Sequence[DeviceId], facts: Sequence[tuple[FactKind, str]], instead: Sequence[Fact]
    ) -> None:
        """Remove for good all slots of some devices, all facts about them, and all about these keys.

        `instead` is written in the same transaction. On return no byte of what went is left in the engine's
        files.
        """

    def roll_up(self, before_day: int, hours: Hours, dry_run: bool = False) -> int:
        """Keep sums of hours, or of days, instead of quarter hours, of all days before one.

        Returns how many days of devices were rolled up. Readers see quarter hours as before, with an equal
        part each of their hour or day: sums, coverage and which quarter hours have a record stay exact. A
        quarter hour that had no record may still be added. Days are made of hours only. An engine may leave
        the latest of these days for another time. It may be killed and repeated at any moment; a dry run
        changes nothing.
        """

    def rolled_up(self) -> RolledUp:
        """What is rolled up; of several servers, what is on any."""

    def tidy(self, now: int) -> None:
        """Do what the engine does from time to time, so that what is kept takes less room."""

    def close(self) -> None:
        """Release files."""

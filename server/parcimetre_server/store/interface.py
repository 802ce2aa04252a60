"""The interface that both engines of the store implement, and its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import Slot
from parcimetre_factors.activity import Activity

from .records import Body, DeviceId, Fact, FactKind, WriteBatch, WriteResult
from .rolling import ALL_SETTLED, DayRule, Hours, RollRules


@dataclass(frozen=True)
class Lease:
    """Right of `holder` to run a job for `left_s` more seconds; `done` is the last occasion that was done."""

    term: int = 0
    holder: str = ""
    left_s: float = 0.0
    done: str = ""


@dataclass(frozen=True)
class Coverage:
    """Seconds with a known state by day of UTC and device, shape (days, n); 0 without a record."""

    devices: tuple[DeviceId, ...]
    covered_s: NDArray[np.int64]


@dataclass(frozen=True)
class RolledUp:
    """Days since 1970-01-01 before which hours are stored, and before which days (not later than hours)."""

    hours_before: int = 0
    days_before: int = 0

    def before_day(self, hours: Hours) -> int:
        """Return the day before which sums of so many hours, or coarser ones, are stored."""
        return self.hours_before if hours == 1 else self.days_before

    def hours_of(self, day: int) -> Hours | None:
        """Return the hours of each stored sum of a day; None for a day of quarter hours."""
        if day < self.days_before:
            return 24
        return 1 if day < self.hours_before else None


class Store(Protocol):
    """Interface of an engine. Reading a record that a newer version wrote raises NewerVersion."""

    @property
    def shared(self) -> bool:
        """Whether other collectors may write to it at the same time."""

    def write(self, arrivals: Sequence[WriteBatch]) -> list[WriteResult]:
        """Merge all batches, durable on return; return one result per batch, in order.

        Per (device, slot) the record with the greater covered time wins. When it raises, nothing is
        acknowledged; the embedded engine has stored nothing, one of several servers perhaps some slots.
        """

    def append(self, facts: Sequence[Fact]) -> None:
        """Add facts in one transaction, durable on return."""

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """Return the latest fact of each key of a kind that has one recorded at `since` or later."""

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """Return the latest fact about one key."""

    def history(self, kind: FactKind, key: str | None = None, since: int = 0) -> list[Fact]:
        """Return all facts of a kind (and key), oldest first.

        With `since`, those of each key from its state at that time on: the last fact recorded before.
        """

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """Return slots of one device with first <= start < last, in order."""

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """Yield the same for many devices in one pass; devices without a slot in the period are left out."""

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """Yield records of one device with first <= start < last, in order; means to half a percent."""

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """Return the start of the first and of the last slot with known time (seconds UTC), or None."""

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """Return the same for every device that ever sent a slot."""

    def lease(self, job: str) -> Lease:
        """Return the lease of a job that is in force, or that was in force last."""

    def take_lease(self, job: str, lease: Lease) -> bool:
        """Put a lease in force, with the term after the last one; return False if another has that term."""

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """Return seconds covered on days since 1970-01-01 of every device with a record, both days included.

        A record is replaced only by one that covers more: a device's seconds of a day grow with each change.
        """

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """Return facts of these kinds appended after a mark (0: all), oldest first, and the present mark."""

    def remove(self, kind: FactKind, keys: Sequence[str]) -> None:
        """Remove all facts about these keys of a kind, in one transaction, durable on return."""

    def erase(
        self, device_ids: Sequence[DeviceId], facts: Sequence[tuple[FactKind, str]], instead: Sequence[Fact]
    ) -> None:
        """Erase all slots of some devices, all facts about them, and all facts about these keys.

        `instead` is written in the same transaction. On return no byte of the erased records is left in the
        engine's files.
        """

    def rewrite(self, kind: FactKind, change: Callable[[Fact], Body | None]) -> int:
        """Replace the bodies of facts of a kind, in all of its history; return how many.

        `change` returns the new body, None for one that stays. Keys, times and order stay. The call may be
        killed and repeated, and must run alone: `change` leaves what it has changed before. Earlier bodies
        may stay in the engine's files until the next erasure.
        """

    def roll_up(
        self, before_day: int, hours: Hours, dry_run: bool = False, rules: RollRules = ALL_SETTLED
    ) -> int:
        """Replace quarter hours by sums of hours, or hours by sums of days, on all days before one.

        Return the number of device-days rolled up. Readers see quarter hours as before, with an equal part
        each of their hour, or of their part of the week in a day: sums, coverage and which quarter hours have
        a record stay exact. A quarter hour without a record may still be added, and one that was not wholly
        covered be replaced, as the rules state. An engine may leave the latest of these days for a later
        call. The call may be killed and repeated at any moment; a dry run changes nothing.
        """

    def day_rule(self, day: int) -> DayRule:
        """Return how a day since 1970-01-01 was rolled up; as settled where it was not."""

    def rolled_up(self) -> RolledUp:
        """Return which days are rolled up; with several servers, on any of them."""

    def tidy(self, now: int) -> None:
        """Do the engine's regular work that saves disk space."""

    def close(self) -> None:
        """Release files."""

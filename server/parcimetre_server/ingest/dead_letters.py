"""Dead letters: refused records, stored to be inspected, replayed once their cause is fixed, or dropped.

They are bounded in number and age, so that a broken agent cannot fill the disk.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parcimetre_agent.report import SCHEMA

from ..access.context import Context
from ..access.presence import day_of, is_personal
from ..base.errors import ParcimetreError
from ..base.periods import DAY_S, HOUR_S
from ..fleet.devices import devices
from ..organisation import audit
from ..store.interface import Store
from ..store.records import DeviceId, Fact, WriteBatch, sum_results
from .intake import accept_report
from .validation import LISTS, PARTS

MOST_LETTERS = 10_000
TIMED = ("slots", "gaps", "feeds")
VALUES = re.compile(r" = [^:;]*(?=:)")
"""Values in the reason of a refusal, which name times."""

MOST_OF_A_DEVICE = 500  # in an hour
OLDEST_S = 90 * DAY_S
OF_INVENTORY = "an item alone cannot be stored again; its agent sends it with the next inventory"


class UnknownLetter(ParcimetreError):
    """An id that is not that of exactly one dead letter."""


@dataclass(frozen=True)
class DeadLetter:
    """A refused record with its device, the reason, and when it arrived (seconds UTC)."""

    id: str
    at: int
    device: DeviceId
    part: str
    index: int
    reason: str
    record: Any
    hash_form: str = "product"

    @classmethod
    def of(cls, fact: Fact) -> DeadLetter:
        """Return the letter that a fact stores."""
        return cls(fact.key, fact.recorded_at, **fact.body)


@dataclass(frozen=True)
class Replayed:
    """Counts of replayed letters: accepted, duplicates of stored records, still refused (these stay)."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    reason: str | None = None


def letters(store: Store, device_id: str | None = None) -> list[DeadLetter]:
    """Return the letters of one device or all, oldest first."""
    stored = (DeadLetter.of(fact) for fact in store.history("dead_letter"))
    return [letter for letter in stored if device_id is None or letter.device == device_id]


def shown_letters(context: Context, stored: Iterable[DeadLetter]) -> list[DeadLetter]:
    """Return letters as a reader may see them.

    Without presence data those of personal machines have no quarter hours, and the day of their arrival only.
    """
    if context.sees_presence:
        return list(stored)
    known = devices(context.store)
    return [
        letter
        if letter.device in known and not is_personal(known[letter.device])
        else replace(
            letter,
            at=day_of(letter.at, context.zone),
            record=None if letter.part in TIMED else letter.record,
            reason=letter.reason if letter.part not in TIMED else VALUES.sub("", letter.reason),
        )
        for letter in stored
    ]


def letter(store: Store, wanted: str) -> DeadLetter:
    """Return the letter with this id, or with an id that begins so. Raises UnknownLetter."""
    matches = [letter for letter in letters(store) if letter.id.startswith(wanted)]
    if len(matches) != 1:
        raise UnknownLetter(
            f"{len(matches)} dead letters have the id {wanted!r}: `parcimetre dead-letters list` lists them"
        )
    return matches[0]


def drop(store: Store, dropped: Sequence[DeadLetter], now: int) -> None:
    """Remove letters, and log it for each device."""
    if dropped:
        store.remove("dead_letter", [letter.id for letter in dropped])
        store.append([
            audit.entry("dead letters dropped", device, now, {"letters": len(of_device)}, {})
            for device, of_device in _by_device(dropped)
        ])  # fmt: skip


def replay(store: Store, replayed: Sequence[DeadLetter], now: int) -> Replayed:
    """Validate letters again, as if they had just arrived; remove those that are stored now, and log it.

    A record that is stored already changes nothing, as in any report.
    """
    total = Replayed()
    for device, of_device in _by_device(replayed):
        counts = Replayed()
        for letter in of_device:
            outcome = _replay(store, letter, now)
            counts = _sum(counts, outcome)
            if not outcome.refused:
                store.remove("dead_letter", [letter.id])
        if counts.accepted or counts.duplicates:
            after = {"accepted": counts.accepted, "duplicates": counts.duplicates}
            store.append([audit.entry("dead letters replayed", device, now, {}, after)])
        total = _sum(total, counts)
    return total


def _replay(store: Store, letter: DeadLetter, now: int) -> Replayed:
    if letter.part not in PARTS:
        return Replayed(refused=1, reason=f"{letter.part}: {OF_INVENTORY}")
    device = store.latest_of("device", letter.device)
    if device is None:
        return Replayed(refused=1, reason=f"device {letter.device} no longer exists: drop the dead letter")
    document = {
        "schema": SCHEMA,
        "device_id": letter.device,
        "sent_at": min(letter.at, now),
        "agent_version": device.body["agent_version"],
        "hash_form": letter.hash_form,
        letter.part: [letter.record] if letter.part in LISTS else letter.record,
    }
    try:
        intake = accept_report(json.dumps(document).encode(), letter.device, store, now)
    except ParcimetreError as error:
        return Replayed(refused=1, reason=str(error))
    if intake.refused:
        return Replayed(refused=1, reason=intake.refused[0].reason)
    written = sum_results(store.write([intake.arrival, *intake.fed]))
    return Replayed(written.accepted, written.duplicates)


def _sum(one: Replayed, other: Replayed) -> Replayed:
    """Add counts up; the first reason stands for all."""
    return Replayed(
        one.accepted + other.accepted,
        one.duplicates + other.duplicates,
        one.refused + other.refused,
        one.reason or other.reason,
    )


def _by_device(letters: Sequence[DeadLetter]) -> Iterator[tuple[DeviceId, list[DeadLetter]]]:
    for device in dict.fromkeys(letter.device for letter in letters):
        yield device, [letter for letter in letters if letter.device == device]


def prune(store: Store, now: int, most: int = MOST_LETTERS) -> int:
    """Remove letters older than OLDEST_S, and the oldest beyond `most`; return how many."""
    stored = letters(store)
    recent = [letter for letter in stored if letter.at > now - OLDEST_S][-most:]
    removed = {letter.id for letter in stored} - {letter.id for letter in recent}
    if removed:
        store.remove("dead_letter", sorted(removed))
    return len(removed)


class DeadLetterQuota:
    """Limit of letters stored an hour, of all devices and of each; the records beyond it are refused without
    a letter. Thread-safe.
    """

    def __init__(self, per_hour: int = MOST_LETTERS, of_a_device: int = MOST_OF_A_DEVICE) -> None:
        """Start with the whole quota."""
        self._lock = threading.Lock()
        self._per_hour, self._of_a_device = per_hour, of_a_device
        self._hour, self._of_all, self._used = 0, 0, Counter[DeviceId]()

    def bounded(self, batch: WriteBatch, now: int) -> WriteBatch:
        """Return the batch without the letters beyond the quota of the hour of `now` (seconds UTC)."""
        letters = [fact for fact in batch.facts if fact.kind == "dead_letter"]
        if not letters:
            return batch
        with self._lock:
            if now // HOUR_S != self._hour:
                self._hour, self._of_all, self._used = now // HOUR_S, 0, Counter()
            of_device = self._of_a_device - self._used[batch.device_id]
            left = max(0, min(self._per_hour - self._of_all, of_device))
            if stored := min(left, len(letters)):
                self._used[batch.device_id] += stored
                self._of_all += stored
        if len(letters) <= left:
            return batch
        others = [fact for fact in batch.facts if fact.kind != "dead_letter"]
        return replace(batch, facts=[*others, *letters[:left]])

"""Dead letters: records that were refused, to be looked at, replayed after a mend, or dropped.

They are bounded in number and age: a broken agent fills no disk.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parcimetre_agent.report import SCHEMA

from ..base.errors import ParcimetreError
from ..organisation import audit
from ..store.interface import Store
from ..store.records import DeviceId, Fact, WriteBatch, sum_results
from .intake import accept_report
from .validation import LISTS

KEPT = 10_000
KEPT_S = 90 * 86_400
HOUR_S = 3600


class UnknownLetter(ParcimetreError):
    """No dead letter of that id."""


@dataclass(frozen=True)
class DeadLetter:
    """A refused record: when it came (seconds UTC), from which device, why it was refused, and itself."""

    id: str
    at: int
    device: DeviceId
    part: str
    index: int
    reason: str
    record: Any

    @classmethod
    def of(cls, fact: Fact) -> DeadLetter:
        """From its fact."""
        return cls(fact.key, fact.recorded_at, **fact.body)


@dataclass(frozen=True)
class Replayed:
    """What became of letters: stored now, known already, still refused (these stay)."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    reason: str | None = None


def letters(store: Store, device_id: str | None = None) -> list[DeadLetter]:
    """Letters, of one device or all, oldest first."""
    found = (DeadLetter.of(fact) for fact in store.history("dead_letter"))
    return [letter for letter in found if device_id is None or letter.device == device_id]


def letter(store: Store, wanted: str) -> DeadLetter:
    """The one letter of this id, or of an id that begins so. Raises UnknownLetter."""
    found = [one for one in letters(store) if one.id.startswith(wanted)]
    if len(found) != 1:
        raise UnknownLetter(
            f"{len(found)} dead letters have the id {wanted!r}: `parcimetre dead-letters list` lists them"
        )
    return found[0]


def drop(store: Store, dropped: Sequence[DeadLetter], now: int) -> None:
    """Forget letters."""
    if dropped:
        store.remove("dead_letter", [one.id for one in dropped])
        store.append([
            audit.entry("dead letters dropped", device, now, {"letters": len(of_device)}, {})
            for device, of_device in _by_device(dropped)
        ])  # fmt: skip


def replay(store: Store, again: Sequence[DeadLetter], now: int) -> Replayed:
    """Judge letters anew, as if they had just arrived; those that are stored now are letters no more.

    A record that is known already changes nothing, as in any report.
    """
    total = Replayed()
    for device, of_device in _by_device(again):
        done = Replayed()
        for one in of_device:
            became = _replay(store, one, now)
            done = _sum(done, became)
            if not became.refused:
                store.remove("dead_letter", [one.id])
        if done.accepted or done.duplicates:
            told = {"accepted": done.accepted, "duplicates": done.duplicates}
            store.append([audit.entry("dead letters replayed", device, now, {}, told)])
        total = _sum(total, done)
    return total


def _replay(store: Store, one: DeadLetter, now: int) -> Replayed:
    known = store.latest_of("device", one.device)
    if known is None:
        return Replayed(refused=1, reason=f"device {one.device} no longer exists: drop the dead letter")
    document = {
        "schema": SCHEMA,
        "device_id": one.device,
        "sent_at": min(one.at, now),
        "agent_version": known.body["agent_version"],
        one.part: [one.record] if one.part in LISTS else one.record,
    }
    try:
        taken = accept_report(json.dumps(document).encode(), one.device, store, now)
    except ParcimetreError as error:
        return Replayed(refused=1, reason=str(error))
    if taken.refused:
        return Replayed(refused=1, reason=taken.refused[0].reason)
    merged = sum_results(store.write([taken.arrival, *taken.fed]))
    return Replayed(merged.accepted, merged.duplicates)


def _sum(one: Replayed, other: Replayed) -> Replayed:
    return Replayed(
        one.accepted + other.accepted,
        one.duplicates + other.duplicates,
        one.refused + other.refused,
        one.reason or other.reason,
    )


def _by_device(found: Sequence[DeadLetter]) -> Iterator[tuple[DeviceId, list[DeadLetter]]]:
    for device in dict.fromkeys(one.device for one in found):
        yield device, [one for one in found if one.device == device]


def prune(store: Store, now: int) -> int:
    """Forget letters that are too old, and the oldest of too many; returns how many."""
    found = letters(store)
    fresh = [one for one in found if one.at > now - KEPT_S][-KEPT:]
    gone = {one.id for one in found} - {one.id for one in fresh}
    if gone:
        store.remove("dead_letter", sorted(gone))
    return len(gone)


class Intake:
    """Lets through as many letters an hour as are kept at all; the records beyond are refused, not kept."""

    def __init__(self) -> None:
        """Nothing was let through yet."""
        self._lock = threading.Lock()
        self._hour, self._taken = 0, 0

    def bounded(self, arrival: WriteBatch, now: int) -> WriteBatch:
        """The arrival without the letters that there is no room for."""
        letters = [fact for fact in arrival.facts if fact.kind == "dead_letter"]
        if not letters:
            return arrival
        with self._lock:
            if now // HOUR_S != self._hour:
                self._hour, self._taken = now // HOUR_S, 0
            room = max(0, KEPT - self._taken)
            self._taken += len(letters)
        if len(letters) <= room:
            return arrival
        others = [fact for fact in arrival.facts if fact.kind != "dead_letter"]
        return replace(arrival, facts=[*others, *letters[:room]])

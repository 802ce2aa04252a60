"""Move a store to another engine: copy everything, then count and compare both sides.

Checksums are sums of hashes, so that the order of reading does not matter. A device whose two sums agree is
not copied again: a move that was interrupted goes on where it stood, and one repeated does nothing. Days
that are rolled up are copied as the quarter hours they are read as, and rolled up in the target at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

from parcimetre_agent.report import SLOT_S, Slot

from .interface import Store
from .records import DeviceId, Fact, FactKind, WriteBatch
from .rolling import RollRules

MOST_SLOTS = 20_000  # in one write
MOST_KEYS = 500  # whose facts are in memory at once
Span = tuple[int, int]


@dataclass(frozen=True)
class Sum:
    """How many records there are, and the sum of their hashes modulo 2**64."""

    count: int
    checksum: int

    def __str__(self) -> str:
        """Return count and checksum as text."""
        return f"{self.count} ({self.checksum:016x})"


@dataclass(frozen=True)
class Compared:
    """A device's slots or a kind's facts on both sides, after the move."""

    what: str
    source: Sum
    target: Sum

    @property
    def equal(self) -> bool:
        """Whether both sides have the same records."""
        return self.source == self.target


def steps(source: Store) -> int:
    """Return the number of steps of `migrate` from a source, for a progress bar."""
    return len(source.spans()) + sum(1 for kind in get_args(FactKind) for _ in _batches(source.latest(kind)))


def migrate(source: Store, target: Store) -> Iterator[Compared]:
    """Copy a store to another; yield one comparison per device and per batch of facts.

    Days that are rolled up in the source are rolled up in the target in the same way.
    """
    in_target = target.spans()
    for device, span in sorted(source.spans().items()):
        yield _device(source, target, device, _union(span, in_target.pop(device, span)))
    for device, span in sorted(in_target.items()):
        only_there = sum_of(target.slots(device, *_until(span)))
        yield Compared(f"device {device}", sum_of([]), only_there)
    for kind in get_args(FactKind):
        keys = source.latest(kind)
        for batch in _batches(keys):
            yield _facts(source, target, kind, batch)
        extra = [key for key in target.latest(kind) if key not in keys]
        if extra:
            facts = [fact for key in extra for fact in target.history(kind, key)]
            yield Compared(f"facts of kind {kind}", sum_of([]), sum_of(facts))
    rolled_up, rules = source.rolled_up(), RollRules(source.day_rule, settled_before=0)
    target.roll_up(rolled_up.hours_before, 1, rules=rules)
    target.roll_up(rolled_up.days_before, 24, rules=rules)


def sum_of(records: Iterable[Slot] | Iterable[Fact]) -> Sum:
    """Return count and checksum of slots or facts, in any order."""
    count = checksum = 0
    for record in records:
        count += 1
        checksum += _hash(record)
    return Sum(count, checksum % 2**64)


def _device(source: Store, target: Store, device: DeviceId, span: Span) -> Compared:
    slots = list(source.slots(device, *_until(span)))
    before, after = sum_of(slots), sum_of(target.slots(device, *_until(span)))
    if before != after:
        for at in range(0, len(slots), MOST_SLOTS):
            target.write([WriteBatch(device, slots[at : at + MOST_SLOTS])])
        after = sum_of(target.slots(device, *_until(span)))
    return Compared(f"device {device}", before, after)


def _facts(source: Store, target: Store, kind: FactKind, keys: Sequence[str]) -> Compared:
    """Append missing facts; the latest counts twice in the sums, so that another order is a difference."""
    facts, missing = [], []
    for key in keys:
        history = source.history(kind, key)
        known = Counter(map(_hash, target.history(kind, key)))
        for fact in history:
            known[_hash(fact)] -= 1
            if known[_hash(fact)] < 0:
                missing.append(fact)
        facts += [*history, history[-1]]
    if missing:
        target.append(missing)
    histories = [history for key in keys if (history := target.history(kind, key))]
    copied = [fact for history in histories for fact in [*history, history[-1]]]
    return Compared(f"facts of kind {kind}", sum_of(facts), sum_of(copied))


def _hash(record: Slot | Fact) -> int:
    fields = asdict(record)
    if isinstance(record, Slot):
        fields["energy"] = sorted(fields["energy"], key=lambda energy: (energy["source"], energy["scope"]))
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(keys)
    return (ordered[at : at + MOST_KEYS] for at in range(0, len(ordered), MOST_KEYS))


def _union(first: Span, second: Span) -> Span:
    return min(first[0], second[0]), max(first[1], second[1])


def _until(span: Span) -> Span:
    """From a first and last start to a half-open period."""
    return span[0], span[1] + SLOT_S

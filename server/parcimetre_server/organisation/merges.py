"""Merges and splits: the records of a device's history, those of several ids or a part of those of one.

Records are not moved; a history lists spans of them, so that a merge can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from parcimetre_factors.activity import SLOT_S, Activity

from ..base.periods import LAST_SECOND
from ..store.fact_schema import LineageBody, body_of
from ..store.interface import Store
from ..store.joining import SECONDS, combine
from ..store.records import DeviceId, Fact
from .left_out import leaving_out


@dataclass(frozen=True)
class RecordSpan:
    """Records sent under an id with first <= start < last (seconds UTC)."""

    source: DeviceId
    first: int = 0
    last: int = LAST_SECOND


@dataclass(frozen=True)
class Ancestry:
    """Spans of a device's own records, and the device that it was merged into, if any."""

    pieces: tuple[RecordSpan, ...]
    into: DeviceId | None = None


@dataclass(frozen=True)
class MergeHistory:
    """Ancestries of merged and split devices; any other device has the records of its own id."""

    known: dict[DeviceId, Ancestry] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store) -> MergeHistory:
        """Read the latest lineage facts."""
        known: dict[DeviceId, Ancestry] = {}
        for key, fact in store.latest("lineage").items():
            with leaving_out(DeviceId(key), "merges of the device"):
                known[DeviceId(key)] = _lineage(fact)
        return cls(known)

    def own(self, device_id: DeviceId) -> tuple[RecordSpan, ...]:
        """Return the spans of the device's own records, without those of devices merged into it."""
        found = self.known.get(device_id)
        return (RecordSpan(device_id),) if found is None else found.pieces

    def into(self, device_id: DeviceId) -> DeviceId | None:
        """Return the device that this one was merged into, if any."""
        found = self.known.get(device_id)
        return None if found is None else found.into

    def whole(self, device_id: DeviceId) -> DeviceId:
        """Return the device whose history includes that of this one: itself if it was not merged."""
        into = self.into(device_id)
        return device_id if into is None else self.whole(into)

    def members(self, device_id: DeviceId) -> list[DeviceId]:
        """Return the device and all that were merged into it, directly or not."""
        found = [device_id]
        for member in found:
            found += self._parts.get(member, ())
        return found

    @cached_property
    def _parts(self) -> dict[DeviceId, list[DeviceId]]:
        """Devices merged directly into each device."""
        found: dict[DeviceId, list[DeviceId]] = {}
        for key in sorted(self.known):
            into = self.known[key].into
            if into is not None:
                found.setdefault(into, []).append(key)
        return found

    def pieces(self, device_id: DeviceId) -> list[RecordSpan]:
        """Return all spans of records of the device's history."""
        return [piece for member in self.members(device_id) for piece in self.own(member)]

    def is_plain(self, device_id: DeviceId) -> bool:
        """Whether the device's history is just the records of its id."""
        return self.pieces(device_id) == [RecordSpan(device_id)]


def activity(store: Store, device_id: DeviceId, first: int, last: int) -> Activity:
    """Return slots of a device's history with first <= start < last, in order, each once."""
    return _joined(store, MergeHistory.of(store).pieces(device_id), first, last)


def activities(
    store: Store, device_ids: Iterable[DeviceId], first: int, last: int
) -> Iterator[tuple[DeviceId, Activity]]:
    """Yield the same for many devices; devices without a slot in the period are left out."""
    wanted, lineages = list(device_ids), MergeHistory.of(store)
    if not lineages.known:
        yield from store.activities(wanted, first, last)
        return
    joined = {key for key in _touched(lineages) if not lineages.is_plain(key)}
    yield from store.activities([key for key in wanted if key not in joined], first, last)
    for key in wanted:
        if key in joined:
            found = _joined(store, lineages.pieces(key), first, last)
            if len(found.start):
                yield key, found


def _touched(lineages: MergeHistory) -> set[DeviceId]:
    """Return merged and split devices, and those that others were merged into."""
    return {*lineages.known, *(one.into for one in lineages.known.values() if one.into is not None)}


def spans(store: Store) -> dict[DeviceId, tuple[int, int]]:
    """Return the start of the first and last slot of every history that is not part of another."""
    stored, lineages = store.spans(), MergeHistory.of(store)
    if not lineages.known:
        return stored
    found = {key: span for key, span in stored.items() if lineages.into(key) is None}
    for key in _touched(lineages):
        span = _span(stored, lineages.pieces(key)) if lineages.into(key) is None else None
        if span is None:
            found.pop(key, None)
        else:
            found[key] = span
    return found


def span(store: Store, device_id: DeviceId) -> tuple[int, int] | None:
    """Return the same of one device."""
    lineages = MergeHistory.of(store)
    if lineages.is_plain(device_id):
        return store.span(device_id)
    pieces = lineages.pieces(device_id)
    sources = {piece.source for piece in pieces}
    stored = {key: found for key in sources if (found := store.span(key)) is not None}
    return _span(stored, pieces)


def _span(stored: dict[DeviceId, tuple[int, int]], pieces: Sequence[RecordSpan]) -> tuple[int, int] | None:
    """Return the first and last slot that the spans may include, None if there is none."""
    ends = []
    for piece in pieces:
        first, last = stored.get(piece.source, (LAST_SECOND, 0))
        first, last = max(first, -(-piece.first // SLOT_S) * SLOT_S), min(last, piece.last - 1)
        if first <= last:
            ends.append((first, last // SLOT_S * SLOT_S))
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def _joined(store: Store, pieces: Sequence[RecordSpan], first: int, last: int) -> Activity:
    bounds = [(piece.source, max(first, piece.first), min(last, piece.last)) for piece in pieces]
    found = [store.activity(*bound) for bound in bounds if bound[1] < bound[2]]
    return combine(found or [store.activity(pieces[0].source, first, first)])


def between(found: Activity, first: int, last: int) -> Activity:
    """Return the slots of an activity with first <= start < last."""
    kept = (found.start >= first) & (found.start < last)
    columns = {name: getattr(found, name)[kept] for name in SECONDS}
    measured = (replace(m, energy_j=m.energy_j[kept], duration_s=m.duration_s[kept]) for m in found.measured)
    return Activity(found.start[kept], **columns, measured=tuple(measured))


def _lineage(fact: Fact) -> Ancestry:
    body = body_of(fact, LineageBody)
    pieces = tuple(RecordSpan(DeviceId(source), first, last) for source, first, last in body["pieces"])
    return Ancestry(pieces, None if body["into"] is None else DeviceId(body["into"]))

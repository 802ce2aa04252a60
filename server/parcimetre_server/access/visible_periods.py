"""When the records of an id are in a scope: while the device that they belong to is at a unit of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..base.periods import LAST_SECOND
from ..base.scope import Scope
from ..organisation.merges import MergeHistory, RecordSpan
from ..organisation.transfers import Placement, placements
from ..store.records import DeviceId, Fact

Window = tuple[int, int]
ALWAYS: tuple[Window, ...] = ((0, LAST_SECOND),)


def owners(lineages: MergeHistory, source: DeviceId) -> list[tuple[DeviceId, RecordSpan]]:
    """The devices that the records of an id belong to, with the piece that each has."""
    own = lineages.known.get(source)
    if own is None:
        return [(source, RecordSpan(source))]
    return [
        (lineages.whole(key), piece)
        for key, found in lineages.known.items()
        for piece in found.pieces
        if piece.source == source
    ]


def held_by(scope: Scope, fact: Fact, moves: Iterable[Fact]) -> list[Placement]:
    """The stays of a device at units of a scope, by what was stated of it."""
    stood = placements(str(fact.body["org_unit"]), str(fact.body["site"]), moves)
    return [stay for stay in stood if scope.covers(stay.org_unit)]


def common(piece: RecordSpan, held: Iterable[Placement]) -> Iterator[Window]:
    """The times of a piece that fall into some stays, seconds UTC, the end excluded."""
    for stay in held:
        first, last = max(piece.first, stay.first), min(piece.last, stay.last)
        if first < last:
            yield first, last


def inside(at: int, windows: Iterable[Window]) -> bool:
    """Whether a time is in one of them."""
    return any(first <= at < last for first, last in windows)

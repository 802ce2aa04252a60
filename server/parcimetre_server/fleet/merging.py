"""Merging of two devices that are one machine, and splitting of a device that two machines reported as."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

from parcimetre_factors.activity import SLOT_S

from ..access.credentials import revocation_fact
from ..base.errors import ParcimetreError
from ..organisation import audit
from ..organisation.merges import Ancestry, MergeHistory, RecordSpan
from ..store.interface import Store
from ..store.records import DeviceId, Fact


class CannotJoin(ParcimetreError):
    """A merge or a split that is not possible."""


def merge(store: Store, kept: DeviceId, gone: DeviceId, now: int) -> None:
    """Merge `gone` into `kept`, which has the history of both from now on. Raises CannotJoin."""
    store.append(merge_facts(store, kept, gone, now))


def merge_facts(store: Store, kept: DeviceId, gone: DeviceId, now: int) -> list[Fact]:
    """Return the facts that merge `gone` into `kept`. Raises CannotJoin."""
    lineages = MergeHistory.of(store)
    if kept == gone:
        raise CannotJoin("a device cannot be merged with itself; name two devices")
    for one in (kept, gone):
        if store.latest_of("device", one) is None:
            raise CannotJoin(
                f"{one} is a monitor; monitors are identified by their EDID and cannot be merged"
            )
        if lineages.into(one) is not None:
            raise CannotJoin(f"{one} was merged into {lineages.into(one)}: give that device")
    lineage = _fact(gone, Ancestry(lineages.own(gone), kept), now)
    told = {"into": kept}
    return [lineage, *(audit.entry("devices merged", key, now, {}, told) for key in (gone, kept))]


def unmerge(store: Store, gone: DeviceId, now: int) -> DeviceId:
    """Undo a merge; return the device that `gone` was a part of. Raises CannotJoin."""
    kept, facts = unmerge_facts(store, gone, now)
    store.append(facts)
    return kept


def unmerge_facts(store: Store, gone: DeviceId, now: int) -> tuple[DeviceId, list[Fact]]:
    """Return the device that `gone` is a part of, and the facts that undo the merge. Raises CannotJoin."""
    lineages = MergeHistory.of(store)
    kept = lineages.into(gone)
    if kept is None:
        raise CannotJoin(f"{gone} was not merged into another device: there is nothing to undo")
    lineage = _fact(gone, Ancestry(lineages.own(gone)), now)
    told = {"into": kept}
    return kept, [lineage, *(audit.entry("devices unmerged", key, now, told, {}) for key in (gone, kept))]


def split(store: Store, device_id: DeviceId, at: int, now: int) -> DeviceId:
    """Move the records from `at` to `now` (seconds UTC) to a new device, and return its id.

    Both machines must enrol again. The new device is the machine that enrolled last. Raises CannotJoin.
    """
    lineages, fact = MergeHistory.of(store), store.latest_of("device", device_id)
    if lineages.into(device_id) is not None or len(lineages.members(device_id)) > 1:
        raise CannotJoin(f"{device_id} is part of a merge: undo it first, with `devices merge --undo`")
    if fact is None or not 0 <= at < now or at % SLOT_S:
        raise CannotJoin("a device can only be split at a past quarter hour: give one with --at")
    new = DeviceId(secrets.token_hex(16))
    own = lineages.own(device_id)
    moved = [RecordSpan(p.source, max(p.first, at), min(p.last, now)) for p in own]
    left = [RecordSpan(p.source, p.first, min(p.last, at)) for p in own]
    left += [RecordSpan(p.source, max(p.first, now), p.last) for p in own]
    body = {**fact.body, "enrolled_at": at}
    store.append([
        Fact("device", new, now, body),
        Fact("device", device_id, now, {**fact.body, "fingerprint": None}),
        *_copied(store, device_id, new, now),
        _fact(new, Ancestry((*_some(moved), RecordSpan(new)), None), now),
        _fact(device_id, Ancestry(tuple(_some(left)), None), now),
        revocation_fact(device_id, now),
        audit.entry("device split", device_id, now, {}, {"at": at, "new": new}),
        audit.entry("device split", new, now, {}, {"at": at, "from": device_id}),
    ])  # fmt: skip
    return new


def _some(pieces: Iterable[RecordSpan]) -> Iterator[RecordSpan]:
    return (piece for piece in pieces if piece.first < piece.last)


def _copied(store: Store, old: DeviceId, new: DeviceId, now: int) -> Iterator[Fact]:
    """Yield facts about the old device for the new one, valid until its own agent reports."""
    latest = store.latest_of("inventory", old)
    if latest is not None:
        yield Fact("inventory", new, now, latest.body)
    for fact in store.history("transfer", old):
        yield Fact("transfer", new, now, fact.body)


def _fact(device_id: DeviceId, lineage: Ancestry, now: int) -> Fact:
    pieces = [[piece.source, piece.first, piece.last] for piece in lineage.pieces]
    return Fact("lineage", device_id, now, {"pieces": pieces, "into": lineage.into})

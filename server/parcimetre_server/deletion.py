"""Deleting a device for good: everything that is kept of it, and its name in the audit log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping

from .audit import DELETED, entry
from .devices import device
from .errors import ParcimetreError
from .lineage import Lineages
from .store import DeviceId, Fact, FactKind, Store


class SharedRecords(ParcimetreError):
    """A device whose records are stored together with those of another."""


def delete(store: Store, device_id: str, reason: str, now: int, together: bool = False) -> list[DeviceId]:
    """Remove a device and all that were merged into it; returns their ids.

    Slots, inventory, dead letters, purchases and identity go, in the files too. What stays is that a device
    of a category was deleted, when, by whom and for what `reason`. A device that was split shares records
    with its other part; `together` deletes both. Raises UnknownDevice and SharedRecords.
    """
    found = device(store, device_id)
    lineages = Lineages.of(store)
    gone, shared = lineages.members(found.id), _sharing(lineages, found.id)
    if shared and not together:
        raise SharedRecords(
            f"device {found.id} was split from {', '.join(shared)} or the other way round, and their "
            "records are stored together: delete both with --together"
        )
    gone = list(dict.fromkeys([*gone, *(member for one in shared for member in lineages.members(one))]))
    nameless = {str(key): f"deleted-{secrets.token_hex(4)}" for key in gone}
    log = list(_log(store, nameless))
    facts: list[tuple[FactKind, str]] = [("audit", key) for key in dict.fromkeys(fact.key for fact in log)]
    for letter in store.history("dead_letter"):
        if letter.body["device"] in nameless:
            facts.append(("dead_letter", letter.key))
    told = entry("device deleted", DELETED, now, {"category": found.category}, {}, reason)
    store.erase(gone, facts, [*(_without(fact, nameless) for fact in log), told])
    return gone


def _sharing(lineages: Lineages, device_id: DeviceId) -> list[DeviceId]:
    """Other devices with a piece of the same records, or with one that those share, and so on."""
    found = [device_id]
    for one in found:
        sources = {piece.source for piece in lineages.pieces(one)}
        found += [
            key
            for key, lineage in lineages.known.items()
            if key not in found
            and lineages.into(key) is None
            and sources & {piece.source for piece in lineages.pieces(key)}
        ]
    return found[1:]


def _log(store: Store, nameless: Mapping[str, str]) -> Iterator[Fact]:
    """All entries about things of which some entry names a deleted device, oldest first."""
    log = store.history("audit")
    touched = {fact.key for fact in log if _names(fact, nameless)}
    return (fact for fact in log if fact.key in touched)


def _names(fact: Fact, nameless: Mapping[str, str]) -> bool:
    told = json.dumps(fact.body)
    return fact.key in nameless or any(key in told for key in nameless)


def _without(fact: Fact, nameless: Mapping[str, str]) -> Fact:
    """An entry as it may stay: who did what and when, but to something nameless."""
    if fact.key in nameless:
        body = {**fact.body, "before": {}, "after": {}, "reason": None}
        return Fact("audit", nameless[fact.key], fact.recorded_at, body)
    told = json.dumps(fact.body)
    for key, name in nameless.items():
        told = told.replace(key, name)
    return Fact("audit", fact.key, fact.recorded_at, json.loads(told))

"""Deletion of a device for good: everything stored of it, and its id in the audit log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from ..base.cache import clear_all
from ..base.errors import ParcimetreError
from ..organisation.audit import DELETED, entry
from ..organisation.connections import ConnectionMap
from ..organisation.merges import MergeHistory
from ..store.interface import Store
from ..store.records import DeviceId, Fact, FactKind
from .devices import device
from .joins import all_joins

NAMES: tuple[tuple[FactKind, str], ...] = (("monitor", "machines"), ("attached", "monitors"))


class SharedRecords(ParcimetreError):
    """A device that shares its records with another one."""


def delete(store: Store, device_id: str, reason: str, now: int, together: bool = False) -> list[DeviceId]:
    """Delete a device and all that were merged into it; return their ids.

    Slots, inventory, dead letters, purchases and identity are deleted, in the files too, with the monitors
    that only it showed, its outlets, and those that fed it alone. The audit log keeps that a device of a
    category was deleted, when, by whom and for what `reason`. A device that was split shares records with
    its other part; `together` deletes both. Raises UnknownDevice and SharedRecords.
    """
    found = device(store, device_id)
    lineages = MergeHistory.of(store)
    gone, shared = lineages.members(found.id), _sharing(lineages, found.id)
    if shared and not together:
        raise SharedRecords(
            f"the records of device {found.id} are stored together with those of "
            f"{', '.join(shared)}, because one was split from the other: delete both with --together"
        )
    gone = list(dict.fromkeys([*gone, *(member for one in shared for member in lineages.members(one))]))
    outlets = _outlets(store, gone)
    nameless = {str(key): f"deleted-{secrets.token_hex(4)}" for key in gone}
    log = list(_log(store, nameless))
    facts: list[tuple[FactKind, str]] = [("audit", key) for key in dict.fromkeys(fact.key for fact in log)]
    looked = [fact for fact in store.history("look") if fact.body["device"] in nameless]
    facts += [("look", fact.key) for fact in looked]
    for letter in store.history("dead_letter"):
        if letter.body["device"] in nameless:
            facts.append(("dead_letter", letter.key))
    facts += _joins_of(store, nameless)
    seen = [one for one in _seen_with(store, set(nameless)) if one.key not in outlets]
    facts += [(fact.kind, fact.key) for fact in seen]
    told = entry("device deleted", DELETED, now, {"category": found.category}, {}, reason)
    left = filter(None, (_parted(fact, set(nameless)) for fact in seen))
    log += looked
    store.erase([*gone, *outlets], facts, [*(_without(fact, nameless) for fact in log), *left, told])
    clear_all()
    return gone


def _outlets(store: Store, gone: Collection[DeviceId]) -> list[DeviceId]:
    """Return the ids of outlets of deleted feeders, and of those that fed only deleted devices."""
    found = (
        (outlet, {one.device for one in outlet.feeds} - {None}) for outlet in ConnectionMap.of(store).outlets
    )
    return [
        key
        for outlet, fed in found
        if outlet.feeder in gone or (fed and fed.issubset(gone))
        for key in outlet.ids
    ]


def _joins_of(store: Store, gone: Collection[str]) -> Iterator[tuple[FactKind, str]]:
    """Yield the joins of deleted devices, and the other ids of deleted monitors."""
    for join in all_joins(store):
        if join.earlier in gone or join.later in gone:
            yield "join", join.id
    for key, fact in store.latest("former_monitor").items():
        if fact.body["monitor"] in gone:
            yield "former_monitor", key


def _seen_with(store: Store, gone: Collection[str]) -> Iterator[Fact]:
    """Yield all facts about monitors of deleted machines, machines of deleted monitors, and their outlets."""
    hung = store.history("feeding")
    outlets = {fact.key for fact in hung if fact.body["device"] in gone}
    yield from (fact for fact in hung if fact.key in outlets)
    for kind, named in NAMES:
        facts = store.history(kind)
        touched = {fact.key for fact in facts if set(gone).intersection(fact.body[named])}.difference(gone)
        yield from (fact for fact in facts if fact.key in touched)


def _parted(fact: Fact, gone: Collection[str]) -> Fact | None:
    """Return the fact without the deleted devices; None for a monitor that no other machine showed."""
    if fact.kind == "feeding":
        return replace(fact, body={**fact.body, "device": None}) if fact.body["device"] in gone else fact
    named = dict(NAMES)[fact.kind]
    left = [key for key in fact.body[named] if key not in gone]
    return None if fact.kind == "monitor" and not left else replace(fact, body={**fact.body, named: left})


def _sharing(lineages: MergeHistory, device_id: DeviceId) -> list[DeviceId]:
    """Return all other devices that share records with it, directly or through others."""
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
    """Return all entries about subjects of which any entry names a deleted device, oldest first."""
    log = store.history("audit")
    touched = {fact.key for fact in log if _names(fact, nameless)}
    return (fact for fact in log if fact.key in touched)


def _names(fact: Fact, nameless: Mapping[str, str]) -> bool:
    told = json.dumps(fact.body)
    return fact.key in nameless or any(key in told for key in nameless)


def _without(fact: Fact, nameless: Mapping[str, str]) -> Fact:
    """Return an entry with who did what and when, and another name for the deleted device."""
    if fact.key in nameless:
        body = {**fact.body, "before": {}, "after": {}, "reason": None}
        return Fact("audit", nameless[fact.key], fact.recorded_at, body)
    told = json.dumps(fact.body)
    for key, name in nameless.items():
        told = told.replace(key, name)
    return replace(fact, body=json.loads(told))

"""Retire devices and revoke their credentials."""

from __future__ import annotations

from ..access.credentials import revocation_fact
from ..organisation import audit, merges
from ..organisation.connections import unplugged
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .devices import device


def retire(store: Store, device_id: str, now: int, scrapped: bool = False) -> None:
    """Take a device out of service from `now` on and end its credentials. Raises UnknownDevice.

    The embodied impact left of a scrapped device is charged at that time; that of another goes with it to its
    next owner. Its outlets no longer count for it.
    """
    members = _members(store, device_id)
    facts = unplugged(store, members, now)
    for member in members:
        fact = store.latest_of("device", member) or store.latest_of("monitor", member)
        if fact is not None and fact.body.get("retired_at") is None:
            body = {**fact.body, "retired_at": now, "scrapped": scrapped}
            entry = audit.entry("device retired", member, now, fact.body, body)
            credential = [revocation_fact(member, now)] if fact.kind == "device" else []
            facts += [Fact(fact.kind, member, now, body), *credential, entry]
    store.append(facts)


def revoke(store: Store, device_id: str, now: int) -> None:
    """End the credentials of a device; it stays in service and may enrol again. Raises UnknownDevice."""
    members = _members(store, device_id)
    entries = [audit.entry("device revoked", member, now) for member in members]
    store.append([*(revocation_fact(member, now) for member in members), *entries])


def _members(store: Store, device_id: str) -> list[DeviceId]:
    """Return a device and those merged into it. Raises UnknownDevice."""
    return merges.MergeHistory.of(store).members(device(store, device_id).id)

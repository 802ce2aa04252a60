"""Devices that came by an enrolment secret: after a leak all of them are listed, and revoked together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..access.context import Context
from ..access.credentials import revocation_fact
from ..organisation import audit
from ..organisation.merges import MergeHistory
from ..store.fact_schema import DeviceBody, body_of
from ..store.interface import Store
from ..store.records import DeviceId
from .enrolment import FAR_TOO_MANY, Secret, revoke_secret
from .joins import unit_of


@dataclass(frozen=True)
class Arrival:
    """A device that ever enrolled with a secret, and when it did so first (seconds UTC)."""

    id: DeviceId
    hostname: str | None
    category: str
    org_unit: str
    enrolled_at: int
    retired_at: int | None
    is_revoked: bool


def arrivals(store: Store, secret_id: str) -> list[Arrival]:
    """Return the devices that ever enrolled with a secret, the latest first.

    Also those that enrolled again with another one since: who had the secret may still have their credential.
    """
    first: dict[str, int] = {}
    for fact in store.history("device"):
        if fact.body.get("secret") == secret_id:
            first.setdefault(fact.key, fact.recorded_at)
    merges, revoked = MergeHistory.of(store), store.latest("credential")
    found = []
    for key, at in first.items():
        latest = store.latest_of("device", key)
        if latest is not None:
            body = body_of(latest, DeviceBody)
            unit = unit_of(store, DeviceId(key), merges) or str(body.get("org_unit", ""))
            is_revoked = key in revoked and int(revoked[key].body["revoked_before"]) > at
            found.append(
                Arrival(DeviceId(key), body.get("hostname"), str(body.get("category", "other")), unit, at,
                        body.get("retired_at"), is_revoked)
            )  # fmt: skip
    return sorted(found, key=lambda one: (-one.enrolled_at, one.id))


def revoke_with_devices(context: Context, secret_id: str) -> tuple[Secret, list[Arrival]]:
    """Revoke a secret and the credentials of all devices that came by it; return both.

    Their machines must enrol again with another secret; their figures stay. Raises UnknownSecret.
    """
    secret, now = revoke_secret(context, secret_id), context.now()
    found = arrivals(context.store, secret_id)
    facts = [revocation_fact(one.id, now) for one in found]
    entries = [audit.entry("device revoked", one.id, now, {}, {"secret": secret_id}) for one in found]
    context.store.append([*facts, *entries])
    return secret, found


def devices_by_secret(store: Store) -> Mapping[str, int]:
    """Return how many devices came by each secret, by its id, going by their latest enrolment."""
    return Counter(secret for fact in store.latest("device").values() if (secret := fact.body.get("secret")))


def is_beyond_plan(secret: Secret, devices: int) -> bool:
    """Return whether a secret has enrolled twice as many devices as were planned, or more."""
    return secret.planned is not None and devices >= FAR_TOO_MANY * secret.planned

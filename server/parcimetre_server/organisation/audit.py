"""Audit log: acts on devices, secrets, keys, factors and contracts, with the actor and what changed.

An entry is a fact: it is written in the same transaction as the act and never changed. Its key is the
subject of the act, a device's id for example.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from ..base.i18n import N_
from ..store.fact_schema import AuditBody, body_of
from ..store.interface import Store
from ..store.records import Fact

DELETED = "deleted"  # stands for each device that is no more
Act = Literal[
    "secret created",
    "secret revoked",
    "device retired",
    "device revoked",
    "device transferred",
    "devices merged",
    "devices unmerged",
    "device split",
    "device deleted",
    "dead letters dropped",
    "dead letters replayed",
    "purchases stated",
    "contract added",
    "contract ended",
    "factors adopted",
    "credential key rotated",
    "session key rotated",
    "token created",
    "token revoked",
    "recipient added",
    "recipient removed",
    "history rolled up",
    "outlet mapped",
    "presence switched on",
    "presence switched off",
    "records disclosed",
    "device enrolled",
    "device enrolled again",
    "join waits",
    "join approved",
    "join refused",
    "join undone",
    "monitor claimed",
]
ACTS = (
    N_("secret created"),
    N_("secret revoked"),
    N_("device retired"),
    N_("device revoked"),
    N_("device transferred"),
    N_("devices merged"),
    N_("devices unmerged"),
    N_("device split"),
    N_("device deleted"),
    N_("dead letters dropped"),
    N_("dead letters replayed"),
    N_("purchases stated"),
    N_("contract added"),
    N_("contract ended"),
    N_("factors adopted"),
    N_("credential key rotated"),
    N_("session key rotated"),
    N_("token created"),
    N_("token revoked"),
    N_("recipient added"),
    N_("recipient removed"),
    N_("history rolled up"),
    N_("outlet mapped"),
    N_("presence switched on"),
    N_("presence switched off"),
    N_("records disclosed"),
    N_("device enrolled"),
    N_("device enrolled again"),
    N_("join waits"),
    N_("join approved"),
    N_("join refused"),
    N_("join undone"),
    N_("monitor claimed"),
)
BY_AGENTS: frozenset[Act] = frozenset({"device enrolled", "device enrolled again", "monitor claimed"})
"""Acts that no admin does: they happen all day."""
NOTHING: Mapping[str, Any] = {}
ACTOR: ContextVar[str | None] = ContextVar("actor", default=None)


@dataclass(frozen=True)
class Entry:
    """An act on `subject` at `at` (seconds UTC) by `who`, an OS user or an API user."""

    at: int
    who: str
    act: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str | None = None


@contextmanager
def acting(who: str) -> Iterator[None]:
    """Attribute the acts of a block to an API user, by the name of the user or token."""
    token = ACTOR.set(who)
    try:
        yield
    finally:
        ACTOR.reset(token)


def actor() -> str:
    """Return the API user if one was named, else the OS user of the command, with the one behind sudo."""
    named = ACTOR.get()
    if named is not None:
        return named
    behind = os.environ.get("SUDO_USER")
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return f"{user} (sudo by {behind})" if behind and behind != user else user


def entry(
    act: Act,
    subject: str,
    now: int,
    before: Mapping[str, Any] = NOTHING,
    after: Mapping[str, Any] = NOTHING,
    reason: str | None = None,
    hidden: Collection[str] = (),
) -> Fact:
    """Return the fact of an act, with the fields that differ between `before` and `after`.

    `hidden` fields are left out: the subject's own id, hashes of secrets, addresses of persons.
    """
    differs = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    changed = differs.difference(hidden)
    body: AuditBody = {
        "act": act,
        "who": actor(),
        "before": {name: before[name] for name in sorted(changed & set(before))},
        "after": {name: after[name] for name in sorted(changed & set(after))},
        "reason": reason,
    }
    return Fact("audit", subject, now, body)


def entries(store: Store, subject: str | None = None) -> list[Entry]:
    """Return the entries about a subject, or all of them, oldest first."""
    return [
        Entry(fact.recorded_at, subject=fact.key, **body_of(fact, AuditBody))
        for fact in store.history("audit", subject)
    ]

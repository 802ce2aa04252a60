"""Removal of names of persons from old entries of the audit log, ended tokens, recipients and deliveries.

The entry stays: what was done, when, to what. Names are removed month by month, since the embedded engine
writes its file anew so that none is left in it: a name stays for `days` and at most 31 more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ..base.periods import DAY_S
from ..store.interface import Store
from ..store.records import Body, Fact, FactKind

REMOVED = "name removed"
TOKEN_ACTS = ("token created", "token revoked")


def remove_old_names(store: Store, now: int, days: int) -> int:
    """Remove names of persons that are older than so many days; return the number of facts that had one."""
    before = _month_of(now - days * DAY_S)
    keys, instead, count = list[tuple[FactKind, str]](), list[Fact](), 0
    for facts in _by_key(store):
        left = [_without_name(fact, before, facts[-1]) for fact in facts]
        differ = sum(one != other for one, other in zip(left, facts, strict=True))
        if differ:
            keys.append((facts[0].kind, facts[0].key))
            instead += left
            count += differ
    if keys:
        store.erase([], keys, instead)
    return count


def _month_of(second: int) -> int:
    """Return the first second of the month (UTC) of a time."""
    at = datetime.fromtimestamp(max(second, 0), UTC)
    return int(datetime(at.year, at.month, 1, tzinfo=UTC).timestamp())


def _by_key(store: Store) -> Iterator[Sequence[Fact]]:
    """Yield the facts of each key of each kind that names persons, oldest first."""
    for kind in NAMELESS:
        by_key: dict[str, list[Fact]] = {}
        for fact in store.history(kind):
            by_key.setdefault(fact.key, []).append(fact)
        yield from by_key.values()


def _without_name(fact: Fact, before: int, latest: Fact) -> Fact:
    """Return a fact that is no longer needed with the names, by the latest fact of its key; else the same."""
    ends = [latest.body[field] for field in ENDS.get(fact.kind, ()) if latest.body[field] is not None]
    ended_at = min(ends, default=before) if fact.kind in ENDS else fact.recorded_at
    return replace(fact, body=NAMELESS[fact.kind](fact.body)) if ended_at < before else fact


def _entry(body: Body) -> Body:
    if body["act"] not in TOKEN_ACTS:
        return {**body, "who": REMOVED}
    return {**body, "who": REMOVED, "before": _unnamed(body["before"]), "after": _unnamed(body["after"])}


def _unnamed(body: Body) -> Body:
    return {**body, "name": REMOVED} if "name" in body else body


def _recipient(body: Body) -> Body:
    return {**body, "to": REMOVED} if body["way"] == "mail" else body


NAMELESS: Mapping[FactKind, Callable[[Body], Body]] = {
    "audit": _entry,
    "token": _unnamed,
    "schedule": _recipient,
    "delivery": _recipient,
}
ENDS: Mapping[FactKind, tuple[str, ...]] = {
    "token": ("revoked_at", "expires_at"),
    "schedule": ("ended_at",),
}

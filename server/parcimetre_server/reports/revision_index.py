"""Index of the latest revisions of reports, without the reports, read incrementally."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.cache import CachePerOwner
from ..store.interface import Store
from ..store.records import Fact
from .stored import Target


@dataclass(frozen=True)
class IndexedRevision:
    """The latest revision of a report: key of its fact, target, number and publication (seconds UTC)."""

    key: str
    target: Target
    number: int
    published_at: int


@dataclass(frozen=True)
class _Index:
    """The revisions up to a mark in the facts."""

    revisions: dict[str, IndexedRevision]
    mark: int


_INDEX: CachePerOwner[None, _Index] = CachePerOwner(
    "revisions", "Each request reads the revisions published since the last one.", 1
)


def latest_revisions(store: Store, since: int) -> list[IndexedRevision]:
    """Return the latest revision of each report, of those published since (seconds UTC).

    `since` may only grow from one call to the next: older ones are dropped.
    """
    return list(_INDEX.of(store).update(None, lambda before: _index(store, since, before)).revisions.values())


def _index(store: Store, since: int, before: _Index | None) -> _Index:
    """Return the index by now: the revisions before, and those published since."""
    if before is None:
        mark = store.newer((), 0)[1]
        published, known = list(store.latest("report", since).values()), {}
    else:
        published, mark = store.newer(["report"], before.mark)
        known = before.revisions
    known = known | {fact.key: _revision(fact) for fact in published}
    return _Index({key: revision for key, revision in known.items() if revision.published_at >= since}, mark)


def _revision(fact: Fact) -> IndexedRevision:
    body = fact.body
    return IndexedRevision(fact.key, (body["org_unit"], body["role"]), body["edition"], body["published_at"])

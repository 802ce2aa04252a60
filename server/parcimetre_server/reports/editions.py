"""Index of the latest editions of reports, without the reports, read incrementally."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.cache import CachePerOwner
from ..store.interface import Store
from ..store.records import Fact
from .stored import Target


@dataclass(frozen=True)
class Edition:
    """The latest edition of a report: its fact's key, whose it is, its number and when it was published."""

    key: str
    target: Target
    number: int
    published_at: int


@dataclass(frozen=True)
class _Index:
    """The editions as they were when the facts had come to a mark."""

    editions: dict[str, Edition]
    mark: int


_INDEX: CachePerOwner[None, _Index] = CachePerOwner(
    "editions", "Editions are read again at each question as far as any was published since.", 1
)


def editions(store: Store, since: int) -> list[Edition]:
    """Return the latest edition of each report, of those published since (seconds UTC).

    `since` may only grow from one call to the next: older ones are dropped.
    """
    return list(_INDEX.of(store).update(None, lambda before: _index(store, since, before)).editions.values())


def _index(store: Store, since: int, before: _Index | None) -> _Index:
    """Return the editions by now: those before, and what was published since."""
    if before is None:
        mark = store.newer((), 0)[1]
        published, known = list(store.latest("report", since).values()), {}
    else:
        published, mark = store.newer(["report"], before.mark)
        known = before.editions
    known = known | {fact.key: _edition(fact) for fact in published}
    return _Index({key: edition for key, edition in known.items() if edition.published_at >= since}, mark)


def _edition(fact: Fact) -> Edition:
    body = fact.body
    return Edition(fact.key, (body["org_unit"], body["role"]), body["edition"], body["published_at"])

"""Which editions of reports there are, without the reports: read once, then only what was published since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

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


@dataclass
class _Known:
    """The editions as they were when the facts had come to a mark."""

    editions: dict[str, Edition] = field(default_factory=dict)
    mark: int = 0
    lock: Lock = field(default_factory=Lock)


_KNOWN: WeakKeyDictionary[Store, _Known] = WeakKeyDictionary()


def editions(store: Store, since: int) -> list[Edition]:
    """The latest edition of each report, of those published since (seconds UTC).

    `since` may only grow from one call to the next: older ones are forgotten.
    """
    known = _KNOWN.setdefault(store, _Known())
    with known.lock:
        if known.mark:
            stated, known.mark = store.newer(["report"], known.mark)
            found: Iterable[Fact] = stated
        else:
            known.mark = store.newer((), 0)[1]
            found = store.latest("report", since).values()
        known.editions |= {fact.key: _edition(fact) for fact in found}
        known.editions = {key: one for key, one in known.editions.items() if one.published_at >= since}
        return list(known.editions.values())


def _edition(fact: Fact) -> Edition:
    body = fact.body
    return Edition(fact.key, (body["org_unit"], body["role"]), body["edition"], body["published_at"])

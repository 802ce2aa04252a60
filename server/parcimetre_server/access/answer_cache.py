"""What was told of a large fleet a moment ago, kept so that it can be told again at once.

It is told again for KEPT_S seconds, as that of its moment: a minute's new records are waited for, as those
are that agents send hourly. What people state (transfers, purchases, contracts...) makes it end at once, and
so does another factor set. A small fleet's is never kept: it is made anew faster than anybody would notice.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from ..store.interface import Store
from ..store.records import FactKind
from .scoped_store import ScopedStore

if TYPE_CHECKING:
    from .context import Context

KEPT_S = 300
MOST = 64
WITH_RECORDS: frozenset[FactKind] = frozenset({
    "device", "inventory", "attached", "monitor", "self_cost", "losses", "credential", "dead_letter",
    "token", "token_use", "secret", "grid", "outlet",
})  # fmt: skip
STATED: tuple[FactKind, ...] = tuple(kind for kind in get_args(FactKind) if kind not in WITH_RECORDS)


@dataclass(frozen=True)
class Moment:
    """What was told at a time, seconds UTC; `mark` is that of the facts it rests on.

    Where it is `kept` its time should be told with it.
    """

    told: Any
    at: int
    mark: int
    factor_set: str
    kept: bool


class Moments:
    """The moments of the questions asked last; may be asked from any thread."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._kept: OrderedDict[Hashable, Moment] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def tell(self, key: Hashable, context: Context, make: Callable[[], tuple[Any, bool]]) -> Moment:
        """The answer to a question, of now or of a moment ago; who asks for the same meanwhile waits for it.

        `make` gives an answer, and whether it may be kept. What it raises is raised here.
        """
        found = self._get(key, context)
        if found is not None:
            return found
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                return self._get(key, context) or self.renew(key, context, make)
        finally:
            with self._lock:
                self._making.pop(key, None)

    def renew(self, key: Hashable, context: Context, make: Callable[[], tuple[Any, bool]]) -> Moment:
        """Make an answer anew and keep it; the one before is told until then."""
        at, mark = context.now(), whole(context.store).newer((), 0)[1]
        told, keep = make()
        found = Moment(told, at, mark, context.factors.id, keep)
        with self._lock:
            self._kept.pop(key, None)
            if found.kept:
                self._kept[key] = found
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found

    def _get(self, key: Hashable, context: Context) -> Moment | None:
        with self._lock:
            found = self._kept.get(key)
        holds = (
            found is not None
            and 0 <= context.now() - found.at < KEPT_S
            and found.factor_set == context.factors.id
            and not whole(context.store).newer(STATED, found.mark)[0]
        )
        return found if holds else None


def whole(store: Store) -> Store:
    """The store itself: a reader's scope would not tell of what left it."""
    return store.whole if isinstance(store, ScopedStore) else store

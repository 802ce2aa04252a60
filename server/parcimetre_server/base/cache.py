"""The one cache: bounded, thread-safe, keyed by what a value rests on, with a name and a rule of staleness.

Deleting a device empties every cache of a process (`clear_all`), so that nothing of it is left in memory.

Four kinds of memory do not go through it:
- pure functions of constants (translations, style sheets, templates, the shipped factor set, counter names,
  bounds of a year, the machine's names) use `functools.lru_cache`: they are never stale and know no device;
- copies of a whole list that are read again every few seconds (tokens, revocations, ended sessions) are
  replaced at once;
- state that cannot be computed again (how often a device may still report) is not a cache;
- what one request or one query has read goes when it is answered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary, WeakSet

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class _Turn:
    """Those who compute the value of one key, one after another."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class Cache(Generic[K, V]):
    """Values that were computed before, never None; those used longest ago are dropped first.

    `stale` says in one sentence when a value no longer counts. `most` bounds the sum of what `weigh` returns
    for each value, or the number of values. All methods may be called from any thread.
    """

    def __init__(self, name: str, stale: str, most: float, weigh: Callable[[V], float] | None = None) -> None:
        """Start empty, and be emptied by `clear_all`."""
        self.name, self.stale = name, stale
        self._most, self._weigh = most, weigh
        self._values: OrderedDict[K, V] = OrderedDict()
        self._turns: dict[K, _Turn] = {}
        self._lock = threading.Lock()
        self.weight = 0.0
        self.epoch = 0
        with _REGISTERING:
            _CACHES.add(self)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return the value of a key, None where there is none."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: V, epoch: int | None = None) -> None:
        """Store the value of a key, unless it is heavier than all that may be stored.

        With the `epoch` in which computing began, also unless the cache was emptied since.
        """
        weight = self._weight(value)
        with self._lock:
            if epoch is not None and epoch != self.epoch:
                return
            self._discard(key)
            if weight > self._most:
                return
            self._values[key] = value
            self.weight += weight
            while self.weight > self._most:
                self._discard(next(iter(self._values)))

    def get_or_compute(
        self, key: K, compute: Callable[[], V], is_valid: Callable[[V], bool] | None = None
    ) -> V:
        """Return the stored value if it is valid, else the one that is computed and stored now.

        Who asks for the same key meanwhile waits for it. Where `compute` raises, nothing is stored.
        """
        value = self._valid(key, is_valid)
        if value is not None:
            return value
        with self._alone(key):
            value = self._valid(key, is_valid)
            if value is None:
                epoch = self.epoch
                value = compute()
                self.put(key, value, epoch)
            return value

    def update(self, key: K, step: Callable[[V | None], V]) -> V:
        """Replace the value of a key, or None, by what `step` makes of it; return the new one.

        One step of a key runs at a time; it must know by itself what has changed since the last one.
        """
        with self._alone(key):
            value = step(self.get(key))
            self.put(key, value)
            return value

    def clear(self) -> None:
        """Drop all values, and those that are being computed at this moment."""
        with self._lock:
            self._values.clear()
            self.weight = 0.0
            self.epoch += 1

    def _valid(self, key: K, is_valid: Callable[[V], bool] | None) -> V | None:
        value = self.get(key)
        return value if value is None or is_valid is None or is_valid(value) else None

    def _weight(self, value: V) -> float:
        return 1 if self._weigh is None else self._weigh(value)

    def _discard(self, key: K) -> None:
        value = self._values.pop(key, None)
        if value is not None:
            self.weight -= self._weight(value)

    @contextmanager
    def _alone(self, key: K) -> Iterator[None]:
        """Run what computes the value of a key when nobody else does."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.waiting -= 1
                if not turn.waiting:
                    del self._turns[key]


class CachePerOwner(Generic[K, V]):
    """A cache of its own for each owner, such as a store; it goes when its owner goes."""

    def __init__(self, name: str, stale: str, most: float, weigh: Callable[[V], float] | None = None) -> None:
        """Create none yet."""
        self._about = name, stale, most, weigh
        self._caches: WeakKeyDictionary[object, Cache[K, V]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, owner: object) -> Cache[K, V]:
        """Return the cache of an owner."""
        with self._lock:
            cache = self._caches.get(owner)
            if cache is None:
                cache = self._caches[owner] = Cache(*self._about)
            return cache


_CACHES: WeakSet[Cache[Any, Any]] = WeakSet()
_REGISTERING = threading.Lock()


def all_caches() -> list[Cache[Any, Any]]:
    """Return every cache of this process, by name."""
    with _REGISTERING:
        return sorted(_CACHES, key=lambda cache: cache.name)


def clear_all() -> None:
    """Empty every cache of this process."""
    for cache in all_caches():
        cache.clear()

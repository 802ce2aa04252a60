"""Facts as rows with a sequence: what was appended later about a key stands later, on whatever collector.

A sequence is the microsecond of the append, or one more than the key's latest where that is ahead: clocks of
collectors may differ, and still a fact appended after another was acknowledged comes after it. `recorded_at`
takes no part in the order, as in the embedded engine. A row that an insert repeated after a lost answer
brings twice has the same sequence and writer, and is read once.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from secrets import randbits

import numpy as np

from ..fact_schema import decode_body, encode_body
from ..records import Body, Fact, FactKind
from . import mutations
from .native import Values
from .server import Server, insert, quoted, select

TYPES = {
    "kind": "String", "key": "String", "sequence": "UInt64", "writer": "UInt64", "recorded_at": "Int64",
    "body": "String",
}  # fmt: skip
COLUMNS = ", ".join(TYPES)
LATEST = """
    SELECT {columns} FROM fact WHERE kind = {kind} AND (key, sequence) IN (
        SELECT key, max(sequence) FROM fact WHERE kind = {kind} GROUP BY key{since}
    ) ORDER BY key, writer DESC LIMIT 1 BY key
"""
LATEST_OF = """
    SELECT {columns} FROM fact WHERE kind = {kind} AND key = {key}
    ORDER BY sequence DESC, writer DESC LIMIT 1
"""
HISTORY = """
    SELECT {columns} FROM fact{begins} WHERE {where}
    ORDER BY sequence, writer, kind, key LIMIT 1 BY kind, key, sequence, writer
"""
BEGINS = """
    LEFT JOIN (
        SELECT key, max(sequence) AS begins FROM fact WHERE {where} AND recorded_at < {since} GROUP BY key
    ) AS before USING key
"""
KEYS = "SELECT DISTINCT key FROM fact WHERE kind = {kind} ORDER BY key"
NEWEST = "SELECT kind, key, max(sequence) AS newest FROM fact WHERE {any_of} GROUP BY kind, key"
Written = tuple[Fact, str]  # with its body as JSON
CLOCKS_APART_US = 600_000_000
MOST_REWRITTEN = 200  # keys whose facts are in memory at once
MOST_ASKED = 2_000  # keys in a query, whose length ClickHouse bounds
Key = tuple[str, str]  # kind and key
Row = tuple[Fact, str, int, int]  # with its body, sequence and writer
Order = tuple[int, int]


def written(facts: Iterable[Fact]) -> list[Written]:
    """Facts with their bodies as JSON. Raises TypeError for what is no JSON."""
    return [(fact, encode_body(fact.kind, fact.body)) for fact in facts]


class Sequences:
    """Hands out sequences that only rise, within this process and above what the servers have."""

    def __init__(self) -> None:
        """Be a writer of its own."""
        self._writer, self._last, self._lock = randbits(64), 0, threading.Lock()

    def order(self, facts: Sequence[Written], newest: Mapping[Key, int]) -> list[Row]:
        """Facts with their sequences, in their order; `newest` are those of their keys so far."""
        rows = []
        with self._lock:
            for fact, body in facts:
                ahead = newest.get((fact.kind, fact.key), 0)
                self._last = max(time.time_ns() // 1000, self._last + 1, ahead + 1)
                rows.append((fact, body, self._last, self._writer))
        return rows


class Acknowledged:
    """Which facts of the last minutes were handed out, and when.

    A mark is a microsecond of this process. Facts of collectors whose clock is behind may turn up with a
    sequence before it: the last ten minutes are read again, and what was handed out before is left out.
    """

    def __init__(self) -> None:
        """Nothing was."""
        self._at: dict[tuple[str, str, Order], int] = {}
        self._last, self._lock = 0, threading.Lock()

    def now(self) -> int:
        """A mark after all before."""
        with self._lock:
            self._last = max(time.time_ns() // 1000, self._last + 1)
            return self._last

    def since(self, mark: int) -> int:
        """The sequence after which facts must be read for a mark."""
        return max(0, mark - CLOCKS_APART_US)

    def after(self, mark: int, now: int, found: Sequence[tuple[Order, Fact]]) -> list[Fact]:
        """Those that were first found after a mark; `now` is the mark of the reading that found them."""
        with self._lock:
            old = now - 2 * CLOCKS_APART_US
            self._at = {key: at for key, at in self._at.items() if key[2][0] > old}
            return [
                fact for order, fact in found if self._at.setdefault((fact.kind, fact.key, order), now) > mark
            ]


def add(server: Server, rows: Sequence[Row]) -> None:
    """Add facts to a server in one block."""
    columns: dict[str, Values] = {
        "kind": [str(fact.kind) for fact, *_ in rows],
        "key": [fact.key for fact, *_ in rows],
        "sequence": np.array([sequence for *_, sequence, _ in rows], np.uint64),
        "writer": np.array([writer for *_, writer in rows], np.uint64),
        "recorded_at": np.array([fact.recorded_at for fact, *_ in rows], np.int64),
        "body": [body for _, body, *_ in rows],
    }
    insert(server, "fact", TYPES, columns, len(rows))


def latest(server: Server, kind: FactKind, since: int) -> list[Fact]:
    """The latest fact of each key that has one recorded at `since` or later."""
    having = f" HAVING max(recorded_at) >= {since}" if since else ""
    return [
        fact for _, fact in _read(server, LATEST.format(columns=COLUMNS, kind=quoted(kind), since=having))
    ]


def latest_of(server: Server, kind: FactKind, key: str) -> Fact | None:
    """The latest fact about a key."""
    query = LATEST_OF.format(columns=COLUMNS, kind=quoted(kind), key=quoted(key))
    return next((fact for _, fact in _read(server, query)), None)


def history(server: Server, kind: FactKind, key: str | None, since: int) -> list[tuple[Order, Fact]]:
    """All facts of a kind (and key), oldest first, of each key from the last one before `since` on."""
    where = f"kind = {quoted(kind)}" + ("" if key is None else f" AND key = {quoted(key)}")
    begins = BEGINS.format(where=where, since=since) if since else ""
    where += " AND sequence >= begins" if since else ""
    return list(_read(server, HISTORY.format(columns=COLUMNS, begins=begins, where=where)))


def newest(server: Server, facts: Iterable[Written]) -> dict[Key, int]:
    """The latest sequence of each of these facts' keys that a server has; asked for in several queries."""
    keys: Iterator[Key] = iter(dict.fromkeys((fact.kind, fact.key) for fact, _ in facts))
    found: dict[Key, int] = {}
    while some := list(islice(keys, MOST_ASKED)):
        found.update(_newest(server, some))
    return found


def _newest(server: Server, keys: Iterable[Key]) -> dict[Key, int]:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for kind, key in keys:
        by_kind[kind].append(key)
    any_of = " OR ".join(
        f"(kind = {quoted(kind)} AND key IN ({', '.join(map(quoted, of_kind))}))"
        for kind, of_kind in by_kind.items()
    )
    found = select(server, NEWEST.format(any_of=any_of))
    if not found:
        return {}
    kinds, names, sequences = found["kind"], found["key"], found["newest"]
    assert isinstance(kinds, list)
    assert isinstance(names, list)
    assert isinstance(sequences, np.ndarray)
    return dict(zip(zip(kinds, names, strict=True), sequences.tolist(), strict=True))


def rewrite(server: Server, kind: FactKind, change: Callable[[Fact], Body | None]) -> int:
    """Replace the bodies of facts of a kind; return how many.

    A new row has its row's sequence and a writer that follows from its row's, so that one repeated after an
    interruption is read once. Rows of a writer that has any to change must all change.
    """
    keys = select(server, KEYS.format(kind=quoted(kind)))
    names = iter(keys["key"] if keys else ())
    count, writers = 0, set()
    while some := list(islice(names, MOST_REWRITTEN)):
        where = f"kind = {quoted(kind)} AND key IN ({', '.join(map(quoted, map(str, some)))})"
        rows = []
        for (sequence, writer), fact in _read(
            server, HISTORY.format(columns=COLUMNS, begins="", where=where)
        ):
            body = change(fact)
            if body is not None:
                new = replace(fact, body=body)
                rows.append((new, encode_body(kind, body), sequence, _rewriter(writer)))
                writers.add(str(writer))
        if rows:
            add(server, rows)
        count += len(rows)
    mutations.delete(server, "fact", "toString(writer)", sorted(writers), f"kind = {quoted(kind)}")
    return count


def _rewriter(writer: int) -> int:
    """Return the writer of rows that stand in for those of another one."""
    return int.from_bytes(hashlib.sha256(f"rewritten {writer}".encode()).digest()[:8], "little")


def stated(server: Server, kinds: Sequence[FactKind], after: int) -> list[tuple[Order, Fact]]:
    """Facts of some kinds whose sequence is after one, oldest first."""
    if not kinds:
        return []
    where = f"kind IN ({', '.join(map(quoted, kinds))}) AND sequence > {after}"
    return list(_read(server, HISTORY.format(columns=COLUMNS, begins="", where=where)))


def _read(server: Server, query: str) -> Iterator[tuple[Order, Fact]]:
    found = select(server, query)
    if not found:
        return
    columns = (values if isinstance(values, list) else values.tolist() for values in map(found.get, TYPES))  # type: ignore[union-attr]
    for kind, key, sequence, writer, recorded_at, body in zip(*columns, strict=True):
        yield (sequence, writer), Fact(kind, key, recorded_at, decode_body(kind, key, body))

"""Leases of jobs, on the first server: a term is a table, because CREATE TABLE is what only one can win.

ClickHouse has no row that is changed on condition. But of all who create a table of one name, on any version
and without replication, exactly one succeeds; and a table that names holder, end and what is done in a
column's default appears with them or not at all. The highest term is in force, and is never dropped, so
who was asleep with an old term in mind creates one that is not the highest, and holds nothing. Ends are on
the server's clock: those of the collectors do not matter.
"""

from __future__ import annotations

import re

import numpy as np

from ..interface import Lease
from .server import EXISTS, Refused, Server, quoted, select

JOB, WORD = re.compile(r"[a-z_]+"), re.compile(r"[A-Za-z0-9:._-]*")
NOW = "SELECT toUInt64(toUnixTimestamp(now())) AS now"
TERMS = """
    SELECT toString(table) AS term, default_expression AS state, toUInt64(toUnixTimestamp(now())) AS now
    FROM system.columns WHERE database = {database} AND table LIKE {pattern}
"""


def current(server: Server, job: str) -> Lease:
    """The lease of the highest term; of term 0 and ended where nobody ever held it."""
    return max(_terms(server, job), key=lambda lease: lease.term, default=Lease())


def take(server: Server, job: str, lease: Lease) -> bool:
    """Put a lease in force, unless its term is taken. What an earlier try did counts as done."""
    if not JOB.fullmatch(job) or not all(map(WORD.fullmatch, (lease.holder, lease.done))):
        raise ValueError(f"a lease must consist of plain words, not {(job, lease.holder, lease.done)}")
    now = select(server, NOW)["now"]
    assert isinstance(now, np.ndarray)
    state = f"{lease.holder}|{int(now[0]) + int(lease.left_s)}|{lease.done}"
    try:
        server.ask(
            f"CREATE TABLE {_table(job, lease.term)} (state String DEFAULT {quoted(state)}) ENGINE = Memory"
        )
    except Refused as error:
        if error.code != EXISTS:
            raise
    terms = _terms(server, job)
    newest = max(terms, key=lambda one: one.term)
    for old in terms:
        if old.term < newest.term:
            server.ask(f"DROP TABLE IF EXISTS {_table(job, old.term)}")
    return (newest.term, newest.holder, newest.done) == (lease.term, lease.holder, lease.done)


def _terms(server: Server, job: str) -> list[Lease]:
    pattern = quoted(f"lease\\_{job}\\_%")
    found = select(server, TERMS.format(database=quoted(server.database), pattern=pattern))
    if not found:
        return []
    names, states, now = found["term"], found["state"], found["now"]
    assert isinstance(names, list)
    assert isinstance(states, list)
    assert isinstance(now, np.ndarray)
    return [
        _lease(name, state, int(now[0]))
        for name, state in zip(names, states, strict=True)
        if name.rpartition("_")[0] == f"lease_{job}"
    ]


def _lease(table: str, default: str, now: int) -> Lease:
    holder, until, done = default.strip("'").split("|")
    return Lease(int(table.rpartition("_")[2]), holder, float(int(until) - now), done)


def _table(job: str, term: int) -> str:
    return f"lease_{job}_{term}"

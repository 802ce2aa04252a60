"""Cache of overview answers for large fleets; each answer is valid for five minutes.

New measurements do not end an answer's validity: they show after at most five minutes. Statements of people
(transfers, purchases, contracts, ...) end it at once. Answers of a small fleet are computed each time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, get_args

from ..base.cache import Cache
from ..base.scope import Scope
from ..organisation.audit import BY_AGENTS
from ..store.interface import Store
from ..store.records import FactKind
from .scoped_store import whole

KEPT_S = 300
MOST = 64
STALE = f"An answer counts for {KEPT_S} seconds, and no longer once somebody stated anything."
WITH_RECORDS: frozenset[FactKind] = frozenset({
    "device", "inventory", "attached", "monitor", "self_cost", "losses", "channels", "credential",
    "dead_letter", "token", "token_use", "ended_session", "look", "secret", "grid", "outlet",
})  # fmt: skip
STATED: tuple[FactKind, ...] = tuple(kind for kind in get_args(FactKind) if kind not in WITH_RECORDS)


@dataclass(frozen=True)
class Question:
    """What is asked, for whom, and with which factor set; two that are equal have the same answer."""

    factor_set: str
    scope: Scope
    asked: Hashable


@dataclass(frozen=True)
class CachedAnswer:
    """An answer and when it was computed, seconds UTC; `mark` is that of the facts before.

    Where it is `cached`, show its time with it.
    """

    value: Any
    at: int
    mark: int
    cached: bool


Answers = Cache[Question, CachedAnswer]
Compute = Callable[[], tuple[Any, bool]]


def new_answers() -> Answers:
    """Return an empty cache of answers."""
    return Cache("answers", STALE, MOST, lambda answer: 1 if answer.cached else MOST + 1)


def get_or_compute(
    answers: Answers, question: Question, store: Store, now: int, compute: Compute
) -> CachedAnswer:
    """Return the answer to a question at `now`, seconds UTC: the cached one, else one that is computed now.

    `compute` returns the answer, and whether to cache it. Raises what it raises.
    """
    return answers.get_or_compute(
        question,
        lambda: _computed(store, now, compute),
        lambda answer: 0 <= now - answer.at < KEPT_S and not _is_stale(store, answer),
    )


def _is_stale(store: Store, answer: CachedAnswer) -> bool:
    """Return whether anything was stated since, other than by agents that enrolled."""
    stated = whole(store).newer(STATED, answer.mark)[0]
    return any(fact.kind != "audit" or fact.body.get("act") not in BY_AGENTS for fact in stated)


def recompute(answers: Answers, question: Question, store: Store, now: int, compute: Compute) -> None:
    """Compute an answer anew and cache it; the one before is returned until then."""
    epoch = answers.epoch
    answers.put(question, _computed(store, now, compute), epoch)


def _computed(store: Store, now: int, compute: Compute) -> CachedAnswer:
    mark = whole(store).newer((), 0)[1]
    value, cached = compute()
    return CachedAnswer(value, now, mark, cached)

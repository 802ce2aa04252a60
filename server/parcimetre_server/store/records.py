"""Records of the store: facts, batches of slots and facts to write, and the result of a write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NewType

from parcimetre_agent.report import Slot

DeviceId = NewType("DeviceId", str)
FactKind = Literal[
    "org_unit",
    "site",
    "secret",
    "device",
    "purchase",
    "inventory",
    "attached",
    "monitor",
    "former_monitor",
    "self_cost",
    "losses",
    "channels",
    "printing",
    "outlet",
    "feeding",
    "credential",
    "dead_letter",
    "setting",
    "grid",
    "hourly_energy",
    "contract",
    "token",
    "token_use",
    "ended_session",
    "audit",
    "look",
    "lineage",
    "transfer",
    "join",
    "report",
    "schedule",
    "delivery",
]
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """A statement about `key` made at `recorded_at` (seconds UTC).

    `body` has the shape that `fact_schema` describes for the kind, without its version.
    """

    kind: FactKind
    key: str
    recorded_at: int
    body: Body


@dataclass(frozen=True)
class WriteBatch:
    """Validated slots and facts of one report."""

    device_id: DeviceId
    slots: Sequence[Slot] = ()
    facts: Sequence[Fact] = field(default=())


@dataclass(frozen=True)
class WriteResult:
    """Number of slots of a batch that changed the store, and of those that were stored already."""

    accepted: int
    duplicates: int


def sum_results(results: Iterable[WriteResult]) -> WriteResult:
    """Return the sums over several batches."""
    accepted = duplicates = 0
    for result in results:
        accepted, duplicates = accepted + result.accepted, duplicates + result.duplicates
    return WriteResult(accepted, duplicates)

"""Records of the store: slots and facts as they arrive, and what became of them."""

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
    "self_cost",
    "losses",
    "printing",
    "outlet",
    "feeding",
    "credential",
    "dead_letter",
    "setting",
    "grid",
    "contract",
    "token",
    "token_use",
    "audit",
    "lineage",
    "transfer",
    "report",
    "schedule",
    "delivery",
]
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """A statement about `key` made at `recorded_at` (seconds UTC); `body` is a JSON object."""

    kind: FactKind
    key: str
    recorded_at: int
    body: Body


@dataclass(frozen=True)
class WriteBatch:
    """What one report brings to the store, already validated."""

    device_id: DeviceId
    slots: Sequence[Slot] = ()
    facts: Sequence[Fact] = field(default=())


@dataclass(frozen=True)
class WriteResult:
    """What became of the slots of one arrival: how many changed the store, how many were known already."""

    accepted: int
    duplicates: int


def sum_results(merged: Iterable[WriteResult]) -> WriteResult:
    """What became of several arrivals."""
    accepted = duplicates = 0
    for one in merged:
        accepted, duplicates = accepted + one.accepted, duplicates + one.duplicates
    return WriteResult(accepted, duplicates)

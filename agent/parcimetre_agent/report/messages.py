"""Reports of an agent, and the answers of the collector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, MaxLen

from .enrolment import HardwareIdentity
from .inventory import Inventory
from .printing import Reading
from .quantities import (
    MAX_FEEDS,
    MAX_GAPS,
    MAX_READINGS,
    MAX_SLOTS,
    STRICT,
    Count,
    HashForm,
    HexId,
    KeyText,
    KnownSchema,
    Text,
    UtcSecond,
)
from .slots import Feed, Gap, Slot


@dataclass(frozen=True)
class SelfCost:
    """What measuring costs the machine since the agent's previous report; the sums are since its first."""

    cpu_s: Annotated[float, Ge(0)]
    peak_rss_mib: Annotated[float, Ge(0)]
    bytes_sent: Annotated[int, Ge(0)]
    period_s: Annotated[float, Ge(0)]
    sum_cpu_s: Annotated[float, Ge(0)] | None = None
    sum_bytes_sent: Annotated[int, Ge(0)] | None = None
    sum_period_s: Annotated[float, Ge(0)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class SetAside:
    """A slot or gap that the agent gave up: its start, and why nobody took it."""

    start: UtcSecond
    reason: Annotated[str, MaxLen(500)]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Losses:
    """What this data folder ever lost, counted; sent when it changed.

    `dropped` slots were too many or too old for the spool, `coarsened` ones are spread over their hour,
    `refused` ones were set aside, the latest of them in `set_aside`; `damaged` spools were begun anew.
    """

    dropped: Count
    coarsened: Count
    refused: Count
    damaged: Count
    set_aside: Annotated[list[SetAside], MaxLen(20)] = field(default_factory=list)

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Report:
    """Body of `POST /v1/reports`.

    `waiting` is the number of slots that stay with the agent after this report. `hash_form` is that of every
    hash in it. `hardware` is sent once after the agent's rules of identity or its hash form changed.
    """

    schema: KnownSchema
    device_id: HexId
    sent_at: UtcSecond
    agent_version: Text
    slots: Annotated[list[Slot], MaxLen(MAX_SLOTS)] = field(default_factory=list)
    gaps: Annotated[list[Gap], MaxLen(MAX_GAPS)] = field(default_factory=list)
    inventory: Inventory | None = None
    self_cost: SelfCost | None = None
    losses: Losses | None = None
    waiting: Count | None = None
    printing: Annotated[list[Reading], MaxLen(MAX_READINGS)] = field(default_factory=list)
    feeds: Annotated[list[Feed], MaxLen(MAX_FEEDS)] = field(default_factory=list)
    hash_form: HashForm = "product"
    hardware: HardwareIdentity | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Refusal:
    """One record that was not stored: `part` and `index` name it, `reason` says why and how to mend it."""

    part: Literal["slots", "gaps", "inventory", "self_cost", "losses", "printing", "feeds", "hardware"]
    index: int
    reason: str


@dataclass(frozen=True)
class ReportAnswer:
    """Answer to `POST /v1/reports`; everything counted here is on disk.

    `credential` is there when the one that was shown is to be replaced: keep it, and show it from then on.
    `hash_key` is the organisation's key, for an agent of schema 2 whose hashes were in the product's form.
    """

    accepted: int
    duplicates: int
    refused: list[Refusal]
    next_upload_s: int
    credential: str | None = None
    hash_key: KeyText | None = None

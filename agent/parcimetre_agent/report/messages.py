"""Reports of an agent, and the answers of the collector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import MaxLen

from .enrolment import HardwareIdentity
from .inventory import Inventory
from .printing import Reading
from .quantities import (
    LEAST_PERIOD_S,
    MAX_FEEDS,
    MAX_GAPS,
    MAX_READINGS,
    MAX_SLOTS,
    MOST_CORES_OF_AGENT,
    SLOT_S,
    STRICT,
    BytesSent,
    Count,
    HashForm,
    HexId,
    KeyText,
    KnownSchema,
    Seconds,
    Text,
    UsedMib,
    UtcSecond,
)
from .slots import Feed, Gap, Slot


@dataclass(frozen=True)
class SelfCost:
    """What measuring costs the machine since the agent's previous report; the sums are since its first."""

    cpu_s: Seconds
    peak_rss_mib: UsedMib
    bytes_sent: BytesSent
    period_s: Seconds
    sum_cpu_s: Seconds | None = None
    sum_bytes_sent: BytesSent | None = None
    sum_period_s: Seconds | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError for a time too short to divide by, or more processor time than there can be."""
        for prefix, cpu_s, period_s in (
            ("", self.cpu_s, self.period_s), ("sum_", self.sum_cpu_s, self.sum_period_s),
        ):  # fmt: skip
            if period_s and period_s < LEAST_PERIOD_S:
                raise ValueError(
                    f"{prefix}period_s = {period_s} is neither 0 nor at least {LEAST_PERIOD_S} s"
                )
            if cpu_s and period_s and cpu_s > MOST_CORES_OF_AGENT * (period_s + SLOT_S):
                raise ValueError(
                    f"{prefix}cpu_s = {cpu_s} is more than {MOST_CORES_OF_AGENT} busy cores in "
                    f"{prefix}period_s = {period_s}"
                )


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
    """One record that was not stored: `part` and `index` name it, `reason` says why and how to mend it.

    `part` is slots, gaps, inventory, self_cost, losses, printing, feeds or hardware; or a list of the
    inventory, such as inventory.memory, of which one item was left out.
    """

    part: str
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

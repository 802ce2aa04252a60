"""Records of quarter hours: what a device did and used, gaps, and what outlets gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Gt, Le, MaxLen, MinLen, MultipleOf

from .quantities import (
    DECILES,
    SLOT_S,
    STRICT,
    Count,
    FeedScope,
    GapState,
    Joules,
    Quality,
    RateKibS,
    Scope,
    SlotSeconds,
    Text,
    UsedMib,
    UtcSecond,
)


@dataclass(frozen=True)
class Energy:
    """Energy that one source counted within one slot. Scopes overlap: they are never added up here."""

    source: Annotated[str, MinLen(1), MaxLen(40)]
    scope: Scope
    quality: Quality
    energy_j: Joules
    duration_s: Annotated[int, Gt(0), Le(SLOT_S)]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Disbelieved:
    """A counter whose values in a slot cannot be true, and why."""

    source: Annotated[str, MinLen(1), MaxLen(40)]
    scope: Scope
    reason: Text

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Slot:
    """One quarter hour of one device: seconds in each state, load, means and energy.

    A printer that is awake counts as `display_off_s`; of its load, the last decile holds one second for each
    impression, the first one the rest of its time awake.

    `load_deciles_s[i]` is the time with CPU load in [10 i, 10 i + 10) percent, the last one including
    100 %; together at most the time awake. A slot may be sent while it is still open: the part not yet
    seen is `unknown_s`, and the record that covers more time replaces it later. The means of disk and
    network traffic are deprecated: older agents may send them, and they are not stored. `boot` counts the
    machine's starts, so that counters of one start are compared; `disbelieved` are counters left out.
    """

    start: UtcSecond
    display_on_s: SlotSeconds
    display_off_s: SlotSeconds
    asleep_s: SlotSeconds
    off_s: SlotSeconds
    unknown_s: SlotSeconds
    load_deciles_s: Annotated[list[SlotSeconds], MaxLen(DECILES)] = field(default_factory=list)
    memory_used_mib: UsedMib | None = None
    disk_read_kib_s: RateKibS | None = None
    disk_write_kib_s: RateKibS | None = None
    net_received_kib_s: RateKibS | None = None
    net_sent_kib_s: RateKibS | None = None
    energy: Annotated[list[Energy], MaxLen(16)] = field(default_factory=list)
    boot: Count | None = None
    disbelieved: Annotated[list[Disbelieved], MaxLen(16)] = field(default_factory=list)

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError when the record contradicts itself."""
        if self.start % SLOT_S:
            raise ValueError(f"start = {self.start} is not on a quarter hour of UTC")
        awake_s = self.display_on_s + self.display_off_s
        total_s = awake_s + self.asleep_s + self.off_s + self.unknown_s
        if total_s != SLOT_S:
            raise ValueError(f"the states add up to {total_s} s, but a slot lasts {SLOT_S} s")
        if len(self.load_deciles_s) not in (0, DECILES):
            raise ValueError(
                f"load_deciles_s has {len(self.load_deciles_s)} entries; it must have {DECILES} or none"
            )
        if sum(self.load_deciles_s) > awake_s:
            raise ValueError(
                f"load_deciles_s adds up to {sum(self.load_deciles_s)} s, more than {awake_s} s awake"
            )
        if len(self.energy) > 1 and len({(e.source, e.scope) for e in self.energy}) < len(self.energy):
            raise ValueError("energy names the same source and scope twice")

    @property
    def awake_s(self) -> int:
        """Seconds awake, with the display on or off."""
        return self.display_on_s + self.display_off_s

    @property
    def covered_s(self) -> int:
        """Seconds whose state is known; the record with more of them wins."""
        return SLOT_S - self.unknown_s


@dataclass(frozen=True)
class Gap:
    """Whole slots without samples, whose state became known afterwards, at resume or at boot."""

    start: UtcSecond
    duration_s: Annotated[int, Gt(0), Le(400 * 86_400)]
    state: GapState

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError when the gap does not consist of whole slots."""
        if self.start % SLOT_S or self.duration_s % SLOT_S:
            raise ValueError("a gap must start on a quarter hour of UTC and last whole quarter hours")


@dataclass(frozen=True)
class Feed:
    """Energy that a feeder (PDU, UPS, PoE switch) gave over one of its outlets within one slot.

    It is the energy of what hangs there, never the feeder's own: which device that is, the collector knows.
    `outlet` is the feeder's own name of the outlet or port, the same one for ever; `scope` "poe" is direct
    current behind the switch's supply. One record for each start and outlet; of two the longer one counts.
    """

    start: Annotated[UtcSecond, MultipleOf(SLOT_S)]
    outlet: Annotated[str, MinLen(1), MaxLen(40)]
    scope: FeedScope
    source: Annotated[str, MinLen(1), MaxLen(40)]
    quality: Quality
    energy_j: Joules
    duration_s: Annotated[int, Gt(0), Le(SLOT_S)]

    __pydantic_config__ = STRICT

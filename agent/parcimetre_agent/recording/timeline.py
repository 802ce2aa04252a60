"""Collect the stretches of the open slot, and return slots and gaps as they close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..metering.rare_readings import ChannelPower
from .slot import ROUNDING_S, SLOT_S, SlotRecord, Stretch, merged_slot, slot_of, slot_start, split_by_slot

LONGEST_GAP_S = 400 * 86_400
_AWAKE_STATES = ("display_on", "display_off")
_GAP_STATES = ("asleep", "off", "unknown")


class GapRecord(NamedTuple):
    """Whole slots without samples; the fields of the report's Gap."""

    start: int
    duration_s: int
    state: str


class ClosedRecords(NamedTuple):
    """What became final."""

    slots: list[SlotRecord]
    gaps: list[GapRecord]


class Timeline:
    """The open slot, fed with pieces in the order of time.

    `seed` is what an earlier process already knew of a slot, as read back from the spool.
    """

    def __init__(self, seed: SlotRecord | None = None) -> None:
        self._seed = seed
        self._start = None if seed is None else seed.start
        self._parts: list[Stretch] = []

    def add(self, pieces: list[Stretch], stepped: bool = False) -> ClosedRecords:
        """Take pieces in; `stepped` says that the wall clock was set, which closes the open slot as it is."""
        closed = ClosedRecords([], [])
        if stepped:
            self._close(closed)
        for piece in pieces:
            if stepped and piece.state == "unknown":
                continue
            for part in self._without_gap(piece, closed):
                self._take(part, closed)
        return closed

    def fill(self, late: Sequence[ChannelPower]) -> None:
        """Add what rarely asked power sources say of the open slot since they were asked before."""
        for one in late:
            for i, part in enumerate(self._parts):
                if part.state in _AWAKE_STATES and part.start_s >= one.since_s - ROUNDING_S:
                    self._parts[i] = part._replace(power_w={**part.power_w, one.channel: one.power_w})

    def open_slot(self) -> SlotRecord | None:
        """The slot that is not over yet, its rest unknown; None when nothing of it is known."""
        if self._start is None:
            return None
        record = slot_of(self._start, self._parts)
        if self._seed is not None and self._seed.start == self._start:
            record = merged_slot(self._seed, record)
        return record if record.covered_s > 0 else None

    def _take(self, part: Stretch, closed: ClosedRecords) -> None:
        start = slot_start(part.start_s)
        if start != self._start:
            self._close(closed)
            self._start = start
        self._parts.append(part)
        if part.end_s >= start + SLOT_S:
            self._close(closed)

    def _close(self, closed: ClosedRecords) -> None:
        record = self.open_slot()
        if record is not None:
            closed.slots.append(record)
        self._start, self._parts = None, []
        self._seed = None

    def _without_gap(self, piece: Stretch, closed: ClosedRecords) -> list[Stretch]:
        """The piece in parts of one slot each; whole slots of sleep, off or unknown leave as a gap."""
        first = -slot_start(-piece.start_s)
        last = slot_start(piece.end_s)
        if piece.state not in _GAP_STATES or last <= first:
            return split_by_slot(piece)
        for start in range(first, last, LONGEST_GAP_S):
            closed.gaps.append(GapRecord(start, min(last - start, LONGEST_GAP_S), piece.state))
        edges = (piece._replace(end_s=float(first)), piece._replace(start_s=float(last)))
        return [edge for edge in edges if edge.end_s > edge.start_s]

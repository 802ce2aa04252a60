"""Compute from a printer's answer at each poll the seconds of each state and the impressions of each slot.

Between two polls the earlier state holds for the first half and the later one for the second. Time in which a
printer did not answer is unknown, or off where its uptime shows afterwards that it started since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..report import DECILES, SLOT_S

State = Literal["awake", "asleep", "off"]
Quality = Literal["measured", "vendor_estimate"]
STATES: tuple[State, ...] = ("awake", "asleep", "off")
LONGEST_S = 1.5 * SLOT_S


@dataclass(frozen=True)
class StatedPower:
    """The power that a device states of itself at a moment, and by which standard."""

    source: str
    quality: Quality
    power_w: float

    @property
    def channel(self) -> str:
        """Source and quality in a word."""
        return f"{self.source}/{self.quality}"


@dataclass(frozen=True)
class LastAnswer:
    """What a device answered at a moment; `impressions` is None where they were not asked for."""

    at_s: float
    state: State
    uptime_s: float | None = None
    impressions: int | None = None
    metered: StatedPower | None = None


@dataclass(frozen=True)
class StatePeriod:
    """A stretch of time in one state."""

    start_s: float
    end_s: float
    state: State
    metered: StatedPower | None = None


@dataclass
class SlotTotals:
    """Seconds of each state of one slot so far, its impressions, and joules with their seconds by channel."""

    awake_s: float = 0.0
    asleep_s: float = 0.0
    off_s: float = 0.0
    impressions: int = 0
    energy: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, state: State, seconds: float, metered: StatedPower | None = None) -> None:
        """More time in a state, and what was metered in it."""
        setattr(self, f"{state}_s", getattr(self, f"{state}_s") + seconds)
        if metered is not None:
            self._count(metered.channel, metered.power_w * seconds, seconds)

    def merge(self, other: SlotTotals) -> None:
        """All of another cell, of other time of the same slot."""
        for state in STATES:
            self.add(state, getattr(other, f"{state}_s"))
        self.impressions += other.impressions
        for channel, (energy_j, duration_s) in other.energy.items():
            self._count(channel, energy_j, duration_s)

    def _count(self, channel: str, energy_j: float, duration_s: float) -> None:
        before_j, before_s = self.energy.get(channel, (0.0, 0.0))
        self.energy[channel] = (before_j + energy_j, before_s + duration_s)


def state_periods(before: LastAnswer, now: LastAnswer) -> list[StatePeriod]:
    """What is known of the time between two answers."""
    if now.at_s <= before.at_s:
        return []
    if now.at_s - before.at_s <= LONGEST_S:
        middle_s = (before.at_s + now.at_s) / 2
        return [
            StatePeriod(before.at_s, middle_s, before.state, before.metered),
            StatePeriod(middle_s, now.at_s, now.state, now.metered),
        ]
    half_s = SLOT_S / 2
    known = [StatePeriod(before.at_s, before.at_s + half_s, before.state, before.metered)]
    started_s = now.at_s - half_s
    if now.uptime_s is not None and now.at_s - now.uptime_s > before.at_s + half_s:
        started_s = now.at_s - now.uptime_s
        known.append(StatePeriod(before.at_s + half_s, started_s, "off"))
    return [*known, StatePeriod(max(started_s, now.at_s - half_s), now.at_s, now.state, now.metered)]


def by_slot(known: Sequence[StatePeriod]) -> Iterator[tuple[int, StatePeriod, float]]:
    """The slots that each of some pieces falls into, and for how many seconds."""
    for piece in known:
        at_s = piece.start_s
        while at_s < piece.end_s:
            start = int(at_s // SLOT_S * SLOT_S)
            end_s = min(piece.end_s, float(start + SLOT_S))
            yield start, piece, end_s - at_s
            at_s = end_s


def spread_over_slots(known: Sequence[StatePeriod], impressions: int) -> dict[int, SlotTotals]:
    """The slots of some pieces; impressions fall evenly on the time awake, else on the last piece."""
    cells: dict[int, SlotTotals] = {}
    for start, piece, seconds in by_slot(known):
        cells.setdefault(start, SlotTotals()).add(piece.state, seconds, piece.metered)
    weights = {start: cell.awake_s for start, cell in cells.items() if cell.awake_s > 0}
    if not weights and cells:
        weights = {max(cells): 1.0}
    whole, given, reached = sum(weights.values()), 0, 0.0
    for start, weight in weights.items():
        reached += weight
        upto = round(impressions * reached / whole)
        cells[start].impressions, given = upto - given, upto
    return cells


def close_slots(
    cells: dict[int, SlotTotals], fresh: Mapping[int, SlotTotals], now_s: float, prints: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Add what is known anew to the open slots, and take out those that ended, as fields of the report."""
    for start, cell in fresh.items():
        cells.setdefault(start, SlotTotals()).merge(cell)
    for start in sorted(cells):
        if start + SLOT_S <= now_s:
            yield start, slot_fields(start, cells.pop(start), prints)


def slot_fields(start: int, cell: SlotTotals, prints: bool = True) -> dict[str, Any]:
    """The fields of a slot of the report; who printed was awake, a second for each impression.

    What does not print has no load.
    """
    awake_s, asleep_s, off_s = _whole(cell)
    printed = min(cell.impressions, awake_s + asleep_s + off_s)
    from_sleep = min(asleep_s, max(0, printed - awake_s))
    from_off = max(0, printed - awake_s - from_sleep)
    awake_s += from_sleep + from_off
    asleep_s, off_s = asleep_s - from_sleep, off_s - from_off
    return {
        "start": start,
        "display_on_s": 0,
        "display_off_s": awake_s,
        "asleep_s": asleep_s,
        "off_s": off_s,
        "unknown_s": SLOT_S - awake_s - asleep_s - off_s,
        "load_deciles_s": [awake_s - printed, *[0] * (DECILES - 2), printed] if prints else [],
        "energy": list(_energy(cell)),
    }


def _energy(cell: SlotTotals) -> Iterator[dict[str, Any]]:
    """What was metered, as the report has it: at the wall, since it is that of the whole device."""
    for channel, (energy_j, duration_s) in cell.energy.items():
        source, _, quality = channel.partition("/")
        if round(duration_s) > 0:
            yield {
                "source": source,
                "scope": "wall_ac",
                "quality": quality,
                "energy_j": round(energy_j, 1),
                "duration_s": min(SLOT_S, round(duration_s)),
            }


def _whole(cell: SlotTotals) -> tuple[int, int, int]:
    """Whole seconds of each state, together at most a slot."""
    edges, upto = [0], 0.0
    for state in STATES:
        upto += getattr(cell, f"{state}_s")
        edges.append(min(SLOT_S, round(upto)))
    awake_s, asleep_s, off_s = (b - a for a, b in zip(edges, edges[1:]))
    return awake_s, asleep_s, off_s

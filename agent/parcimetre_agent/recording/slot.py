"""Compute a slot from samples. A slot is a quarter hour aligned to UTC; its states sum to 900 s exactly.

Counters are compared between two samples; what they counted is spread evenly over the time between, so
that a slot boundary between two samples splits it by time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..machine.clock import Instant
from ..metering.counters import Channel, Counter, mean_power_w
from ..metering.rare_readings import ChannelPower
from .states import ASLEEP, AWAKE, OFF, Interval

SLOT_S = 900
DECILES = 10
ROUNDING_S = 2
SAMPLE_FIELDS = frozenset({"busy_s", "total_s", "display_on", "memory_used_mib"})


class Sample(NamedTuple):
    """One look at the machine: `values` holds some of SAMPLE_FIELDS.

    `late` is what rarely asked power sources say of the time before; `doubts` holds the power sources that
    are not believed, each with the reason.
    """

    at: Instant
    values: dict[str, float]
    counters: list[Counter]
    late: Sequence[ChannelPower] = ()
    doubts: tuple[tuple[str, str], ...] = ()


class Stretch(NamedTuple):
    """A stretch within one slot, in one state, with the means over it.

    `load` is 0 to 1 or None; `power_w` is the mean by counter difference, per (source, scope, quality).
    """

    start_s: float
    end_s: float
    state: str
    load: float | None
    memory_used_mib: float | None
    power_w: dict[Channel, float]


class EnergyRecord(NamedTuple):
    """The fields of the report's Energy, by the same names."""

    source: str
    scope: str
    quality: str
    energy_j: float
    duration_s: int


class SlotRecord(NamedTuple):
    """The fields of the report's Slot that are not deprecated, by the same names; an absent mean is None."""

    start: int
    display_on_s: int
    display_off_s: int
    asleep_s: int
    off_s: int
    unknown_s: int
    load_deciles_s: list[int]
    memory_used_mib: float | None
    energy: list[EnergyRecord]

    @property
    def awake_s(self) -> int:
        """Seconds awake, with the display on or off."""
        return self.display_on_s + self.display_off_s

    @property
    def covered_s(self) -> int:
        """Seconds whose state is known."""
        return SLOT_S - self.unknown_s


def slot_start(wall_s: float) -> int:
    """Start of the slot that a moment falls into."""
    return int(wall_s // SLOT_S) * SLOT_S


def stretches(before: Sample, after: Sample, interval: Interval) -> list[Stretch]:
    """What the two samples say about the time between them, by state.

    A display that changed in between is taken to have done so halfway: over many changes nothing is missed.
    """
    shown = before.values.get("display_on", 0.0) > 0
    changed = "display_on" in after.values and shown != (after.values["display_on"] > 0)
    load = _load(before.values, after.values)
    memory_mib = after.values.get("memory_used_mib")
    elapsed_s = after.at.monotonic_s - before.at.monotonic_s
    power_w = mean_power_w(before.counters, after.counters, elapsed_s) if interval.continuous else {}
    for late in after.late:
        power_w[late.channel] = late.power_w
    found = []
    for span in interval.spans:
        if span.state == AWAKE:
            halfway_s = (span.start_s + span.end_s) / 2 if changed and interval.continuous else span.end_s
            found.append(Stretch(span.start_s, halfway_s, _display(shown), load, memory_mib, power_w))
            if halfway_s < span.end_s:
                found.append(Stretch(halfway_s, span.end_s, _display(not shown), load, memory_mib, power_w))
        else:
            found.append(Stretch(span.start_s, span.end_s, span.state, None, None, {}))
    return found


def _display(shown: bool) -> str:
    return "display_on" if shown else "display_off"


def split_by_slot(piece: Stretch) -> list[Stretch]:
    """The piece cut at every slot boundary."""
    cut = []
    start_s = piece.start_s
    while slot_start(start_s) + SLOT_S < piece.end_s:
        end_s = float(slot_start(start_s) + SLOT_S)
        cut.append(piece._replace(start_s=start_s, end_s=end_s))
        start_s = end_s
    cut.append(piece._replace(start_s=start_s))
    return cut


def slot_of(start: int, parts: list[Stretch]) -> SlotRecord:
    """The slot that these pieces make, all of them within it; what they do not cover is unknown."""
    lasting_s: dict[str, float] = {}
    deciles_s = [0.0] * DECILES
    joules: dict[Channel, tuple[float, float]] = {}
    for part in parts:
        length_s = part.end_s - part.start_s
        lasting_s[part.state] = lasting_s.get(part.state, 0.0) + length_s
        if part.load is not None:
            deciles_s[min(int(part.load * DECILES), DECILES - 1)] += length_s
        for channel, watts in part.power_w.items():
            energy_j, duration_s = joules.get(channel, (0.0, 0.0))
            joules[channel] = (energy_j + watts * length_s, duration_s + length_s)
    known = ("display_on", "display_off", ASLEEP, OFF)
    seconds = [lasting_s.get(state, 0.0) for state in known]
    whole = largest_remainder([*seconds, max(0.0, SLOT_S - sum(seconds))], SLOT_S)[:4]
    return _record(start, whole, deciles_s, _mean_memory(parts), joules)


def merged_slot(first: SlotRecord, second: SlotRecord) -> SlotRecord:
    """Two partial records of one slot, of disjoint stretches of it, as one.

    When they cannot be disjoint (the clock was set back) the one that covers more is returned.
    """
    over_s = first.covered_s + second.covered_s - SLOT_S
    if over_s > ROUNDING_S:
        return first if first.covered_s >= second.covered_s else second
    sums = [
        first.display_on_s + second.display_on_s,
        first.display_off_s + second.display_off_s,
        first.asleep_s + second.asleep_s,
        first.off_s + second.off_s,
    ]
    sums[sums.index(max(sums))] -= max(0, over_s)
    both = [a + b for a, b in zip(first.load_deciles_s, second.load_deciles_s)]
    deciles = [float(s) for s in both or first.load_deciles_s or second.load_deciles_s]
    memory_mib = weighted(first.memory_used_mib, first.awake_s, second.memory_used_mib, second.awake_s)
    joules: dict[Channel, tuple[float, float]] = {}
    for record in (*first.energy, *second.energy):
        channel = (record.source, record.scope, record.quality)
        energy_j, duration_s = joules.get(channel, (0.0, 0.0))
        joules[channel] = (energy_j + record.energy_j, duration_s + record.duration_s)
    return _record(first.start, sums, deciles, memory_mib, joules)


def _record(
    start: int,
    seconds: list[int],
    deciles_s: list[float],
    memory_mib: float | None,
    joules: dict[Channel, tuple[float, float]],
) -> SlotRecord:
    """The record of four known states (as in SlotRecord), loads, memory and joules with their seconds."""
    awake_s = seconds[0] + seconds[1]
    deciles = largest_remainder(deciles_s, min(awake_s, round(sum(deciles_s)))) if any(deciles_s) else []
    energy = [
        EnergyRecord(*channel, round(energy_j, 1), min(SLOT_S, round(duration_s)))
        for channel, (energy_j, duration_s) in sorted(joules.items())
        if round(duration_s) > 0
    ]
    return SlotRecord(
        start=start,
        display_on_s=seconds[0],
        display_off_s=seconds[1],
        asleep_s=seconds[2],
        off_s=seconds[3],
        unknown_s=SLOT_S - sum(seconds),
        load_deciles_s=deciles,
        memory_used_mib=memory_mib,
        energy=energy,
    )


def largest_remainder(parts: list[float], total: int) -> list[int]:
    """Whole numbers in the proportion of the parts that sum to the total exactly."""
    whole_sum = sum(parts)
    if whole_sum <= 0:
        return [0] * len(parts)
    exact = [part * total / whole_sum for part in parts]
    floors = [math.floor(value) for value in exact]
    order = sorted(range(len(parts)), key=lambda i: floors[i] - exact[i])
    for i in order[: total - sum(floors)]:
        floors[i] += 1
    return floors


def _load(before: dict[str, float], after: dict[str, float]) -> float | None:
    """Share of the processors' time that was busy, 0 to 1."""
    if "total_s" not in before or "total_s" not in after:
        return None
    total_s = after["total_s"] - before["total_s"]
    if total_s <= 0:
        return None
    return min(1.0, max(0.0, (after["busy_s"] - before["busy_s"]) / total_s))


def _mean_memory(parts: list[Stretch]) -> float | None:
    """Mean MiB of memory in use over the parts that state it."""
    stated = [
        (part.memory_used_mib, part.end_s - part.start_s)
        for part in parts
        if part.memory_used_mib is not None
    ]
    length_s = sum(length for _, length in stated)
    if length_s <= 0:
        return None
    return round(sum(value * length for value, length in stated) / length_s, 2)


def weighted(a: float | None, a_s: int, b: float | None, b_s: int) -> float | None:
    """Mean of two means over so many seconds each; the other one where one is absent."""
    if a is None or b is None:
        return b if a is None else a
    return round((a * a_s + b * b_s) / (a_s + b_s), 2) if a_s + b_s else a

"""Merge the quarter hours of one hour into one record, and split it again with the same sums.

The seconds of each state stay as they were, slot by slot, so that what the collector compares does not
change. Load, means and energy are kept as the sum or mean of the hour; taken apart, they are spread over
its slots by their time awake, to the last second and tenth of a joule.
"""

from __future__ import annotations

from typing import Any

from .slot import SLOT_S, EnergyRecord, SlotRecord, largest_remainder, weighted

HOUR_S = 3600
TENTHS = 10
STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s", "unknown_s")


def hour_start(start: int) -> int:
    """Start of the hour that a slot belongs to."""
    return start // HOUR_S * HOUR_S


def merge_hour(records: list[SlotRecord]) -> dict[str, Any]:
    """Return the slots of one hour as one JSON object."""
    deciles = [record.load_deciles_s for record in records if record.load_deciles_s]
    memory_mib, awake_s = None, 0
    for record in records:
        if record.memory_used_mib is not None:
            memory_mib = weighted(memory_mib, awake_s, record.memory_used_mib, record.awake_s)
            awake_s += record.awake_s
    counted: dict[tuple[str, str, str], list[int]] = {}
    for record in records:
        for energy in record.energy:
            sums = counted.setdefault((energy.source, energy.scope, energy.quality), [0, 0])
            sums[0] += round(energy.energy_j * TENTHS)
            sums[1] += energy.duration_s
    return {
        "slots": [[record.start, *(getattr(record, state) for state in STATES)] for record in records],
        "load_deciles_s": [sum(column) for column in zip(*deciles)],
        "means": {} if memory_mib is None else {"memory_used_mib": memory_mib},
        "energy": [[*channel, *sums] for channel, sums in sorted(counted.items())],
    }


def split_hour(hour: dict[str, Any]) -> list[SlotRecord]:
    """The slots that `together` was given, their states as they were, the rest spread evenly."""
    slots = hour["slots"]
    awake_s = [slot[1] + slot[2] for slot in slots]
    loads, memory_mib = _loads(hour["load_deciles_s"], awake_s), hour["means"].get("memory_used_mib")
    energy: list[list[EnergyRecord]] = [[] for _ in slots]
    for source, scope, quality, tenths, lasting_s in hour["energy"]:
        durations = _within(lasting_s, awake_s if sum(awake_s) >= lasting_s else [SLOT_S] * len(slots))
        for parts, share, duration_s in zip(energy, largest_remainder(_floats(durations), tenths), durations):
            if duration_s:
                parts.append(EnergyRecord(source, scope, quality, share / TENTHS, duration_s))
    return [
        _slot(slot, loads[i], memory_mib if awake_s[i] else None, energy[i]) for i, slot in enumerate(slots)
    ]


def _slot(
    slot: list[int], load_s: list[int], memory_mib: float | None, energy: list[EnergyRecord]
) -> SlotRecord:
    """One record of its start and states, and its part of the hour's load, memory and energy."""
    fields: dict[str, Any] = dict(zip(("start", *STATES), slot))
    return SlotRecord(**fields, load_deciles_s=load_s, memory_used_mib=memory_mib, energy=energy)


def _loads(deciles_s: list[int], awake_s: list[int]) -> list[list[int]]:
    """Seconds at each load, slot by slot: at most the time awake of each, and the same sums."""
    left = list(deciles_s)
    lasting_s = _within(sum(deciles_s), awake_s)
    found = []
    for seconds in lasting_s:
        part = largest_remainder(_floats(left), seconds)
        left = [have - taken for have, taken in zip(left, part)]
        found.append(part if seconds else [])
    return found


def _within(total: int, room: list[int]) -> list[int]:
    """A total shared in the proportion of the room that each has, none getting more than it has."""
    return largest_remainder(_floats(room), min(total, sum(room)))


def _floats(numbers: list[int]) -> list[float]:
    return [float(number) for number in numbers]

"""Check that records of a report can be true: their times, and what gaps and readings become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Literal, TypeVar

from parcimetre_agent.report import SLOT_S, Feed, Gap, Reading, Refusal, Slot

from ..base.errors import ParcimetreError
from .validation import Part, _Dead

AHEAD_S = 600
NEWEST_S = SLOT_S
DAY_S = 86_400
OLDEST_S = 400 * DAY_S
MOST_GAP_SLOTS = 2 * OLDEST_S // SLOT_S
Timed = TypeVar("Timed", Slot, Feed)


class ClockAhead(ParcimetreError):
    """A report from the future; its records stay with the agent, as for UnknownSchema."""

    status = 409
    kind = "clock-ahead"


def _sent_as(part: Part, records: Sequence[object], dead: Sequence[_Dead]) -> Iterable[int]:
    """The index under which each remaining record was sent."""
    if not dead:
        return range(len(records))
    gone = {letter.refusal.index for letter in dead if letter.refusal.part == part}
    return (i for i in range(len(records) + len(gone)) if i not in gone)


def _in_time(
    part: Literal["slots", "feeds"], slots: Sequence[Timed], indexes: Iterable[int], now: int
) -> tuple[list[Timed], list[_Dead]]:
    """Slots or feeds near enough to now, and the others with the reason."""
    starts = [slot.start for slot in slots]
    if not starts or (min(starts) >= now - OLDEST_S and max(starts) <= now + NEWEST_S):
        return list(slots), []
    kept, dead = [], []
    for index, slot in zip(indexes, slots, strict=True):
        if slot.start > now + NEWEST_S:
            reason = f"it starts {slot.start - now} s in the future; set the machine's clock, e.g. with NTP"
        elif slot.start < now - OLDEST_S:
            reason = f"it is older than {OLDEST_S // DAY_S} days, the maximum accepted; no action is needed"
        else:
            kept.append(slot)
            continue
        told = f"{part}[{index}].start = {slot.start}: {reason}"
        dead.append(_Dead(Refusal(part, index, told), asdict(slot)))
    return kept, dead


def _expanded(gaps: Sequence[Gap], indexes: Iterable[int], now: int) -> tuple[list[Slot], list[_Dead]]:
    """The slots that the gaps stand for, as far back as slots are taken, and gaps that make no sense."""
    slots: list[Slot] = []
    dead: list[_Dead] = []
    for index, gap in zip(indexes, gaps, strict=True):
        end = gap.start + gap.duration_s
        if end > now + NEWEST_S + SLOT_S:
            reason = f"ends {end - now} s in the future; set the machine's clock, e.g. with NTP"
        elif end <= now - OLDEST_S:
            reason = f"is older than {OLDEST_S // DAY_S} days, the maximum accepted; no action is needed"
        elif len(slots) + gap.duration_s // SLOT_S > MOST_GAP_SLOTS:
            reason = (
                f"exceeds the limit of {MOST_GAP_SLOTS} slots for the gaps of one report; send it in "
                "the next report"
            )
        else:
            slots += (slot for slot in expand(gap) if slot.start >= now - OLDEST_S)
            continue
        dead.append(_Dead(Refusal("gaps", index, f"gaps[{index}] {reason}"), asdict(gap)))
    return slots, dead


def _readings(
    readings: Sequence[Reading], indexes: Iterable[int], now: int
) -> tuple[list[Reading], list[_Dead]]:
    """A printer's readings near enough to now, and the others with the reason."""
    kept, dead = [], []
    for index, reading in zip(indexes, readings, strict=True):
        if now - OLDEST_S <= reading.at <= now + NEWEST_S:
            kept.append(reading)
            continue
        told = (
            f"printing[{index}].at = {reading.at}: too far from now; set the gateway's clock, e.g. with NTP"
        )
        dead.append(_Dead(Refusal("printing", index, told), asdict(reading)))
    return kept, dead


def expand(gap: Gap) -> Iterator[Slot]:
    """The slots of a gap; a gap of unknown state says nothing that could be stored."""
    if gap.state == "unknown":
        return
    asleep_s, off_s = (SLOT_S, 0) if gap.state == "asleep" else (0, SLOT_S)
    for start in range(gap.start, gap.start + gap.duration_s, SLOT_S):
        yield Slot(start, 0, 0, asleep_s, off_s, 0)

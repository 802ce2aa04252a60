"""Plausibility of the records of a report: their times, and the slots that gaps expand to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Literal, TypeVar

from parcimetre_agent.report import SLOT_S, Feed, Gap, Reading, Refusal, Slot

from ..base.errors import ParcimetreError
from ..base.periods import DAY_S
from ..base.periods import OLDEST_RECORD_S as OLDEST_S
from .validation import Part, RefusedRecord

AHEAD_S = 600
NEWEST_S = SLOT_S
MOST_GAP_SLOTS = 2 * OLDEST_S // SLOT_S
Timed = TypeVar("Timed", Slot, Feed)


class ClockAhead(ParcimetreError):
    """A report from the future; its records stay with the agent, as for UnknownSchema."""

    status = 409
    kind = "clock-ahead"


def check_clock(sent_at: int, now: int) -> None:
    """Raise ClockAhead for a report that was sent too far in the future, both in seconds UTC."""
    if sent_at > now + AHEAD_S:
        raise ClockAhead(
            f"this machine's clock is {sent_at - now} s ahead of the collector's: set it, for "
            "example with NTP; the agent stores its data until then"
        )


def sent_indexes(part: Part, records: Sequence[object], refused: Sequence[RefusedRecord]) -> Iterable[int]:
    """Return the index under which each record that was not refused stood in the report."""
    if not refused:
        return range(len(records))
    without = {one.refusal.index for one in refused if one.refusal.part == part}
    return (i for i in range(len(records) + len(without)) if i not in without)


def are_timely(records: Sequence[Timed], now: int) -> bool:
    """Return whether all records start from OLDEST_S before now to NEWEST_S after it."""
    starts = [record.start for record in records]
    return not starts or (min(starts) >= now - OLDEST_S and max(starts) <= now + NEWEST_S)


def check_times(
    part: Literal["slots", "feeds"], records: Sequence[Timed], indexes: Iterable[int], now: int
) -> tuple[list[Timed], list[RefusedRecord]]:
    """Return the slots or feeds that start from OLDEST_S before now to NEWEST_S after it, and the others."""
    if are_timely(records, now):
        return list(records), []
    accepted, refused = [], []
    for index, record in zip(indexes, records, strict=True):
        if record.start > now + NEWEST_S:
            reason = f"it starts {record.start - now} s in the future; set the machine's clock, e.g. with NTP"
        elif record.start < now - OLDEST_S:
            reason = f"it is older than {OLDEST_S // DAY_S} days, the maximum accepted; no action is needed"
        else:
            accepted.append(record)
            continue
        sentence = f"{part}[{index}].start = {record.start}: {reason}"
        refused.append(RefusedRecord(Refusal(part, index, sentence), asdict(record)))
    return accepted, refused


def expand_gaps(
    gaps: Sequence[Gap], indexes: Iterable[int], now: int
) -> tuple[list[Slot], list[RefusedRecord]]:
    """Return the slots of all gaps, from OLDEST_S before now on, and the gaps that are refused."""
    slots: list[Slot] = []
    refused: list[RefusedRecord] = []
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
        refused.append(RefusedRecord(Refusal("gaps", index, f"gaps[{index}] {reason}"), asdict(gap)))
    return slots, refused


def expand(gap: Gap) -> Iterator[Slot]:
    """Yield the slots of a gap; none of a gap whose state is unknown."""
    if gap.state == "unknown":
        return
    asleep_s, off_s = (SLOT_S, 0) if gap.state == "asleep" else (0, SLOT_S)
    for start in range(gap.start, gap.start + gap.duration_s, SLOT_S):
        yield Slot(start, 0, 0, asleep_s, off_s, 0)


def check_readings(
    readings: Sequence[Reading], indexes: Iterable[int], now: int
) -> tuple[list[Reading], list[RefusedRecord]]:
    """Return a printer's readings from OLDEST_S before now to NEWEST_S after it, and the others."""
    accepted, refused = [], []
    for index, reading in zip(indexes, readings, strict=True):
        if now - OLDEST_S <= reading.at <= now + NEWEST_S:
            accepted.append(reading)
            continue
        sentence = (
            f"printing[{index}].at = {reading.at}: too far from now; set the gateway's clock, e.g. with NTP"
        )
        refused.append(RefusedRecord(Refusal("printing", index, sentence), asdict(reading)))
    return accepted, refused

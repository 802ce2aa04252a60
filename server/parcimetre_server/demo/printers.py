"""Simulated printers: pages on working days, sleep, and the resulting counters.

A week depends on (seed, printer, week) alone, and a counter at a time on the weeks before it, so that any
period can be made at any time and readings of overlapping periods agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES, SLOT_S, Marking, Printer, Reading, Slot, Supply

from .behaviour import DAY_S, PARIS, day_start
from .fleet import LARGER_SITES, Organisation, organisation_of, place_of, uniforms
from .relayed import Record, Relayed

PER_100_DEVICES = 4
AT_LARGER_SITES = 2  # at each of the first of them, before others have any
LARGER_SITES_FIRST = 3
COUNTED_SINCE = date(2021, 1, 4)  # a Monday, before any report that a collector still takes
WORKING_DAYS, SLOTS_A_DAY = 5, DAY_S // SLOT_S
FIRST_JOB, LAST_JOB = 30, 74  # slots of the day: from half past seven to half past six
READ_AT_HOURS = (9, 12, 15, 18)
READ_AT_WEEKENDS = (12,)
LOW_ON_TONER = 1
LOW = 0.09
COLOURS = ("black", "cyan", "magenta", "yellow")

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PrinterModel:
    """A model on the market and how it is used: `counts` are the counters that a gateway reads of its maker.

    `busy` is the share of quarter hours of a working day with a job, `job` the mean of impressions in one.
    `both_sides`, `in_colour` and `on_a3` are shares of all impressions. A cartridge lasts `pages`.
    """

    maker: str
    name: str
    marking: Marking
    colour: bool
    a3: bool
    counts: tuple[str, ...]
    busy: float
    job: float
    both_sides: float
    in_colour: float
    on_a3: float
    pages: int


MODELS = (
    PrinterModel("Konica Minolta", "bizhub C300i", "laser", True, True,
                 ("mono", "colour", "duplex", "a3", "copies", "prints"), 0.45, 14, 0.62, 0.41, 0.05, 28_000),
    PrinterModel("Lexmark", "B3442dw", "laser", False, False, (), 0.16, 8, 0, 0, 0, 6_000),
    PrinterModel("HP", "LaserJet Pro M404dn", "laser", False, False, ("duplex",), 0.2, 9, 0.35, 0, 0, 10_000),
    PrinterModel("Lexmark", "CX924dxe", "laser", True, True, (), 0.5, 16, 0, 0.3, 0, 34_000),
    PrinterModel("HP", "PageWide Pro 477dw", "inkjet", True, False, ("colour", "duplex"),
                 0.18, 7, 0.3, 0.55, 0, 7_000),
)  # fmt: skip
"""Those of Lexmark are known to the factor tables by their sheets, and tell nothing beyond their total."""


@dataclass(frozen=True)
class DemoPrinter(Relayed):
    """One simulated printer."""

    made: PrinterModel

    @property
    def printer(self) -> Printer:
        """Marking, colour, duplex and A3 of its model."""
        return Printer(self.made.marking, self.made.colour, duplex=True, a3=self.made.a3)

    def records(self, first: int, last: int) -> Iterator[Record]:
        """Its slots, and a reading of its counters a few times a day."""
        day = max(COUNTED_SINCE, datetime.fromtimestamp(first, PARIS).date())
        week, impressions = -1, 0
        of_week, before = self._week(0), 0
        while day_start(day) < last:
            if week != (now := _week_of(day)):
                before = self._until(now) if week < 0 else before + int(of_week.sum())
                week, of_week = now, self._week(now)
            weekday = day.weekday()
            impressions = before + int(of_week[:weekday].sum())
            jobs = of_week[weekday] if weekday < WORKING_DAYS else np.zeros(0, np.int64)
            yield from self._day(day, jobs, impressions, first, last)
            day += timedelta(days=1)

    def _week(self, week: int) -> Counts:
        """Impressions of each slot of the working days of a week, (days, slots)."""
        made = self.made
        drawn = self.drawn(2 * WORKING_DAYS * SLOTS_A_DAY, week).reshape(2, WORKING_DAYS, SLOTS_A_DAY)
        slots = np.arange(SLOTS_A_DAY)
        at_work = (slots >= FIRST_JOB) & (slots < LAST_JOB)
        sizes = np.minimum(1 - made.job * np.log1p(-drawn[1]), SLOT_S).astype(np.int64)
        impressions: Counts = np.where(at_work & (drawn[0] < made.busy), sizes, 0)
        return impressions

    def _until(self, week: int) -> int:
        """Impressions from the first week to the start of a week."""
        return sum(int(self._week(one).sum()) for one in range(week))

    def _day(self, day: date, jobs: Counts, before: int, first: int, last: int) -> Iterator[Record]:
        start = day_start(day)
        hours = READ_AT_HOURS if len(jobs) else READ_AT_WEEKENDS
        count = (day_start(day + timedelta(days=1)) - start) // SLOT_S
        total, was_printing = before, False
        for i in range(count):
            at = start + i * SLOT_S
            if first <= at < last and i * SLOT_S in [hour * 3600 for hour in hours]:
                yield self.reading(at, total)
            printed = int(jobs[i]) if i < len(jobs) else 0
            if first <= at < last:
                yield _slot(at, printed, was_printing)
            total, was_printing = total + printed, printed > 0

    def reading(self, at: int, impressions: int) -> Reading:
        """What its counters say at a time (seconds UTC) at which it had made so many impressions."""
        made = self.made
        colour = int(impressions * made.in_colour)
        parts = {
            "mono": impressions - colour,
            "colour": colour,
            "duplex": int(impressions * made.both_sides / 2) * 2,
            "a3": int(impressions * made.on_a3),
            "copies": impressions // 4,
            "prints": impressions - impressions // 4,
        }
        told: dict[str, Any] = {name: parts[name] for name in made.counts}
        return Reading(at, impressions, **told, supplies=list(self._supplies(impressions)))

    def _supplies(self, impressions: int) -> Iterator[Supply]:
        """A cartridge of each colour at its own place in its life, changed when it is empty."""
        made = self.made
        colours = COLOURS if made.colour else COLOURS[:1]
        for colour, phase in zip(colours, self.drawn(len(colours)).tolist(), strict=True):
            level = 1 - (impressions / made.pages + phase) % 1
            if self.index == LOW_ON_TONER and colour == "black":
                level *= LOW
            yield Supply("ink" if made.marking == "inkjet" else "toner", colour, round(level, 2))
        if made.a3:
            yield Supply("waste toner")


def printers(devices: int, seed: int) -> Iterator[DemoPrinter]:
    """The printers of a fleet of so many devices; a larger fleet has those of the smaller one."""
    for index in range(devices * PER_100_DEVICES // 100):
        made = MODELS[index % len(MODELS)]
        organisation, place = _stand(seed, index)
        yield DemoPrinter(
            seed, "printer", index, "printer", made.maker, made.name, organisation, place, made
        )  # fmt: skip


def _stand(seed: int, index: int) -> tuple[Organisation, str]:
    """Where a printer stands: two at each of the larger sites first, then by the organisations' shares."""
    if index < AT_LARGER_SITES * LARGER_SITES_FIRST:
        return LARGER_SITES[index // AT_LARGER_SITES]
    u = uniforms(2, seed, index)
    organisation = organisation_of("printer", u[0])
    return organisation, place_of(organisation, "printer", u[1])


def _week_of(day: date) -> int:
    """How many weeks after the first one a day is."""
    return (day - COUNTED_SINCE).days // 7


def _slot(start: int, printed: int, was_printing: bool) -> Slot:
    """A slot: awake while it prints and for half of the next one, asleep otherwise."""
    awake_s = SLOT_S if printed else SLOT_S // 2 if was_printing else 0
    deciles = [awake_s - printed, *[0] * (DECILES - 2), printed]
    return Slot(start, 0, awake_s, SLOT_S - awake_s, 0, 0, deciles)

"""Paper and toner of printers by group and period: consumables, beside the footprint and never within it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from parcimetre_agent.report import MOST_IMPRESSIONS, SLOT_S
from parcimetre_factors.consumables import UNIT, Consumables, Paper, PrintedPages, consumed
from parcimetre_factors.explanation.term import Term
from parcimetre_factors.tables.factor_set import FactorSet
from parcimetre_factors.uncertainty.amounts import Amount, amounts
from parcimetre_factors.uncertainty.monte_carlo import interval

from ...access.context import Context
from ...base.org_path import within
from ...base.periods import Interval, Periods, Span, cut
from ...base.query_cost import check_cost, query_cost
from ...organisation.left_out import leaving_out
from ...organisation.merges import MergeHistory, RecordSpan
from ...store.interface import Store
from ...store.records import Body, DeviceId, Fact
from ..counting import counted
from ..device import Device
from ..devices import devices, zones_of
from .readings import Printed, printed

GroupBy = Literal["org_unit", "site", "device", "model"]
ALL = "all"
FEW = 50


@dataclass(frozen=True)
class ConsumablesQuery:
    """Which printing; `org_unit` stands for its whole subtree."""

    span: Span
    interval: Interval = "total"
    org_unit: str | None = None
    device: DeviceId | None = None
    paper: Paper = "virgin"


@dataclass(frozen=True)
class Bounded:
    """A sum in kg CO2 eq with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ConsumablesRow:
    """What the printers of a group printed in a period, and the paper and toner it consumed.

    `counted` holds impressions by counter, of those printers that have it, and `among` all impressions of
    those printers. `spared_by_duplex` and `spent_on_colour` are None where no printer counts them.
    `coverage` is the share of the printers' time between readings.
    """

    group: str
    period: str
    printers: int
    counted: Mapping[str, float]
    sheets: float
    paper: Bounded
    marking: Bounded
    total: Bounded
    spared_by_duplex: Bounded | None
    spent_on_colour: Bounded | None
    unit: str
    coverage: float
    factor_set: str
    among: Mapping[str, float] = field(default_factory=dict)

    def share(self, counter: str) -> float | None:
        """Return a counter's share of the impressions of the printers that have it; None if none has."""
        whole, part = self.among.get(counter), self.counted.get(counter)
        return part / whole if part is not None and whole else None


@dataclass
class _GroupTotal:
    """The sum over the printers of a group in a period."""

    printers: int = 0
    counted: dict[str, float] = field(default_factory=dict)
    among: dict[str, float] = field(default_factory=dict)
    sheets: float = 0.0
    covered_s: float = 0.0
    parts: dict[str, list[Amount]] = field(default_factory=dict)

    def add(self, made: Consumables, counted: Mapping[str, float], covered_s: float) -> None:
        """Add one printer."""
        self.printers += 1
        self.sheets += made.sheets.value
        self.covered_s += covered_s
        for name, value in counted.items():
            self.counted[name] = self.counted.get(name, 0.0) + value
            self.among[name] = self.among.get(name, 0.0) + counted.get("impressions", 0.0)
        self._part("paper", made.paper)
        self._part("marking", made.marking)
        self._part("spared_by_duplex", made.spared_by_duplex)
        self._part("spent_on_colour", made.spent_on_colour)

    def _part(self, name: str, term: Term | None) -> None:
        if term is not None:
            self.parts.setdefault(name, []).extend(amounts(term))

    def bounded(self, factors: FactorSet, *names: str) -> Bounded | None:
        """Return the sum of some parts, None if no printer has any."""
        terms = [amount for name in names for amount in self.parts.get(name, ())]
        if not any(name in self.parts for name in names):
            return None
        return Bounded(sum(amount.value for amount in terms), *interval(terms, factors))


def consumption(
    context: Context, query: ConsumablesQuery, group_by: GroupBy | None = None
) -> list[ConsumablesRow]:
    """Return rows by group and period, of printers that were ever read. Raises TooManyRows before that."""
    check_cost(query_cost(query.span, query.interval))
    zones = zones_of(context.store)
    found = {key: one for key, one in devices(context.store).items() if _is_asked(one, query)}
    groups = len({_group(one, group_by) for one in found.values()})
    whole = [(query.span.first, query.span.last)] * len(found)
    check_cost(query_cost(query.span, query.interval, whole, max(1, groups)))
    periods = cut(query.span, query.interval, context.zone)
    tallies: dict[tuple[str, int], _GroupTotal] = {}
    for key, read in _readings(context.store, found, query.span.first - SLOT_S):
        with leaving_out(key, "readings of the printer"):
            readings = read()
            parts = [
                (there, printed(readings, np.clip(periods.edges, there.since, there.until)))
                for there in counted(context.store, found[key].at_each_stay(zones))
                if query.org_unit is None or within(there.org_unit, query.org_unit)
            ]
            if not all(map(_is_possible, (of_it for _, of_it in parts))):
                raise ValueError("a counter is beyond all bounds")
            for there, of_it in parts:
                _add(tallies, there, of_it, query.paper, group_by, context.factors)
    return [_row(*key, tally, periods, context.factors) for key, tally in sorted(tallies.items())]


def _add(
    tallies: dict[tuple[str, int], _GroupTotal], there: Device, of_it: Printed, paper: Paper,
    group_by: GroupBy | None, factors: FactorSet,
) -> None:  # fmt: skip
    """Add what a printer printed at one of its placements to its groups."""
    for i in np.flatnonzero(of_it.covered_s > 0).tolist():
        made, counted = _consumed(there, of_it, i, paper, factors)
        tally = tallies.setdefault((_group(there, group_by), i), _GroupTotal())
        tally.add(made, counted, float(of_it.covered_s[i]))


def _is_possible(of_it: Printed) -> bool:
    """Return whether a printer can have printed so much; no number is not within any bound."""
    return all(bool((np.abs(values) <= MOST_IMPRESSIONS).all()) for values in of_it.by_counter.values())


def _is_asked(device: Device, query: ConsumablesQuery) -> bool:
    return device.category == "printer" and query.device in (None, device.id)


def _readings(
    store: Store, found: Iterable[DeviceId], since: int
) -> Iterator[tuple[DeviceId, Callable[[], list[Body]]]]:
    """Yield what returns the readings of each printer's history, from the last one before `since` on.

    They are read printer by printer, or all at once where there are many.
    """
    wanted, lineages = list(found), MergeHistory.of(store)
    of_all: dict[str, list[Fact]] = {}
    if len(wanted) > FEW:
        for fact in store.history("printing", since=since):
            of_all.setdefault(fact.key, []).append(fact)
    for key in wanted:
        facts_of = {
            piece: of_all.get(piece.source, ()) if of_all else store.history("printing", piece.source, since)
            for piece in lineages.pieces(key)
        }
        yield key, partial(_in_order, facts_of)


def _in_order(facts_of: Mapping[RecordSpan, Sequence[Fact]]) -> list[Body]:
    """Return the readings of spans of records; the first one of each does not continue any other."""
    read: list[Body] = []
    for piece, facts in facts_of.items():
        of_piece = [fact.body for fact in facts if piece.first <= fact.body["at"] < piece.last]
        read += [{**body, "restarted": True} for body in of_piece[:1]] + of_piece[1:]
    return sorted(read, key=lambda body: int(body["at"]))


def _consumed(
    device: Device, of_it: Printed, i: int, paper: Paper, factors: FactorSet
) -> tuple[Consumables, Mapping[str, float]]:
    """Return what a printer consumed in one period, and its impressions by counter."""
    counted = {name: float(values[i]) for name, values in of_it.by_counter.items()}
    seen = device.inventory.printer if device.inventory else None
    colour = counted.get("colour", 0.0 if seen is not None and seen.colour is False else None)
    pages = PrintedPages(
        counted.get("impressions", 0.0), colour, counted.get("duplex"), counted.get("a3"),
        seen.marking if seen else None,
    )  # fmt: skip
    return consumed(pages, paper, factors), counted


def _group(device: Device, group_by: GroupBy | None) -> str:
    if group_by is None:
        return ALL
    if group_by == "device":
        return device.id
    if group_by == "model":
        system = device.inventory.system if device.inventory else None
        return " ".join(filter(None, (system.maker, system.model))) if system else "unknown"
    return device.org_unit if group_by == "org_unit" else device.site


def _row(group: str, i: int, tally: _GroupTotal, periods: Periods, factors: FactorSet) -> ConsumablesRow:
    paper, marking = tally.bounded(factors, "paper"), tally.bounded(factors, "marking")
    whole = tally.bounded(factors, "paper", "marking")
    assert paper is not None
    assert marking is not None
    assert whole is not None
    length_s = float(periods.edges[i + 1] - periods.edges[i]) * tally.printers
    return ConsumablesRow(
        group, periods.names[i], tally.printers, tally.counted, tally.sheets, paper, marking, whole,
        tally.bounded(factors, "spared_by_duplex"), tally.bounded(factors, "spent_on_colour"), UNIT,
        min(1.0, tally.covered_s / length_s), factors.id, tally.among,
    )  # fmt: skip

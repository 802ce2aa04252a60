"""Mapping of devices to outlets by day, and the energy that each outlet gave."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import Activity
from parcimetre_factors.power.model import PASSES_ON

from ...access.context import Context
from ...access.presence import is_personal, permitted_span, presence_needed
from ...base.errors import ParcimetreError
from ...base.periods import Span
from ...base.query_cost import TURNS, check_cost, query_cost
from ...base.scope import WHOLE, Scope
from ...base.units import J_PER_KWH
from ...organisation.audit import entry
from ...organisation.connections import ConnectionMap, Feeding, Outlet, counted
from ...organisation.transfers import midnight
from ...store.interface import Store
from ...store.joining import join
from ...store.records import DeviceId, Fact
from ..device import Device, UnknownDevice
from ..devices import devices
from ..hardware import is_virtual
from ..lookup import Directory


@dataclass(frozen=True)
class _Desk:
    """What an outlet without a known device may feed: somebody's machine, enrolled long ago."""

    category: str = "other"
    simulated: bool = False
    enrolled_at: int = 0


DESK = _Desk()
COLUMNS = ("feeder", "outlet", "device")
FIRST_LINE = 2
MOST_LINES = 20_000


class BadOutlets(ParcimetreError):
    """A mapping of outlets that has a fault."""


@dataclass(frozen=True)
class Statement:
    """A device, or none if empty, assigned to an outlet from a day on; `place` names the line or field."""

    place: str
    feeder: str
    outlet: str
    device: str
    day: str = ""


@dataclass(frozen=True)
class MappingStored:
    """Counts of statements: changed, and stored already."""

    changed: int
    known: int


@dataclass(frozen=True)
class OutletRow:
    """An outlet, the device assigned to it since `since` (seconds UTC), and the energy it gave in a period.

    `unattributed_kwh` is the part that it gave while no device was assigned. `device` is None if none is
    assigned now; names are empty for devices that the reader may not see.
    """

    feeder: str
    feeder_name: str
    outlet: str
    scope: str
    source: str
    device: str | None
    device_name: str
    since: int | None
    energy_kwh: float
    unattributed_kwh: float


def listed(context: Context, span: Span, device: DeviceId | None = None) -> list[OutletRow]:
    """Return the outlets of a feeder, or those of a device, or all, with the energy they gave in a span.

    Readers without presence data get its whole days, unless they feed exempt devices only. Raises NotAllowed,
    and TooManyRows before more slots are read than one query may.
    """
    store, now = context.store, context.now()
    found = [one for one in ConnectionMap.of(store).outlets if device is None or _concerns(one, device, now)]
    if not found:
        return []
    span = shown_span(context, span, device)
    known, ids, spans = devices(store), [key for outlet in found for key in outlet.ids], store.spans()
    recorded = [spans[key] for key in ids if key in spans]
    cost = query_cost(span, "total", recorded, by_slot=True)
    check_cost(cost, "choose a shorter period or one device")
    with TURNS.take(cost):
        read = dict(store.activities(ids, span.first, span.last))
    found.sort(key=lambda one: (_name(known, one.feeder), one.feeder, counted(one.name)))
    return [_row(one, [read[key] for key in one.ids if key in read], known, now) for one in found]


def shown_span(context: Context, span: Span, device: DeviceId | None = None) -> Span:
    """Return the part of a span that the reader may see of the outlets of `listed`.

    An outlet to which no known device is assigned may be at somebody's desk. Raises NotAllowed for less
    than a whole day.
    """
    if context.sees_presence:
        return span
    known, now = devices(context.store), context.now()
    outlets = [one for one in ConnectionMap.of(context.store).outlets
               if device is None or _concerns(one, device, now)]  # fmt: skip
    fed = [known.get(one.device) for outlet in outlets for one in outlet.feeds if one.device is not None]
    assigned = all(one.device is not None for outlet in outlets for one in outlet.feeds)
    if assigned and not any(one is None or is_personal(one) for one in fed):
        return span
    permitted = permitted_span(span, "total", [DESK], context.zone, now)
    if permitted is None:
        raise presence_needed("energy of outlets over less than a whole day")
    return permitted


def _row(outlet: Outlet, parts: Sequence[Activity], known: Mapping[DeviceId, Device], now: int) -> OutletRow:
    """Return an outlet with the energy of its records."""
    energy_j = unattributed_j = 0.0
    if parts:
        gave = join(parts)
        by_slot: NDArray[np.float64] = np.sum([one.energy_j for one in gave.measured], axis=0)
        nobody = np.any([_assigned_slots(one, gave) for one in outlet.feeds if one.device is None], axis=0)
        energy_j, unattributed_j = float(by_slot.sum()), float(np.sum(by_slot * nobody))
    present = outlet.at(now)
    return OutletRow(
        outlet.feeder, _name(known, outlet.feeder), outlet.name, outlet.scope, outlet.source, present.device,
        _name(known, present.device), present.first or None, energy_j / J_PER_KWH, unattributed_j / J_PER_KWH,
    )  # fmt: skip


def _assigned_slots(feeding: Feeding, gave: Activity) -> NDArray[np.bool_]:
    """Return which slots an assignment covers (n,)."""
    inside: NDArray[np.bool_] = (gave.start >= feeding.first) & (gave.start < feeding.last)
    return inside


def _concerns(outlet: Outlet, device: DeviceId, now: int) -> bool:
    return device in (outlet.feeder, outlet.at(now).device)


def _name(known: Mapping[DeviceId, Device], key: DeviceId | None) -> str:
    return known[key].name if key is not None and key in known else ""


def statements(lines: Iterable[str]) -> Iterator[Statement]:
    """Yield the rows of a CSV with the columns feeder, outlet, device and optionally from.

    The separator is a comma, semicolon or tab. Raises BadOutlets with the line.
    """
    text = list(lines)
    delimiter = max(",;\t", key=(text[0] if text else "").count)
    rows = csv.DictReader(text, delimiter=delimiter)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in rows.fieldnames]
    if missing:
        raise BadOutlets(
            f"line 1: the column {missing[0]} is missing. Give feeder, outlet, device and, if needed, from."
        )
    for line, row in enumerate(rows, start=FIRST_LINE):
        if line > MOST_LINES:
            raise BadOutlets(
                f"line {line}: the file has too many lines (limit {MOST_LINES}). Split it and import "
                "the parts one after another."
            )
        cells = [(row.get(name) or "").strip() for name in (*COLUMNS, "from")]
        if any(cells):
            yield Statement(f"line {line}", *cells)


def store_mapping(
    store: Store, stated: Iterable[Statement], zone: ZoneInfo, now: int, scope: Scope = WHOLE,
    dry_run: bool = False,
) -> MappingStored:  # fmt: skip
    """Store assignments of devices to outlets, both by id, its beginning or name, in the reader's scope.

    If one assignment has a fault, none is stored. Raises BadOutlets with the place of the first one.
    """
    mapping, facts, known = _OutletMap(store, zone, now, scope), list[Fact](), 0
    for one in stated:
        made = mapping.facts_of(one)
        facts += made
        known += not made
    if facts and not dry_run:
        store.append(facts)
    return MappingStored(sum(fact.kind == "feeding" for fact in facts), known)


class _OutletMap:
    """The assignments as they are after each statement."""

    def __init__(self, store: Store, zone: ZoneInfo, now: int, scope: Scope) -> None:
        found = devices(store).items()
        self._known = Directory({key: one for key, one in found if scope.covers(one.org_unit)})
        self._connections, self._zone, self._now = ConnectionMap.of(store), zone, now
        self._outlets = {(one.feeder, one.name): one for one in self._connections.outlets}
        self._dated = {
            key: {one.first: one.device for one in outlet.feeds} for key, outlet in self._outlets.items()
        }

    def facts_of(self, one: Statement) -> list[Fact]:
        """Return the facts of a statement, none if it is stored already. Raises BadOutlets."""
        feeder = self._find(one, one.feeder)
        outlet = self._outlets.get((feeder.id, one.outlet))
        if outlet is None:
            raise self._no_outlet(one, feeder)
        device = self._fed(one, feeder) if one.device else None
        dated = self._dated[feeder.id, one.outlet]
        first = self._first(one, dated, device)
        before = dated[max(at for at in dated if at <= first)]
        if before == device:
            return []
        dated[first] = device
        told = (
            {"outlet": one.outlet, "device": before},
            {"outlet": one.outlet, "device": device, "first": first},
        )
        fact = Fact("feeding", outlet.ids[-1], self._now, {"device": device, "from": first})
        return [fact, entry("outlet mapped", feeder.id, self._now, *told)]

    def _find(self, one: Statement, wanted: str) -> Device:
        try:
            return self._known.find(wanted)
        except UnknownDevice as error:
            raise BadOutlets(f"{one.place}: {error}") from error

    def _no_outlet(self, one: Statement, feeder: Device) -> BadOutlets:
        names = [outlet.name for outlet in self._connections.of_feeder(feeder.id)]
        fix = (
            f"its outlets are {', '.join(names)}"
            if names
            else "none has reported yet; wait for its next report"
        )
        return BadOutlets(f"{one.place}: {feeder.name} has no outlet {one.outlet!r}: {fix}")

    def _fed(self, one: Statement, feeder: Device) -> DeviceId:
        found = self._find(one, one.device)
        why = None
        if found.id == feeder.id:
            why = "cannot be assigned to its own outlet"
        elif found.id in self._connections.passing or found.category in PASSES_ON:
            why = "passes its electricity on: assign devices to its own outlets instead"
        elif found.driven_by is not None:
            why = "is a monitor, which is counted with its computer: leave its outlet empty"
        elif is_virtual(found):
            why = "is a virtual machine: give its host instead"
        if why is not None:
            raise BadOutlets(f"{one.place}: {found.name} {why}")
        return found.id

    def _first(self, one: Statement, dated: Mapping[int, DeviceId | None], device: DeviceId | None) -> int:
        """Return the first second (UTC) from which a statement is valid; 0 for the first one of an outlet."""
        if not one.day:
            now = dated[max(dated)]
            if now == device:
                return max(dated)
            if any(there is not None for there in dated.values()):
                what = f"outlet {one.outlet!r} is already assigned"
                raise BadOutlets(f"{one.place}: {what}. Give `from`, the first day of the new assignment.")
            return 0
        try:
            first = midnight(date.fromisoformat(one.day), self._zone)
        except ValueError:
            raise BadOutlets(f"{one.place}: {one.day!r} is not a valid date (example: 2026-11-01)") from None
        if not 0 <= first <= self._now:
            raise BadOutlets(f"{one.place}: {one.day} is in the future. Enter a date up to today.")
        return first

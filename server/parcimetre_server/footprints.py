"""The footprint of devices over periods: figures of single devices, grouped and added up.

A value counts what was recorded: coverage says for how much of the devices' time there is a record, and the
measured share how much of their energy was measured rather than modelled. What the rest would add stands
beside it, extrapolated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nlargest
from typing import Literal

import numpy as np
from parcimetre_factors.amortisation import Policy
from parcimetre_factors.criteria import UNITS, Criterion, Stage
from parcimetre_factors.factor import FactorSet

from .access.context import Collector
from .access.disclosure import FEWEST, Guard, hidden, tree
from .base.errors import ParcimetreError
from .base.org_path import within
from .base.periods import LAST_SECOND, Interval, Periods, Span, cut
from .base.scope import Scope
from .base.units import J_PER_KWH
from .extrapolation import Missing, missing
from .figures import Figure, Frame, Grid, alike, figure
from .fleet.device import Device
from .fleet.devices import device, devices, zones_of
from .fleet.monitors import claims, reported
from .fleet.monitors_at_home import not_counted
from .grid.supply_contracts import Electricity
from .intervals import bounds
from .organisation.connections import Wiring
from .profiles import profiles
from .recorded import Recorded, Watch, days_of
from .store.records import DeviceId
from .tallies import (
    ALL,
    GROUPINGS,
    GroupBy,
    Tally,
    counted,
    members_of,
    tallied,
    unit_below,
    values,
)  # fmt: skip
from .use import Array

__all__ = ["ALL", "GROUPINGS", "Figures", "GroupBy", "Query", "Row", "figures", "footprint"]
MAX_ROWS = 100_000
Limits = tuple[Array, Array]
COMPLETE = 0.995


class TooManyRows(ParcimetreError):
    """An answer that would be too long."""

    status = 400
    kind = "too-many-rows"


@dataclass(frozen=True)
class Query:
    """Which footprint; `org_unit` stands for its whole subtree, and no policy for the collector's own.

    `electricity` is by location (what the grid did) or by market (what contracts say); gwp alone knows both.
    """

    span: Span
    criterion: Criterion = Criterion.GWP
    interval: Interval = "total"
    org_unit: str | None = None
    device: DeviceId | None = None
    amortisation: Policy | None = None
    electricity: Electricity = "location"


@dataclass(frozen=True)
class Extrapolated:
    """Footprint of a group, had the time without a record been like the time with one."""

    energy_kwh: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """Footprint of a group in a period; `value` is None where no factor knows the criterion.

    `low` and `high` bound 95 % of what the factors' errors allow. `absent` are the stages that the value
    leaves out for at least one device. `extrapolated` is None where no record can stand for the missing ones.
    `electricity` says what the use stage is based on; `grid_tiers` holds, by grid zone, the shares of the
    electricity by what stands behind its intensity (TIERS of the engine), together 1.
    """

    group: str
    period: str
    energy_kwh: float
    value: float | None
    low: float | None
    high: float | None
    unit: str
    coverage: float | None
    measured_share: float | None
    factor_set: str
    absent: tuple[Stage, ...]
    simulated: bool | Literal["partly"]
    extrapolated: Extrapolated | None
    electricity: Electricity
    grid_tiers: Mapping[str, Mapping[str, float]]

    @property
    def incomplete(self) -> bool:
        """Whether so much has no record that what stands for it is worth showing."""
        return self.extrapolated is not None and self.coverage is not None and self.coverage < COMPLETE


@dataclass(frozen=True)
class Figures:
    """Figures of many devices, from which rows of any grouping are made; `alike` are together in one.

    `left_out` are monitors that are not counted. A `guard` keeps groups of few devices from who may see sums
    only; single devices have nobody's name then.
    """

    criterion: Criterion
    electricity: Electricity
    periods: Periods
    factors: FactorSet
    amortisation: Policy
    alike: tuple[Figure, ...]
    left_out: tuple[Device, ...] = ()
    guard: Guard | None = None

    @cached_property
    def devices(self) -> tuple[Figure, ...]:
        """The figures of each device alone."""
        return tuple(figure.of([i]) for figure in self.alike for i in range(len(figure.devices)))

    def within(self, org_unit: str) -> Figures:
        """The figures of the devices in an org unit's subtree."""
        parts = [
            one.of(np.sort(np.concatenate(rows)))
            for one in self.alike
            if (rows := [which for unit, which in one.by_unit.items() if within(unit, org_unit)])
        ]
        return replace(self, alike=tuple(parts))

    def seen_by(self, scope: Scope, guard: Guard | None) -> Figures:
        """The same for a reader of that scope: without host names that are not theirs, and names of small
        units where there is a guard.
        """
        parts = self.alike if guard is None else _without_names(self.alike, guard)
        return replace(self, alike=tuple(_without_host_names(parts, scope)), guard=guard)

    @cached_property
    def known(self) -> dict[DeviceId, Device]:
        """The devices that the figures are of, each as it stood last."""
        found: dict[DeviceId, Device] = {}
        for one in self.alike:
            for stay in one.devices:
                _keep_last(found, stay)
        return found

    @cached_property
    def missing(self) -> list[Missing]:
        """What time without a record is taken to have used, by those that are alike."""
        return missing(self.alike)

    def rows(self, group_by: GroupBy | None = None, below: str | None = None) -> list[Row]:
        """Rows by group, then by period; their values add up to the total.

        `below` names an org unit: org units are then the ones right below it. Raises TooManyRows, and
        NotAllowed where the guard forbids the grouping.
        """
        if group_by is None:
            return list(self._of_all)
        units = self._units(below) if group_by == "org_unit" and self.guard is None else set()
        if len(units) == 1:
            (unit,) = units
            return [replace(row, group=unit) for row in self._of_all]
        return self._grouped(group_by, below)

    @cached_property
    def _of_all(self) -> list[Row]:
        return self._grouped(None, None)

    def _units(self, below: str | None) -> set[str]:
        """The org units that rows are of."""
        return {unit_below(unit, below) for one in self.alike for unit in one.by_unit}

    def _grouped(self, group_by: GroupBy | None, below: str | None) -> list[Row]:
        known = list(zip(self.alike, self.missing, strict=True))
        small = self._small(known, group_by, below)
        tallies = tallied(known, len(self.periods.names), group_by, below, small)
        if len(tallies) * len(self.periods.names) > MAX_ROWS:
            raise TooManyRows(
                f"{len(tallies)} groups in {len(self.periods.names)} periods are more than {MAX_ROWS} rows; "
                "choose a longer interval, a shorter period or another group_by"
            )
        return self._rows_of(tallies)

    def rows_if_allowed(self, group_by: GroupBy) -> list[Row]:
        """The rows of a grouping, none where the guard forbids it."""
        return self.rows(group_by) if self.guard is None or self.guard.allows(group_by) else []

    @property
    def count(self) -> int:
        """How many devices the figures are of; where they are guarded, 0 if too few to be shown."""
        if self.guard is None:
            return len(self.known)
        n = sum(int(one.present.any(axis=-1).sum()) for one in self.alike)
        return 0 if n < FEWEST else n

    @property
    def withheld(self) -> bool:
        """Whether there are devices, but too few in every period to be shown."""
        return self.guard is not None and bool(self.alike) and not self.rows()

    def _small(
        self, known: Sequence[tuple[Figure, Missing]], group_by: GroupBy | None, below: str | None
    ) -> frozenset[str]:
        """Groups that go by one name, where there is a guard."""
        if self.guard is None:
            return frozenset()
        self.guard.check_grouping(group_by)
        if group_by in (None, "stage") or not self.alike:
            return frozenset()
        there = np.concatenate([figure.present for figure in self.alike])
        return hidden(members_of(known, group_by, below), there.astype(np.int64))

    def _rows_of(self, tallies: Mapping[str, Tally]) -> list[Row]:
        ordered = sorted(tallies.items())
        limits = self._limits([tally for _, tally in ordered])
        return [row for (group, tally), ends in zip(ordered, limits, strict=True)
                for row in self._rows(group, tally, *ends)]  # fmt: skip

    def in_service(self) -> list[Device]:
        """The devices that have a row in some period, each once, as it stood last."""
        found: dict[DeviceId, Device] = {}
        for one in self.alike:
            for i in np.flatnonzero(counted(one).any(axis=-1)).tolist():
                _keep_last(found, one.devices[i])
        return list(found.values())

    def greatest_devices(self, most: int) -> list[Row]:
        """The rows of the devices with the greatest values over all periods, the greatest first.

        None where the guard forbids to show single devices.
        """
        if self.guard is not None and not self.guard.allows("device"):
            return []
        summed: Counter[DeviceId] = Counter()
        places: dict[DeviceId, list[tuple[int, int]]] = {}
        for at, one in enumerate(self.alike):
            for i, value in enumerate(values(one).sum(axis=-1).tolist()):
                summed[one.ids[i]] += value
                places.setdefault(one.ids[i], []).append((at, i))
        chosen: dict[int, list[int]] = {}
        for device_id in nlargest(most, summed, key=summed.__getitem__):
            for at, i in places[device_id]:
                chosen.setdefault(at, []).append(i)
        known = [(self.alike[at].of(which), self.missing[at].of(which)) for at, which in chosen.items()]
        rows = self._rows_of(tallied(known, len(self.periods.names), "device", None))
        return sorted(rows, key=lambda row: row.value or 0.0, reverse=True)

    def total(self) -> Row:
        """The one row of all devices over the whole span, empty where there is no device."""
        rows = self.rows()
        return rows[0] if rows else self._row(ALL, 0, Tally(len(self.periods.names)), None, None)

    def _limits(self, tallies: list[Tally]) -> Iterator[tuple[Limits | None, Limits | None]]:
        """Bounds of what each recorded, and of that with what is missing."""
        p, known = len(self.periods.names), [tally for tally in tallies if tally.value is not None]
        recorded = iter(bounds([tally.by_errors for tally in known], p, self.factors))
        missing = iter(bounds([tally.with_missing() for tally in known if tally.missing], p, self.factors))
        for tally in tallies:
            limits = None if tally.value is None else next(recorded)
            yield limits, next(missing) if limits is not None and tally.missing else limits

    def _rows(self, group: str, tally: Tally, limits: Limits | None, whole: Limits | None) -> Iterator[Row]:
        for i in range(tally.p):
            if self.guard is not None and tally.devices[i] < FEWEST:
                continue
            if (
                tally.expected_s[i] > 0
                or tally.energy_j[i] > 0
                or (tally.value is not None and tally.value[i])
            ):
                yield self._row(group, i, tally, limits, whole)

    def _row(self, group: str, i: int, tally: Tally, limits: Limits | None, whole: Limits | None) -> Row:
        return Row(
            group=group,
            period=self.periods.names[i],
            energy_kwh=float(tally.energy_j[i]) / J_PER_KWH,
            value=None if tally.value is None else float(tally.value[i]),
            low=None if limits is None else float(limits[0][i]),
            high=None if limits is None else float(limits[1][i]),
            unit=UNITS[self.criterion],
            coverage=_share(tally.covered_s[i], tally.expected_s[i]),
            measured_share=_share(tally.measured_j[i], tally.energy_j[i]),
            factor_set=self.factors.id,
            absent=tuple(stage for stage in Stage if stage in tally.absent),
            simulated="partly" if len(tally.simulated) > 1 else tally.simulated == {True},
            extrapolated=None if whole is None or tally.untold[i] else _extrapolated(tally, i, whole),
            electricity=self.electricity,
            grid_tiers=tally.grid_tiers(i),
        )


def _extrapolated(tally: Tally, i: int, limits: Limits) -> Extrapolated:
    """The whole of a period, with what is missing."""
    energy_j, value = tally.energy_j[i] + tally.missing_j[i], tally.missing_value[i]
    if tally.value is not None:
        value += tally.value[i]
    return Extrapolated(float(energy_j) / J_PER_KWH, float(value), float(limits[0][i]), float(limits[1][i]))


def _share(part: float, whole: float) -> float | None:
    return min(1.0, float(part / whole)) if whole > 0 else None


def figures(collector: Collector, query: Query, watch: Watch | None = None) -> Figures:
    """Figures of every device that the query asks for and that ever reported.

    All slots of its span are shown to who is to `watch`.
    """
    store, wiring = collector.store, Wiring.of(collector.store)
    guard = _guard(collector, query)
    asked, left_out = _asked(collector, query)
    held = claims(store, asked)
    spans = reported(store, {stay.id for stay in asked}, held, wiring)
    last_slot = max((last for _, last in spans.values()), default=0)
    days = days_of(query.span, query.interval, last_slot, collector.zone)
    periods = cut(query.span, query.interval, collector.zone)
    grid = Grid(collector, days or query.span, query.criterion, query.electricity)
    policy = query.amortisation or collector.settings.amortisation
    frame = Frame(profiles(collector.factors), grid, periods, collector.now(), policy, collector.zone)
    recorded = Recorded(collector, frame, query.span, days, spans, held, wiring, watch)
    groups = alike(((stay, spans[stay.id][0]) for stay in asked if stay.id in spans), frame)
    made = (figure(group, frame, *recorded.of(group)) for group in groups)
    known = tuple(made if guard is None else _without_names(made, guard))
    return Figures(query.criterion, grid.electricity, periods, grid.factors, policy, known, left_out, guard)


def _guard(collector: Collector, query: Query) -> Guard | None:
    """What keeps small groups from a viewer's query, nothing from others'. Raises NotAllowed."""
    if collector.scope.sees_devices:
        return None
    collector.scope.need("viewer" if query.device is None else "analyst", "the figure of a single device")
    return guard_of(collector.scope, query.org_unit, standing(collector))


def standing(collector: Collector) -> list[str]:
    """The org unit where each device that ever reported stands now."""
    known, now = devices(collector.store), collector.now()
    told = dict.fromkeys((*collector.store.spans(), *Wiring.of(collector.store).hung))
    reporting = (known[key] for key in told if key in known)
    stays = (stay for one in reporting for stay in one.at_each_stay({}))
    return [stay.org_unit for stay in stays if stay.since <= now < stay.until]


def guard_of(scope: Scope, org_unit: str | None, units: Iterable[str]) -> Guard:
    """What keeps small groups from a viewer of a unit; devices stand at `units`. Raises NotAllowed."""
    guard = Guard(tree(filter(scope.covers, units), scope.root), org_unit not in (None, scope.root))
    guard.check_unit(org_unit if guard.part else None)
    return guard


def _without_names(made: Iterable[Figure], guard: Guard) -> Iterator[Figure]:
    """Devices under the org unit that may stand for them."""
    names: dict[str, str] = {}
    for group in made:
        for unit in {one.org_unit for one in group.devices} - names.keys():
            names[unit] = guard.tree.group_of(unit)
        named = (
            one if names[one.org_unit] == one.org_unit else replace(one, org_unit=names[one.org_unit])
            for one in group.devices
        )
        yield replace(group, devices=tuple(named))


def _without_host_names(made: Iterable[Figure], scope: Scope) -> Iterator[Figure]:
    """Devices without a host name, where only admins may see it while the device is theirs."""
    for group in made:
        told = [scope.sees_host_names and one.until == LAST_SECOND for one in group.devices]
        if all(told):
            yield group
        else:
            named = zip(group.devices, told, strict=True)
            yield replace(group, devices=tuple(
                one if kept or one.hostname is None else replace(one, hostname=None) for one, kept in named
            ))  # fmt: skip


def _asked(collector: Collector, query: Query) -> tuple[list[Device], tuple[Device, ...]]:
    """The devices that a query asks for, at each stay, and the monitors among them that are not counted."""
    zones = zones_of(collector.store)
    if query.device is not None:
        return stays_in([device(collector.store, query.device)], query.span, zones), ()
    every = stays_in(devices(collector.store).values(), query.span, zones)
    if query.org_unit is not None:
        every = [stay for stay in every if within(stay.org_unit, query.org_unit)]
    left_out = not_counted(collector, every)
    if not left_out:
        return every, ()
    last = {stay.id: stay for stay in every}
    counted = [stay for stay in every if stay.id not in left_out]
    return counted, tuple(last[key] for key in sorted(left_out))


def stays_in(found: Iterable[Device], span: Span, zones: Mapping[str, str]) -> list[Device]:
    """Devices as they stood in a span: each once, unless it was transferred within."""
    stays = (stay for one in found for stay in one.at_each_stay(zones))
    return [stay for stay in stays if stay.since < span.last and span.first < stay.until]


def _keep_last(found: dict[DeviceId, Device], device: Device) -> None:
    """Of the stays of a device keep the last."""
    before = found.get(device.id)
    if before is None or before.since <= device.since:
        found[device.id] = device


def footprint(collector: Collector, query: Query, group_by: GroupBy | None = None) -> list[Row]:
    """Rows of the footprint that a query asks for, by group and period."""
    return figures(collector, query).rows(group_by)

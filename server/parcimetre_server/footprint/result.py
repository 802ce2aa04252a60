"""The footprint of devices over periods: figures of single devices, grouped and added up.

A value counts what was recorded: coverage says for how much of the devices' time there is a record, and the
measured share how much of their energy was measured rather than modelled. What the rest would add stands
beside it, extrapolated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nlargest

import numpy as np
from parcimetre_factors.criteria import UNITS, Criterion, Stage
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.tables.factor_set import FactorSet

from ..access.disclosure import FEWEST, DisclosureControl, hidden
from ..base.org_path import within
from ..base.periods import Periods
from ..base.scope import Scope
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..grid.supply_contracts import Electricity
from ..store.records import DeviceId
from .contributions import (
    ALL,
    GroupBy,
    counted,
    unit_below,
    values,  # fmt: skip
)
from .device_footprints import DeviceFootprints
from .energy_use import Array
from .extrapolation import MissingTime, missing_time
from .grouping import GroupTotal, group_totals, members_of
from .query import Extrapolated, FootprintRow, TooManyRows
from .redaction import _without_host_names, _without_names
from .uncertainty import bounds

MAX_ROWS = 100_000
Limits = tuple[Array, Array]


@dataclass(frozen=True)
class FootprintResult:
    """Figures of many devices, from which rows of any grouping are made; `alike` are together in one.

    `left_out` are monitors that are not counted. A `guard` keeps groups of few devices from who may see sums
    only; single devices have nobody's name then.
    """

    criterion: Criterion
    electricity: Electricity
    periods: Periods
    factors: FactorSet
    amortisation: Policy
    alike: tuple[DeviceFootprints, ...]
    left_out: tuple[Device, ...] = ()
    guard: DisclosureControl | None = None

    @cached_property
    def devices(self) -> tuple[DeviceFootprints, ...]:
        """The figures of each device alone."""
        return tuple(figure.of([i]) for figure in self.alike for i in range(len(figure.devices)))

    def within(self, org_unit: str) -> FootprintResult:
        """The figures of the devices in an org unit's subtree."""
        parts = [
            one.of(np.sort(np.concatenate(rows)))
            for one in self.alike
            if (rows := [which for unit, which in one.by_unit.items() if within(unit, org_unit)])
        ]
        return replace(self, alike=tuple(parts))

    def seen_by(self, scope: Scope, guard: DisclosureControl | None) -> FootprintResult:
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
    def missing(self) -> list[MissingTime]:
        """What time without a record is taken to have used, by those that are alike."""
        return missing_time(self.alike)

    def rows(self, group_by: GroupBy | None = None, below: str | None = None) -> list[FootprintRow]:
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
    def _of_all(self) -> list[FootprintRow]:
        return self._grouped(None, None)

    def _units(self, below: str | None) -> set[str]:
        """The org units that rows are of."""
        return {unit_below(unit, below) for one in self.alike for unit in one.by_unit}

    def _grouped(self, group_by: GroupBy | None, below: str | None) -> list[FootprintRow]:
        known = list(zip(self.alike, self.missing, strict=True))
        small = self._small(known, group_by, below)
        tallies = group_totals(known, len(self.periods.names), group_by, below, small)
        if len(tallies) * len(self.periods.names) > MAX_ROWS:
            raise TooManyRows(
                f"the answer has too many rows ({len(tallies)} groups in {len(self.periods.names)} "
                f"periods, limit {MAX_ROWS} rows): choose a longer interval, a shorter period or "
                "another group_by"
            )
        return self._rows_of(tallies)

    def rows_if_allowed(self, group_by: GroupBy) -> list[FootprintRow]:
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
        self,
        known: Sequence[tuple[DeviceFootprints, MissingTime]],
        group_by: GroupBy | None,
        below: str | None,
    ) -> frozenset[str]:
        """Groups that go by one name, where there is a guard."""
        if self.guard is None:
            return frozenset()
        self.guard.check_grouping(group_by)
        if group_by in (None, "stage") or not self.alike:
            return frozenset()
        there = np.concatenate([figure.present for figure in self.alike])
        return hidden(members_of(known, group_by, below), there.astype(np.int64))

    def _rows_of(self, tallies: Mapping[str, GroupTotal]) -> list[FootprintRow]:
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

    def greatest_devices(self, most: int) -> list[FootprintRow]:
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
        rows = self._rows_of(group_totals(known, len(self.periods.names), "device", None))
        return sorted(rows, key=lambda row: row.value or 0.0, reverse=True)

    def total(self) -> FootprintRow:
        """The one row of all devices over the whole span, empty where there is no device."""
        rows = self.rows()
        return rows[0] if rows else self._row(ALL, 0, GroupTotal(len(self.periods.names)), None, None)

    def _limits(self, tallies: list[GroupTotal]) -> Iterator[tuple[Limits | None, Limits | None]]:
        """Bounds of what each recorded, and of that with what is missing."""
        p, known = len(self.periods.names), [tally for tally in tallies if tally.value is not None]
        recorded = iter(bounds([tally.by_errors for tally in known], p, self.factors))
        missing = iter(bounds([tally.with_missing() for tally in known if tally.missing], p, self.factors))
        for tally in tallies:
            limits = None if tally.value is None else next(recorded)
            yield limits, next(missing) if limits is not None and tally.missing else limits

    def _rows(
        self, group: str, tally: GroupTotal, limits: Limits | None, whole: Limits | None
    ) -> Iterator[FootprintRow]:
        for i in range(tally.p):
            if self.guard is not None and tally.devices[i] < FEWEST:
                continue
            if (
                tally.expected_s[i] > 0
                or tally.energy_j[i] > 0
                or (tally.value is not None and tally.value[i])
            ):
                yield self._row(group, i, tally, limits, whole)

    def _row(
        self, group: str, i: int, tally: GroupTotal, limits: Limits | None, whole: Limits | None
    ) -> FootprintRow:
        return FootprintRow(
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


def _extrapolated(tally: GroupTotal, i: int, limits: Limits) -> Extrapolated:
    """The whole of a period, with what is missing."""
    energy_j, value = tally.energy_j[i] + tally.missing_j[i], tally.missing_value[i]
    if tally.value is not None:
        value += tally.value[i]
    return Extrapolated(float(energy_j) / J_PER_KWH, float(value), float(limits[0][i]), float(limits[1][i]))


def _share(part: float, whole: float) -> float | None:
    return min(1.0, float(part / whole)) if whole > 0 else None


def _keep_last(found: dict[DeviceId, Device], device: Device) -> None:
    """Of the stays of a device keep the last."""
    before = found.get(device.id)
    if before is None or before.since <= device.since:
        found[device.id] = device

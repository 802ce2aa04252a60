"""Result of a footprint query: the footprints of cohorts, and their rows by any grouping.

A value counts recorded time only. Coverage is the share of the devices' time with a record, the measured
share that of the energy which was measured rather than modelled; the extrapolation covers the missing time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import nlargest

import numpy as np
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.tables.factor_set import FactorSet

from ..access.disclosure import DisclosureControl
from ..base.org_path import within
from ..base.periods import Periods, Span
from ..base.scope import Scope
from ..fleet.device import Device
from ..grid.supply_contracts import Electricity
from ..store.records import DeviceId
from .contributions import GroupBy, has_row, impact_by_device, unit_below
from .device_footprints import DeviceFootprints
from .extrapolation import MissingTime, find_missing_time, missing_of_sums
from .grouping import group_totals
from .query import FootprintRow
from .redaction import remove_host_names
from .rows import MAX_ROWS, RowBasis, build_rows, check_row_count, empty_row


@dataclass(frozen=True)
class FootprintResult:
    """Footprints of devices by cohort and period.

    `left_out` are monitors that the monitor rule does not count. Under `disclosure` control each device of
    the cohorts is a sum of several; `members` are the real ones at their last placement, which are not shown.
    """

    criterion: Criterion
    electricity: Electricity
    periods: Periods
    factors: FactorSet
    amortisation: Policy
    cohorts: tuple[DeviceFootprints, ...]
    left_out: tuple[Device, ...] = ()
    disclosure: DisclosureControl | None = None
    members: Mapping[DeviceId, Device] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        """The span of all periods."""
        return Span(int(self.periods.edges[0]), int(self.periods.edges[-1]))

    def checked(self) -> FootprintResult:
        """Return the same result. Raises NotAllowed for an org unit of which nothing may be shown."""
        if self.disclosure is not None:
            self.disclosure.check_unit()
        return self

    def withheld_where_hidden(self) -> FootprintResult:
        """Return a result that is withheld where nothing may be shown of the org unit asked for."""
        control = self.disclosure
        if control is None or control.asked_unit is None or control.asked_unit in control.units:
            return self
        return replace(self, cohorts=(), members={}, disclosure=DisclosureControl(withheld=True))

    @cached_property
    def single_devices(self) -> tuple[DeviceFootprints, ...]:
        """The footprint of each device alone, once per placement."""
        return tuple(cohort.select([i]) for cohort in self.cohorts for i in range(len(cohort.devices)))

    def within(self, org_unit: str) -> FootprintResult:
        """Return the result of the devices in an org unit's subtree."""
        parts = [
            cohort.select(np.sort(np.concatenate(rows)))
            for cohort in self.cohorts
            if (rows := [which for unit, which in cohort.rows_by_unit.items() if within(unit, org_unit)])
        ]
        return replace(self, cohorts=tuple(parts))

    def redacted_for(self, scope: Scope) -> FootprintResult:
        """Return the result without host names that the reader may not see."""
        return replace(self, cohorts=tuple(remove_host_names(self.cohorts, scope)))

    @cached_property
    def devices_by_id(self) -> dict[DeviceId, Device]:
        """Each device at its last placement within the result."""
        return _last_placements(device for cohort in self.cohorts for device in cohort.devices)

    @cached_property
    def missing(self) -> list[MissingTime]:
        """The time without a record of each cohort, and the use that stands in for it."""
        return find_missing_time(self.cohorts) if self.disclosure is None else missing_of_sums(self.cohorts)

    def rows(
        self, group_by: GroupBy | None = None, below: str | None = None, max_rows: int = MAX_ROWS
    ) -> list[FootprintRow]:
        """Return rows by group, then by period; their values add up to the total.

        With `below`, org units are those right below that one. Raises TooManyRows, and NotAllowed where
        disclosure control forbids the grouping.
        """
        if group_by is None:
            return list(self._total_rows)
        units = self._units(below) if group_by == "org_unit" and self.disclosure is None else set()
        if len(units) == 1:
            (unit,) = units
            return [replace(row, group=unit) for row in self._total_rows]
        return self._grouped_rows(group_by, below, max_rows)

    @cached_property
    def _total_rows(self) -> list[FootprintRow]:
        return self._grouped_rows(None, None, MAX_ROWS)

    def _units(self, below: str | None) -> set[str]:
        """The org units that rows by org unit would have."""
        return {unit_below(unit, below) for cohort in self.cohorts for unit in cohort.rows_by_unit}

    def _grouped_rows(self, group_by: GroupBy | None, below: str | None, max_rows: int) -> list[FootprintRow]:
        if self.disclosure is not None:
            self.disclosure.check_grouping(group_by)
        cohorts = list(zip(self.cohorts, self.missing, strict=True))
        controlled = self.disclosure is not None
        totals = group_totals(cohorts, len(self.periods.names), group_by, below, controlled)
        check_row_count(len(totals), len(self.periods.names), max_rows)
        return build_rows(totals, self._basis)

    @property
    def _basis(self) -> RowBasis:
        controlled = self.disclosure is not None
        return RowBasis(self.criterion, self.electricity, self.periods, self.factors, controlled)

    @property
    def count(self) -> int:
        """Number of devices; under disclosure control 0 where nothing is shown."""
        return len(self.devices_by_id) if self.disclosure is None else self.disclosure.devices

    @property
    def withheld(self) -> bool:
        """Whether there are devices, but none that may be shown."""
        return self.disclosure is not None and self.disclosure.withheld

    def in_service(self) -> list[Device]:
        """Return the devices that have a row in some period, each once, at its last placement."""
        return list(_last_placements(
            cohort.devices[i]
            for cohort in self.cohorts
            for i in np.flatnonzero(has_row(cohort).any(axis=-1)).tolist()
        ).values())  # fmt: skip

    def greatest_devices(self, most: int) -> list[FootprintRow]:
        """Return the rows of the `most` devices with the greatest value over all periods, greatest first.

        Empty where disclosure control forbids single devices.
        """
        if self.disclosure is not None:
            return []
        chosen = self._rows_of_greatest(most)
        cohorts = [
            (self.cohorts[at].select(rows), self.missing[at].select(rows)) for at, rows in chosen.items()
        ]
        rows = build_rows(group_totals(cohorts, len(self.periods.names), "device", None), self._basis)
        return sorted(rows, key=lambda row: row.value or 0.0, reverse=True)

    def _rows_of_greatest(self, most: int) -> dict[int, list[int]]:
        """Rows of the greatest devices in each cohort, by the cohort's index."""
        summed: Counter[DeviceId] = Counter()
        places: dict[DeviceId, list[tuple[int, int]]] = {}
        for at, cohort in enumerate(self.cohorts):
            for i, value in enumerate(impact_by_device(cohort).sum(axis=-1).tolist()):
                summed[cohort.ids[i]] += value
                places.setdefault(cohort.ids[i], []).append((at, i))
        chosen: dict[int, list[int]] = {}
        for device_id in nlargest(most, summed, key=summed.__getitem__):
            for at, i in places[device_id]:
                chosen.setdefault(at, []).append(i)
        return chosen

    def total(self) -> FootprintRow:
        """Return the one row of all devices over the first period, empty where there is no device."""
        rows = self.rows()
        return rows[0] if rows else empty_row(self._basis)


def _last_placements(placements: Iterable[Device]) -> dict[DeviceId, Device]:
    """Of several placements of a device, the last one, by id."""
    last: dict[DeviceId, Device] = {}
    for device in placements:
        before = last.get(device.id)
        if before is None or before.since <= device.since:
            last[device.id] = device
    return last

"""Hourly electricity of groups of devices, stored before their hours are rolled up to days.

A group is a grid zone, an org unit and a category, with at least FEWEST devices that used electricity on the
day; a smaller one joins that of the unit above it, and is left out where there is none. So the hours of the
electricity remain for other grid intensities and for stated hours, and those of single devices do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..access.context import Context
from ..access.disclosure import FEWEST
from ..base.periods import DAY_S, HOUR_S, Span
from ..footprint.compute import compute_footprint
from ..footprint.energy_use import Array
from ..footprint.query import FootprintQuery
from ..store.electricity_schema import HourlyEnergyBody, HourlyEnergyGroup
from ..store.fact_schema import body_of
from ..store.interface import Store
from ..store.records import DeviceId, Fact

J_PER_WH = 3600
HOURS = 24
Key = tuple[str, str, str]


@dataclass(frozen=True)
class GroupHours:
    """Electricity in Wh by hour of UTC (24,) of the devices of a zone, an org unit and a category."""

    zone: str
    org_unit: str
    category: str
    devices: int
    energy_wh: list[int]

    def as_body(self) -> HourlyEnergyGroup:
        """Return the group as it is stored."""
        return HourlyEnergyGroup(
            zone=self.zone, org_unit=self.org_unit, category=self.category, devices=self.devices,
            energy_wh=self.energy_wh,
        )  # fmt: skip


@dataclass
class _Group:
    devices: set[DeviceId] = field(default_factory=set)
    energy_j: Array = field(default_factory=lambda: np.zeros(HOURS))

    def add(self, other: _Group) -> None:
        """Add the devices and the energy of another group."""
        self.devices |= other.devices
        self.energy_j = self.energy_j + other.energy_j


def store_hourly_energy(context: Context, before_day: int) -> int:
    """Store the groups of the days before one (since 1970-01-01) that are not days of sums; count them."""
    store, stored = context.store, 0
    known = {int(key) for key in store.latest("hourly_energy")}
    begins = [begin // DAY_S for begin, _ in store.spans().values()]
    first = max(store.rolled_up().days_before, min(begins, default=before_day))
    for day in range(first, before_day):
        if day not in known:
            body = HourlyEnergyBody(groups=[group.as_body() for group in hourly_energy(context, day)])
            store.append([Fact("hourly_energy", str(day), context.now(), body)])
            stored += 1
    return stored


def hourly_energy(context: Context, day: int) -> Iterator[GroupHours]:
    """Yield the hours of a day of UTC of each group with at least FEWEST devices, by zone, unit, category."""
    groups = _groups(context, Span(day * DAY_S, (day + 1) * DAY_S))
    for (zone, org_unit, category), group in sorted(_large_enough(groups).items()):
        energy_wh = [round(joules / J_PER_WH) for joules in group.energy_j]
        yield GroupHours(zone, org_unit, category, len(group.devices), energy_wh)


def stored_hourly_energy(store: Store, span: Span) -> Iterator[tuple[int, GroupHours]]:
    """Yield the stored groups of the days in a span, with the first second (UTC) of their day."""
    for key, fact in sorted(store.latest("hourly_energy").items(), key=lambda item: int(item[0])):
        begin = int(key) * DAY_S
        if span.first <= begin < span.last:
            yield from ((begin, GroupHours(**group)) for group in body_of(fact, HourlyEnergyBody)["groups"])


def _groups(context: Context, span: Span) -> Mapping[Key, _Group]:
    found = compute_footprint(context, FootprintQuery(span, interval="hour"))
    begins = (found.periods.edges[:-1] - span.first) // HOUR_S
    groups: defaultdict[Key, _Group] = defaultdict(_Group)
    for cohort in found.cohorts:
        joules = cohort.energy_j.sum(axis=0)
        for i, device in enumerate(cohort.devices):
            if cohort.covered_s[i].any():
                group = groups[device.zone, device.org_unit, device.category]
                group.devices.add(device.id)
                np.add.at(group.energy_j, begins, joules[i])
    return groups


def _large_enough(groups: Mapping[Key, _Group]) -> Mapping[Key, _Group]:
    """Return the groups with small ones joined, from the deepest units up, and without those left small."""
    joined = dict(groups)
    for key in sorted(groups, key=lambda key: -key[1].count("/")):
        _join_above(joined, key)
    return {key: group for key, group in joined.items() if len(group.devices) >= FEWEST}


def _join_above(groups: dict[Key, _Group], key: Key) -> None:
    zone, org_unit, category = key
    while "/" in org_unit and len(groups[zone, org_unit, category].devices) < FEWEST:
        small = groups.pop((zone, org_unit, category))
        org_unit = org_unit.rpartition("/")[0]
        groups.setdefault((zone, org_unit, category), _Group()).add(small)

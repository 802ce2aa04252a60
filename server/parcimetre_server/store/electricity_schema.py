"""Stored bodies of facts about electricity: the grid's intensity, hourly sums, supply contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict


class GridSlot(TypedDict):
    """Electricity of a zone in a quarter hour: MW by fuel and by zone of import, or kg CO2 eq per kWh."""

    source: str
    produced_mw: NotRequired[Mapping[str, float]]
    imported_mw: NotRequired[Mapping[str, float]]
    kg_per_kwh: NotRequired[float]
    at_meter: NotRequired[bool]


class GridBody(TypedDict):
    """A zone's day, by `ZONE/day since 1970`: its slots by their start (seconds UTC, as text)."""

    slots: Mapping[str, GridSlot]


class HourlyEnergyGroup(TypedDict):
    """Electricity by hour of UTC (Wh, 24 of them) of at least five devices of a zone, unit and category."""

    zone: str
    org_unit: str
    category: str
    devices: int
    energy_wh: list[int]


class HourlyEnergyBody(TypedDict):
    """Hourly electricity of groups on a day that was rolled up, by the day's number since 1970-01-01."""

    groups: list[HourlyEnergyGroup]


class ContractBody(TypedDict):
    """A supply contract, by its id, from `first` up to `last` (seconds UTC); for a site, an org unit's
    subtree, or everything where both are None.
    """

    supplier: str
    product: str
    kg_per_kwh: float
    low: float | None
    high: float | None
    at_meter: bool
    evidence: str
    first: int
    last: int | None
    recorded: str
    site: str | None
    org_unit: str | None

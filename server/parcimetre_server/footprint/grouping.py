"""Totals of groups: what the devices of all cohorts contribute to each, by period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from parcimetre_factors.criteria import Stage

from ..base.org_path import SMALL
from .contributions import Amounts, Contribution, GroupBy, contributions
from .device_footprints import DeviceFootprints, Flags
from .energy_use import Array
from .extrapolation import MissingTime, StandInUse
from .hardware_model import Errors


@dataclass
class GroupTotal:
    """Sums of one group's devices by period (p,); amounts of k errors that come together are (k, p).

    `known_j` is the energy of which it is shown how much was measured.
    """

    p: int
    value: Array | None = None
    amounts: Amounts = field(default_factory=dict)
    absent: set[Stage] = field(default_factory=set)
    simulated: set[bool] = field(default_factory=set)
    missing: Amounts = field(default_factory=dict)
    tier_j: dict[tuple[str, str], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start every sum at zero."""
        self.energy_j, self.measured_j = np.zeros(self.p), np.zeros(self.p)
        self.known_j = np.zeros(self.p)
        self.covered_s, self.expected_s = np.zeros(self.p), np.zeros(self.p)
        self.missing_j, self.missing_value = np.zeros(self.p), np.zeros(self.p)
        self.unknown = np.zeros(self.p, dtype=np.bool_)
        self.devices = np.zeros(self.p)

    def grid_tiers(self, i: int) -> dict[str, dict[str, float]]:
        """Return the shares of period i's electricity by grid zone and tier, of 1."""
        shares: dict[str, dict[str, float]] = {}
        whole = sum(float(energy_j[i]) for energy_j in self.tier_j.values())
        for (zone, tier), energy_j in sorted(self.tier_j.items()):
            if energy_j[i] > 0:
                shares.setdefault(zone, {})[tier] = float(energy_j[i]) / whole
        return shares

    @property
    def by_errors(self) -> dict[Errors, Array]:
        """The recorded impact by the errors that it carries."""
        recorded: dict[Errors, Array] = {}
        _add_apart(recorded, self.amounts)
        return recorded

    def with_missing(self) -> dict[Errors, Array]:
        """Return the recorded and the missing impact by the errors that they carry."""
        whole = self.by_errors
        _add_apart(whole, self.missing)
        return whole


def add_up(into: dict[Errors, Array], more: Mapping[Errors, Array]) -> None:
    """Add amounts to those that carry the same errors."""
    for errors, amount in more.items():
        into[errors] = into.get(errors, 0.0) + amount


def _add_apart(into: dict[Errors, Array], amounts: Amounts) -> None:
    for errors, together in amounts.items():
        add_up(into, dict(zip(errors, together, strict=True)))


def group_totals(
    cohorts: Iterable[tuple[DeviceFootprints, MissingTime]],
    p: int,
    group_by: GroupBy | None,
    below: str | None,
    controlled: bool = False,
) -> dict[str, GroupTotal]:
    """Return the totals of cohorts by group; `below` as in `unit_below`.

    Where they are disclosure `controlled`, a group has no embodied impact alone in a period: it is among that
    of the small groups.
    """
    pairs = list(cohorts)
    totals: dict[str, GroupTotal] = {}
    for cohort, missing in pairs:
        parts = contributions(cohort, missing, group_by, below)
        _CohortAdder(totals, p, cohort).add(list(parts))
    if not controlled or group_by in (None, "stage", "component", "power_source"):
        return totals
    alone = {name: total.expected_s <= 0 for name, total in totals.items() if name != SMALL}
    if not any(periods.any() for periods in alone.values()):
        return totals
    apart: dict[str, GroupTotal] = {}
    for cohort, missing in pairs:
        parts = (
            each for part in contributions(cohort, missing, group_by, below) for each in _apart(part, alone)
        )
        _CohortAdder(apart, p, cohort).add(list(parts))
    return apart


def _apart(part: Contribution, alone: Mapping[str, Flags]) -> Iterator[Contribution]:
    """A contribution to groups (n,), without the periods in which these have embodied impact alone; and what
    it is in these, to the small groups.
    """
    groups = [part.group] if isinstance(part.group, str) else part.group
    never = np.zeros_like(next(iter(alone.values())))
    moved = np.array([alone.get(group, never) for group in groups])
    if part.energy_j is not None or part.value is None or not moved.any():
        yield part
        return
    yield part.times(~moved)
    yield replace(part.times(moved), group=SMALL)


class _CohortAdder:
    """Adds the contributions of one cohort to totals."""

    def __init__(self, totals: dict[str, GroupTotal], p: int, cohort: DeviceFootprints) -> None:
        self._totals, self._p, self._cohort = totals, p, cohort
        self._device_groups: tuple[list[str], Array] | None = None

    def add(self, parts: Sequence[Contribution]) -> None:
        """Add contributions of the same devices; a device's time counts once in each group."""
        timed: dict[str, Array] = {}
        for part in parts:
            names, weights = self._groups(part)
            for name, row in zip(names, weights, strict=True):
                timed[name] = np.maximum(timed[name], row) if name in timed else row
            self._add(part, names, weights)
        for name, row in timed.items():
            total = self._total(name)
            covered_s, expected_s, devices = (row @ self._cohort.times).reshape(3, self._p)
            total.covered_s += covered_s
            total.expected_s += expected_s
            total.devices += devices
            total.simulated.update(self._cohort.simulated[row > 0].tolist())

    def _total(self, name: str) -> GroupTotal:
        if name not in self._totals:
            self._totals[name] = GroupTotal(self._p)
        return self._totals[name]

    def _groups(self, part: Contribution) -> tuple[list[str], Array]:
        """Names of u groups, and which devices belong to each (u, n), as 0 or 1."""
        if isinstance(part.group, str):
            members = np.ones(len(self._cohort.devices)) if part.members is None else part.members
            return [part.group], np.asarray(members, np.float64)[None]
        if self._device_groups is None:
            names = list(dict.fromkeys(part.group))
            at = {name: i for i, name in enumerate(names)}
            weights = np.zeros((len(names), len(part.group)))
            weights[[at[name] for name in part.group], np.arange(len(part.group))] = 1.0
            self._device_groups = names, weights
        return self._device_groups

    def _add(self, part: Contribution, names: Sequence[str], weights: Array) -> None:
        totals = [self._total(name) for name in names]
        sums = partial(_summed, totals, weights)
        for total in totals:
            total.absent |= part.absent
        if part.energy_j is not None:
            for total, energy_j in sums(part.energy_j):
                total.energy_j += energy_j
                total.known_j += 0.0 if part.measured_j is None else energy_j
        if part.measured_j is not None:
            for total, measured_j in sums(part.measured_j):
                total.measured_j += measured_j
        if part.value is not None:
            for total, value in sums(part.value):
                total.value = value + (0.0 if total.value is None else total.value)
        errors = tuple(part.by_errors)
        for total, amount in zip(totals, _summed_by_errors(weights, part.by_errors), strict=True):
            total.amounts[errors] = total.amounts.get(errors, 0.0) + amount
        for tier, energies_j in part.tier_j.items():
            key = (self._cohort.device.zone, tier)
            for total, energy_j in sums(energies_j):
                total.tier_j[key] = energy_j + total.tier_j.get(key, 0.0)
        if part.missing is not None:
            _add_missing(part.missing, totals, weights)


def _summed(
    totals: Sequence[GroupTotal], weights: Array, amounts: Array
) -> Iterator[tuple[GroupTotal, Array]]:
    """Each total with its sum (p,) of the devices' amounts (n, p)."""
    return zip(totals, weights @ amounts, strict=True)


def _summed_by_errors(weights: Array, by_errors: Mapping[Errors, Array]) -> Array:
    """Sums of u groups by k errors and period (u, k, p), of the devices' amounts by each (n, p)."""
    if not by_errors:
        return np.zeros((len(weights), 0, 1))
    together = np.stack(list(by_errors.values()), axis=1)
    n, k, p = together.shape
    return (weights @ together.reshape(n, k * p)).reshape(len(weights), k, p)


def _add_missing(missing: StandInUse, totals: Sequence[GroupTotal], weights: Array) -> None:
    """Add the use that stands in for missing time."""
    for total, energy_j in _summed(totals, weights, missing.energy_j):
        total.missing_j += energy_j
    for total, unknown in _summed(totals, weights, missing.unknown.astype(np.float64)):
        total.unknown |= unknown > 0
    errors = tuple(missing.by_errors)
    for total, amount in zip(totals, _summed_by_errors(weights, missing.by_errors), strict=True):
        total.missing[errors] = total.missing.get(errors, 0.0) + amount
        total.missing_value += amount.sum(axis=0)

"""What devices add to the groups of an answer, and the sums of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from parcimetre_factors.criteria import Stage

from ..base.org_path import SMALL
from .contributions import Amounts, Contribution, GroupBy, Members, contributions
from .device_footprints import DeviceFootprints
from .energy_use import Array
from .extrapolation import MissingTime, StandInUse
from .hardware_model import Errors


@dataclass
class GroupTotal:
    """The sum of what devices add to one group, by period (p,).

    Amounts that come together stay together: by k errors (k, p).
    """

    p: int
    value: Array | None = None
    amounts: Amounts = field(default_factory=dict)
    absent: set[Stage] = field(default_factory=set)
    simulated: set[bool] = field(default_factory=set)
    missing: Amounts = field(default_factory=dict)
    tier_j: dict[tuple[str, str], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from nothing."""
        self.energy_j, self.measured_j = np.zeros(self.p), np.zeros(self.p)
        self.covered_s, self.expected_s = np.zeros(self.p), np.zeros(self.p)
        self.missing_j, self.missing_value = np.zeros(self.p), np.zeros(self.p)
        self.untold = np.zeros(self.p, dtype=np.bool_)
        self.devices = np.zeros(self.p)

    def grid_tiers(self, i: int) -> dict[str, dict[str, float]]:
        """Shares of a period's electricity by grid zone and tier."""
        found: dict[str, dict[str, float]] = {}
        whole = sum(float(energy_j[i]) for energy_j in self.tier_j.values())
        for (zone, tier), energy_j in sorted(self.tier_j.items()):
            if energy_j[i] > 0:
                found.setdefault(zone, {})[tier] = float(energy_j[i]) / whole
        return found

    @property
    def by_errors(self) -> dict[Errors, Array]:
        """What was recorded, by the errors that it carries."""
        found: dict[Errors, Array] = {}
        _add_apart(found, self.amounts)
        return found

    def with_missing(self) -> dict[Errors, Array]:
        """What was recorded and what is missing, by the errors that they carry."""
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
    figures: Iterable[tuple[DeviceFootprints, MissingTime]],
    p: int,
    group_by: GroupBy | None,
    below: str | None,
    small: frozenset[str] = frozenset(),
) -> dict[str, GroupTotal]:
    """The groups of some figures, the `small` ones as one; `below` names the org unit whose children are
    the org units.
    """
    tallies: dict[str, GroupTotal] = {}
    for figure, missing in figures:
        shares = contributions(figure, missing, group_by, below)
        _Adding(tallies, p, figure).add([_renamed(share, small) if small else share for share in shares])
    return tallies


def _renamed(share: Contribution, small: frozenset[str]) -> Contribution:
    """The same share, of the small groups if it belongs to one of them."""
    if isinstance(share.group, str):
        return replace(share, group=SMALL) if share.group in small else share
    return replace(share, group=[SMALL if group in small else group for group in share.group])


def members_of(
    figures: Sequence[tuple[DeviceFootprints, MissingTime]], group_by: GroupBy | None, below: str | None
) -> dict[str, Members]:
    """Which of all n devices add anything to each group (n,); to org units they belong in any case."""
    found: dict[str, Members] = {}
    n, at = sum(len(figure.devices) for figure, _ in figures), 0
    for figure, missing in figures:
        size = len(figure.devices)
        for share in contributions(figure, missing, group_by, below):
            belongs = share.matters(size) if group_by != "org_unit" else np.ones(size, np.bool_)
            groups = [share.group] * size if isinstance(share.group, str) else share.group
            for i in np.flatnonzero(belongs).tolist():
                found.setdefault(groups[i], np.zeros(n, np.bool_))[at + i] = True
        at += size
    return found


class _Adding:
    """Adds the shares of devices that are alike to tallies."""

    def __init__(self, tallies: dict[str, GroupTotal], p: int, figure: DeviceFootprints) -> None:
        self._tallies, self._p, self._figure = tallies, p, figure
        self._one_by_one: tuple[list[str], Array] | None = None

    def add(self, shares: Sequence[Contribution]) -> None:
        """Add shares of the same devices; the time of a device counts once in each group."""
        timed: dict[str, Array] = {}
        for share in shares:
            names, weights = self._groups(share)
            for name, row in zip(names, weights, strict=True):
                timed[name] = np.maximum(timed[name], row) if name in timed else row
            self._add(share, names, weights)
        for name, row in timed.items():
            tally = self._tally(name)
            covered_s, expected_s, devices = (row @ self._figure.times).reshape(3, self._p)
            tally.covered_s += covered_s
            tally.expected_s += expected_s
            tally.devices += devices
            tally.simulated.update(self._figure.simulated[row > 0].tolist())

    def _tally(self, name: str) -> GroupTotal:
        if name not in self._tallies:
            self._tallies[name] = GroupTotal(self._p)
        return self._tallies[name]

    def _groups(self, share: Contribution) -> tuple[list[str], Array]:
        """Names of u groups, and which devices belong to each (u, n), as 0 or 1."""
        if isinstance(share.group, str):
            members = np.ones(len(self._figure.devices)) if share.members is None else share.members
            return [share.group], np.asarray(members, np.float64)[None]
        if self._one_by_one is None:
            names = list(dict.fromkeys(share.group))
            at = {name: i for i, name in enumerate(names)}
            weights = np.zeros((len(names), len(share.group)))
            weights[[at[name] for name in share.group], np.arange(len(share.group))] = 1.0
            self._one_by_one = names, weights
        return self._one_by_one

    def _add(self, share: Contribution, names: Sequence[str], weights: Array) -> None:
        tallies = [self._tally(name) for name in names]
        sums = partial(_summed, tallies, weights)
        for tally in tallies:
            tally.absent |= share.absent
        if share.energy_j is not None and share.measured_j is not None:
            for tally, energy_j in sums(share.energy_j):
                tally.energy_j += energy_j
            for tally, measured_j in sums(share.measured_j):
                tally.measured_j += measured_j
        if share.value is not None:
            for tally, value in sums(share.value):
                tally.value = value + (0.0 if tally.value is None else tally.value)
        errors = tuple(share.by_errors)
        for tally, amount in zip(tallies, _summed_together(weights, share.by_errors), strict=True):
            tally.amounts[errors] = tally.amounts.get(errors, 0.0) + amount
        for tier, energies_j in share.tier_j.items():
            key = (self._figure.device.zone, tier)
            for tally, energy_j in sums(energies_j):
                tally.tier_j[key] = energy_j + tally.tier_j.get(key, 0.0)
        if share.missing is not None:
            _miss(share.missing, tallies, weights)


def _summed(
    tallies: Sequence[GroupTotal], weights: Array, amounts: Array
) -> Iterator[tuple[GroupTotal, Array]]:
    """Each tally with its sum of what devices add (n, p)."""
    return zip(tallies, weights @ amounts, strict=True)


def _summed_together(weights: Array, by_errors: Mapping[Errors, Array]) -> Array:
    """Sums of u groups by k errors and period (u, k, p), of what devices add by each (n, p)."""
    if not by_errors:
        return np.zeros((len(weights), 0, 1))
    together = np.stack(list(by_errors.values()), axis=1)
    n, k, p = together.shape
    return (weights @ together.reshape(n, k * p)).reshape(len(weights), k, p)


def _miss(missing: StandInUse, tallies: Sequence[GroupTotal], weights: Array) -> None:
    for tally, energy_j in _summed(tallies, weights, missing.energy_j):
        tally.missing_j += energy_j
    for tally, untold in _summed(tallies, weights, missing.untold.astype(np.float64)):
        tally.untold |= untold > 0
    errors = tuple(missing.by_errors)
    for tally, amount in zip(tallies, _summed_together(weights, missing.by_errors), strict=True):
        tally.missing[errors] = tally.missing.get(errors, 0.0) + amount
        tally.missing_value += amount.sum(axis=0)

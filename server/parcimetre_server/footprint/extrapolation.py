"""Extrapolation: the use of time without a record, had it been like the time with one.

A device's own record stands in for its missing time where it covers enough of it, else the record of the
devices of its category, else that of all. Each has an error of its own, added to those of the footprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .device_footprints import DeviceFootprints, ShownAs
from .energy_use import Array
from .hardware_model import Errors

ENOUGH = 0.1
OWN_ERROR, CATEGORY_ERROR, FLEET_ERROR = "coverage.own", "coverage.category", "coverage.fleet"


@dataclass
class RecordedUse:
    """Recorded use over all periods: energy in J and impact by power source (r,), and seconds covered.

    Of n devices apart the arrays are (r, n) and the seconds (n,).
    """

    energy_j: Array | float = 0.0
    by_errors: dict[Errors, Array] = field(default_factory=dict)
    covered_s: Array | float = 0.0
    expected_s: Array | float = 0.0

    def add(self, other: RecordedUse) -> None:
        """Add the use of other devices, summed over them."""
        self.energy_j = self.energy_j + _by_source(other.energy_j)
        self.covered_s = self.covered_s + np.sum(other.covered_s)
        self.expected_s = self.expected_s + np.sum(other.expected_s)
        for errors, amount in other.by_errors.items():
            self.by_errors[errors] = self.by_errors.get(errors, 0.0) + _by_source(amount)

    def select(self, rows: NDArray[np.intp]) -> RecordedUse:
        """Return the use of some of the devices, where it is by device."""
        if np.ndim(self.covered_s) == 0:
            return self
        return RecordedUse(
            np.asarray(self.energy_j)[:, rows],
            {errors: amount[:, rows] for errors, amount in self.by_errors.items()},
            np.asarray(self.covered_s)[rows],
            np.asarray(self.expected_s)[rows],
        )


def _by_source(amount: Array | float) -> Array:
    """Amounts of all devices together (r,)."""
    whole = np.asarray(amount)
    summed: Array = whole.reshape(len(whole), -1).sum(axis=1)
    return summed


@dataclass(frozen=True)
class StandIn:
    """Recorded use, the devices (n,) whose missing time it stands in for, and the factor of its error."""

    record: RecordedUse
    error: str
    devices: NDArray[np.bool_]


@dataclass(frozen=True)
class MissingTime:
    """Seconds without a record by device and period (n, p), and the records that stand in for them."""

    seconds: Array
    stand_ins: tuple[StandIn, ...]

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.seconds.any())

    def select(self, which: Sequence[int]) -> MissingTime:
        """Return the missing time of some of the devices."""
        rows = np.array(which, np.intp)
        stand_ins = (
            replace(stand_in, record=stand_in.record.select(rows), devices=stand_in.devices[rows])
            for stand_in in self.stand_ins
        )
        return MissingTime(self.seconds[rows], tuple(stand_ins))

    def has_energy_of(self, source: int) -> bool:
        """Whether any record has energy of a power source."""
        return any(np.asarray(stand_in.record.energy_j)[source].any() for stand_in in self.stand_ins)

    @cached_property
    def use_of_all_sources(self) -> StandInUse:
        """The use of all power sources in that time."""
        return self.use_of_sources(slice(None))

    def use_of_sources(self, sources: slice) -> StandInUse:
        """Return the use of some power sources in that time."""
        energy_j, by_errors = np.zeros_like(self.seconds), {}
        unknown = self.seconds > 0
        for stand_in in self.stand_ins:
            covered_s = np.where(stand_in.devices, stand_in.record.covered_s, 1.0)[..., None]
            share = np.where(stand_in.devices[..., None], self.seconds / covered_s, 0.0)
            energy_j += np.asarray(stand_in.record.energy_j)[sources].sum(axis=0)[..., None] * share
            for errors, amount in stand_in.record.by_errors.items():
                by_errors[*errors, stand_in.error] = amount[sources].sum(axis=0)[..., None] * share
            unknown &= ~stand_in.devices[..., None]
        return StandInUse(energy_j, by_errors, unknown)


@dataclass(frozen=True)
class StandInUse:
    """Missing energy in J, impact by its errors, and where no record stands in, each (n, p)."""

    energy_j: Array
    by_errors: Mapping[Errors, Array]
    unknown: NDArray[np.bool_]


def find_missing_time(cohorts: Iterable[DeviceFootprints]) -> list[MissingTime]:
    """Return the missing time of each cohort, in order."""
    recorded = [(cohort, _recorded_use(cohort)) for cohort in cohorts]
    categories: dict[str, RecordedUse] = {}
    fleet = RecordedUse()
    for cohort, own in recorded:
        categories.setdefault(cohort.device.category, RecordedUse()).add(own)
        fleet.add(own)
    return [_missing(cohort, own, categories[cohort.device.category], fleet) for cohort, own in recorded]


def missing_of_sums(cohorts: Sequence[DeviceFootprints]) -> list[MissingTime]:
    """Return the missing time of sums of blocks, in order, by what they are shown as.

    The record of all devices that are shown as the same stands in for their missing time where it covers
    enough of it, else that of all: what is extrapolated is a function of sums that are shown.
    """
    recorded = [(cohort, _recorded_use(cohort)) for cohort in cohorts]
    fleet = RecordedUse()
    times: dict[ShownAs, Array] = {}
    for cohort, own in recorded:
        fleet.add(own)
        for i, shown_as in enumerate(cohort.shown_as or ()):
            both = np.stack([cohort.covered_s[i], cohort.expected_s[i]])
            times[shown_as] = times.get(shown_as, np.zeros_like(both)) + both
    return [_missing_of_sums(cohort, own, times, fleet) for cohort, own in recorded]


def _missing_of_sums(
    cohort: DeviceFootprints, own: RecordedUse, times: dict[ShownAs, Array], fleet: RecordedUse
) -> MissingTime:
    """The missing time of one cohort; what a whole fleet's record stands in for counts at its first row."""
    if cohort.part == "embodied" or cohort.shown_as is None:
        return MissingTime(np.zeros_like(cohort.covered_s), ())
    whole = np.stack([times[shown_as] for shown_as in cohort.shown_as])
    covered_s, expected_s = whole.sum(axis=-1).T
    enough = np.asarray((covered_s > 0) & (covered_s >= ENOUGH * expected_s))
    seconds = np.maximum(whole[:, 1] - whole[:, 0], 0.0)
    for i in np.flatnonzero(~enough).tolist():
        times[cohort.shown_as[i]][1] = times[cohort.shown_as[i]][0]
    stand_ins = [StandIn(replace(own, covered_s=covered_s), OWN_ERROR, enough)]
    if fleet.covered_s > 0:
        stand_ins.append(StandIn(fleet, FLEET_ERROR, ~enough))
    return MissingTime(seconds, tuple(stand_in for stand_in in stand_ins if stand_in.devices.any()))


def _recorded_use(cohort: DeviceFootprints) -> RecordedUse:
    """The recorded use of each device of a cohort."""
    return RecordedUse(
        cohort.energy_j.sum(axis=-1),
        {errors: amount.sum(axis=-1) for errors, amount in cohort.use_by_errors.items()},
        cohort.covered_s.sum(axis=-1),
        cohort.expected_s.sum(axis=-1),
    )


def _missing(
    cohort: DeviceFootprints, own: RecordedUse, category: RecordedUse, fleet: RecordedUse
) -> MissingTime:
    seconds = np.maximum(cohort.expected_s - cohort.covered_s, 0.0)
    enough = np.asarray((own.covered_s > 0) & (own.covered_s >= ENOUGH * np.asarray(own.expected_s)))
    others = (category, CATEGORY_ERROR) if category.covered_s > 0 else (fleet, FLEET_ERROR)
    stand_ins = [StandIn(own, OWN_ERROR, enough)]
    if others[0].covered_s > 0:
        stand_ins.append(StandIn(*others, ~enough))
    return MissingTime(seconds, tuple(stand_in for stand_in in stand_ins if stand_in.devices.any()))

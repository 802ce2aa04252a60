"""What the time without a record would have taken, had it been like the time with one.

A device's own record stands for its missing time where there is enough of it, else that of the devices of
its category, else that of all. Each has an error of its own; it adds to those of the figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .device_footprints import DeviceFootprints
from .energy_use import Array
from .hardware_model import Errors

ENOUGH = 0.1
OWN_ERROR, CATEGORY_ERROR, FLEET_ERROR = "coverage.own", "coverage.category", "coverage.fleet"


@dataclass
class RecordedUse:
    """Use that was recorded, over all periods: energy in J and impact by rung (r,), and seconds covered.

    That of each of n devices has arrays (r, n) and seconds (n,).
    """

    energy_j: Array | float = 0.0
    by_errors: dict[Errors, Array] = field(default_factory=dict)
    covered_s: Array | float = 0.0
    expected_s: Array | float = 0.0

    def add(self, other: RecordedUse) -> None:
        """Add what others recorded, all of them together."""
        self.energy_j = self.energy_j + _by_rung(other.energy_j)
        self.covered_s = self.covered_s + np.sum(other.covered_s)
        self.expected_s = self.expected_s + np.sum(other.expected_s)
        for errors, amount in other.by_errors.items():
            self.by_errors[errors] = self.by_errors.get(errors, 0.0) + _by_rung(amount)

    def of(self, rows: NDArray[np.intp]) -> RecordedUse:
        """The same of some of the devices, where it is by device."""
        if np.ndim(self.covered_s) == 0:
            return self
        return RecordedUse(
            np.asarray(self.energy_j)[:, rows],
            {errors: amount[:, rows] for errors, amount in self.by_errors.items()},
            np.asarray(self.covered_s)[rows],
            np.asarray(self.expected_s)[rows],
        )


def _by_rung(amount: Array | float) -> Array:
    """Amounts of all devices together (r,)."""
    whole = np.asarray(amount)
    summed: Array = whole.reshape(len(whole), -1).sum(axis=1)
    return summed


@dataclass(frozen=True)
class StandIn:
    """A record, the devices (n,) whose missing time it stands for, and the factor of the error of that."""

    record: RecordedUse
    error: str
    devices: NDArray[np.bool_]


@dataclass(frozen=True)
class MissingTime:
    """Seconds without a record by device and period (n, p), and the records that stand for them."""

    seconds: Array
    stand_ins: tuple[StandIn, ...]

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.seconds.any())

    def of(self, which: Sequence[int]) -> MissingTime:
        """The same of some of the devices."""
        rows = np.array(which, np.intp)
        found = (
            replace(one, record=one.record.of(rows), devices=one.devices[rows]) for one in self.stand_ins
        )
        return MissingTime(self.seconds[rows], tuple(found))

    def tells(self, rung: int) -> bool:
        """Whether any record has energy of a rung."""
        return any(np.asarray(one.record.energy_j)[rung].any() for one in self.stand_ins)

    @cached_property
    def of_all_rungs(self) -> StandInUse:
        """What all rungs are taken to have used in that time."""
        return self.used(slice(None))

    def used(self, rungs: slice) -> StandInUse:
        """What these rungs are taken to have used in that time."""
        energy_j, by_errors = np.zeros_like(self.seconds), {}
        untold = self.seconds > 0
        for one in self.stand_ins:
            covered_s = np.where(one.devices, one.record.covered_s, 1.0)[..., None]
            share = np.where(one.devices[..., None], self.seconds / covered_s, 0.0)
            energy_j += np.asarray(one.record.energy_j)[rungs].sum(axis=0)[..., None] * share
            for errors, amount in one.record.by_errors.items():
                by_errors[*errors, one.error] = amount[rungs].sum(axis=0)[..., None] * share
            untold &= ~one.devices[..., None]
        return StandInUse(energy_j, by_errors, untold)


@dataclass(frozen=True)
class StandInUse:
    """Energy in J and impact by its errors that are missing, and where nothing can tell, by device and
    period (n, p).
    """

    energy_j: Array
    by_errors: Mapping[Errors, Array]
    untold: NDArray[np.bool_]


def find_missing_time(figures: Iterable[DeviceFootprints]) -> list[MissingTime]:
    """What is missing of the devices of each figure, in order."""
    known = [(figure, _own(figure)) for figure in figures]
    categories: dict[str, RecordedUse] = {}
    fleet = RecordedUse()
    for figure, own in known:
        categories.setdefault(figure.device.category, RecordedUse()).add(own)
        fleet.add(own)
    return [_missing(figure, own, categories[figure.device.category], fleet) for figure, own in known]


def _own(figure: DeviceFootprints) -> RecordedUse:
    """What each device recorded."""
    return RecordedUse(
        figure.energy_j.sum(axis=-1),
        {errors: amount.sum(axis=-1) for errors, amount in figure.use_by_errors.items()},
        figure.covered_s.sum(axis=-1),
        figure.expected_s.sum(axis=-1),
    )


def _missing(
    figure: DeviceFootprints, own: RecordedUse, category: RecordedUse, fleet: RecordedUse
) -> MissingTime:
    seconds = np.maximum(figure.expected_s - figure.covered_s, 0.0)
    enough = np.asarray((own.covered_s > 0) & (own.covered_s >= ENOUGH * np.asarray(own.expected_s)))
    others = (category, CATEGORY_ERROR) if category.covered_s > 0 else (fleet, FLEET_ERROR)
    found = [StandIn(own, OWN_ERROR, enough)]
    if others[0].covered_s > 0:
        found.append(StandIn(*others, ~enough))
    return MissingTime(seconds, tuple(one for one in found if one.devices.any()))

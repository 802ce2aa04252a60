"""What the time without a record would have taken, had it been like the time with one.

A device's own record stands for its missing time where there is enough of it, else that of the devices of
its category, else that of all. Each has an error of its own; it adds to those of the figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .figures import Array, DeviceFigure
from .profiles import Errors

ENOUGH = 0.1
OWN_ERROR, CATEGORY_ERROR, FLEET_ERROR = "coverage.own", "coverage.category", "coverage.fleet"


@dataclass
class Record:
    """Use that was recorded, over all periods: energy in J and impact by rung (r,), and seconds covered."""

    energy_j: Array | float = 0.0
    by_errors: dict[Errors, Array] = field(default_factory=dict)
    covered_s: float = 0.0
    expected_s: float = 0.0

    def add(self, other: Record) -> None:
        """Add what others recorded."""
        self.energy_j = self.energy_j + other.energy_j
        self.covered_s += other.covered_s
        self.expected_s += other.expected_s
        for errors, amount in other.by_errors.items():
            self.by_errors[errors] = self.by_errors.get(errors, 0.0) + amount


@dataclass(frozen=True)
class Missing:
    """A device's seconds without a record by period (p,), the record that stands for them, if any, and the
    factor of its error.
    """

    seconds: Array
    record: Record | None
    error: str

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.seconds.any())

    def used(self, rungs: slice) -> Used:
        """What these rungs are taken to have used in that time."""
        if self.record is None:
            nothing = np.zeros_like(self.seconds)
            return Used(nothing, {}, self.seconds > 0)
        share = self.seconds / self.record.covered_s
        energy_j = np.sum(np.asarray(self.record.energy_j)[rungs]) * share
        by_errors = {
            (*errors, self.error): amount[rungs].sum() * share
            for errors, amount in self.record.by_errors.items()
        }
        return Used(energy_j, by_errors, np.zeros_like(share, dtype=np.bool_))


@dataclass(frozen=True)
class Used:
    """Energy in J and impact by its errors that are missing, and where nothing can tell, by period (p,)."""

    energy_j: Array
    by_errors: Mapping[Errors, Array]
    untold: NDArray[np.bool_]


def missing(figures: Iterable[DeviceFigure]) -> list[Missing]:
    """What is missing of each device, in order."""
    known = [(figure, _own(figure)) for figure in figures]
    categories: dict[str, Record] = {}
    fleet = Record()
    for figure, own in known:
        categories.setdefault(figure.device.category, Record()).add(own)
        fleet.add(own)
    return [_missing(figure, own, categories[figure.device.category], fleet) for figure, own in known]


def _own(figure: DeviceFigure) -> Record:
    """What one device recorded."""
    return Record(
        figure.energy_j.sum(axis=1),
        {errors: amount.sum(axis=1) for errors, amount in figure.use_by_errors.items()},
        float(figure.covered_s.sum()),
        float(figure.expected_s.sum()),
    )


def _missing(figure: DeviceFigure, own: Record, category: Record, fleet: Record) -> Missing:
    seconds = np.maximum(figure.expected_s - figure.covered_s, 0.0)
    if own.covered_s > 0 and own.covered_s >= ENOUGH * own.expected_s:
        return Missing(seconds, own, OWN_ERROR)
    if category.covered_s > 0:
        return Missing(seconds, category, CATEGORY_ERROR)
    return Missing(seconds, fleet if fleet.covered_s > 0 else None, FLEET_ERROR)

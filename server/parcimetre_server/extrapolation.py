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
from .store import DeviceId

ENOUGH = 0.1
OWN_ERROR, CATEGORY_ERROR, FLEET_ERROR = "coverage.own", "coverage.category", "coverage.fleet"


@dataclass
class Record:
    """Use that was recorded, over all periods: energy in J and impact by rung (r,), and seconds covered."""

    energy_j: Array | float = 0.0
    by_errors: dict[Errors, Array] = field(default_factory=dict)
    covered_s: float = 0.0
    expected_s: float = 0.0

    def add(self, figure: DeviceFigure) -> None:
        """Add what one device recorded."""
        self.energy_j = self.energy_j + figure.energy_j.sum(axis=1)
        self.covered_s += float(figure.covered_s.sum())
        self.expected_s += float(figure.expected_s.sum())
        for errors, amount in figure.use_by_errors.items():
            self.by_errors[errors] = self.by_errors.get(errors, 0.0) + amount.sum(axis=1)


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


def missing(figures: Iterable[DeviceFigure]) -> dict[DeviceId, Missing]:
    """What is missing of each device."""
    known = list(figures)
    categories: dict[str, Record] = {}
    fleet = Record()
    for figure in known:
        categories.setdefault(figure.device.category, Record()).add(figure)
        fleet.add(figure)
    return {figure.device.id: _missing(figure, categories[figure.device.category], fleet) for figure in known}


def _missing(figure: DeviceFigure, category: Record, fleet: Record) -> Missing:
    seconds = np.maximum(figure.expected_s - figure.covered_s, 0.0)
    own = Record()
    own.add(figure)
    if own.covered_s > 0 and own.covered_s >= ENOUGH * own.expected_s:
        return Missing(seconds, own, OWN_ERROR)
    if category.covered_s > 0:
        return Missing(seconds, category, CATEGORY_ERROR)
    return Missing(seconds, fleet if fleet.covered_s > 0 else None, FLEET_ERROR)

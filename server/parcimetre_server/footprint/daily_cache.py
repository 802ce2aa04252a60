"""Sums of days that were computed before, in memory, each with all that it rests on.

A sum is found again by the hardware's profile (so by the factor set), the criterion, the day and a digest of
the grid's intensity on it; it holds for a device while its records cover as many seconds as they did then.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.grid.intensity import GridSlots

from ..store.records import DeviceId

if TYPE_CHECKING:  # the collector holds what is kept, and these know the collector
    from .energy_use import EnergyUse
    from .hardware_model import Errors, HardwareModel

Array = NDArray[np.float64]

MOST_BYTES = 160 * 2**20
DEVICE_BYTES = 128  # its place, version and seconds
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class DayKey:
    """What a day's sums rest on beside the devices' records; `profile` is an identity.

    Up to `hourly` sums of hours are read, up to `daily` sums of days: seconds UTC within the day.
    """

    profile: int
    criterion: Criterion
    begin: int
    end: int
    grid: bytes
    hourly: int
    daily: int


@dataclass(frozen=True)
class DailyTotals:
    """What n devices of a profile used on a day, by the rungs that occur (k, n), and covered seconds (n,).

    `at` says where a device stands.

    `version` (n,) are the seconds that the records covered when the sums were made.
    """

    profile: HardwareModel
    ids: tuple[DeviceId, ...]
    at: Mapping[DeviceId, int]
    version: NDArray[np.int64]
    rungs: Rows
    energy_j: Array
    measured_j: Array
    covered_s: Array
    by_errors: Mapping[Errors, Array]
    tier_j: Mapping[str, Array]

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        arrays = [self.energy_j, self.measured_j, *self.by_errors.values(), *self.tier_j.values()]
        return len(self.ids) * DEVICE_BYTES + sum(array.nbytes for array in arrays)


class DailyCache:
    """The sums used last, up to MOST_BYTES; its methods may be called from any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep nothing yet."""
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[DayKey, DailyTotals] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: DayKey) -> DailyTotals | None:
        """The sums of a day, if they are kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: DayKey, made: DailyTotals) -> None:
        """Keep the sums of a day in the place of those that were kept of it."""
        with self._lock:
            before = self._kept.pop(key, None)
            self._kept[key] = made
            self._bytes += made.bytes - (before.bytes if before else 0)
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].bytes

    @property
    def bytes(self) -> int:
        """About how much memory is taken."""
        return self._bytes


def daily_totals(
    profile: HardwareModel,
    ids: tuple[DeviceId, ...],
    version: NDArray[np.int64],
    of_days: EnergyUse,
    day: int,
) -> DailyTotals:
    """One day of what devices used by day."""
    rungs = np.flatnonzero(of_days.energy_j[:, :, day].any(axis=1))

    def cut(by_rung: Array) -> Array:
        """That day, and the rungs that occur (k, n)."""
        return np.ascontiguousarray(by_rung[:, :, day][rungs])

    return DailyTotals(
        profile, ids, {device: i for i, device in enumerate(ids)}, version, rungs,
        cut(of_days.energy_j), cut(of_days.measured_j), of_days.covered_s[:, day].copy(),
        {errors: kept for errors, amount in of_days.by_errors.items() if (kept := cut(amount)).any()},
        {tier: kept for tier, energy_j in of_days.tier_j.items() if (kept := cut(energy_j)).any()},
    )  # fmt: skip


def digest(slots: GridSlots | None, first: int, last: int) -> bytes:
    """Of the intensity between two slots, by errors and tier."""
    told = blake2b(digest_size=16)
    if slots is not None:
        told.update(slots.tier[first:last].tobytes())
        for errors, kg_per_kwh in slots.parts.items():
            told.update(repr(errors).encode())
            told.update(np.ascontiguousarray(kg_per_kwh[first:last]).tobytes())
    return told.digest()

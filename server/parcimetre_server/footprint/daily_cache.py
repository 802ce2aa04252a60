"""Daily totals that were computed before, in memory, keyed by everything they depend on.

A total is found again by the hardware model (so by the factor set), the criterion, the day and a digest of
the grid's intensity on it; it counts for a device while its records cover as many seconds as they did then.
Readers of all scopes share them: a query takes from a day's totals only the devices that its reader may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.grid.intensity import GridSlots

from ..base.cache import Cache
from ..store.records import DeviceId
from .energy_use import EnergyUse
from .hardware_model import Errors, HardwareModel

Array = NDArray[np.float64]

DEVICE_BYTES = 128  # its place, version and seconds
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class DayKey:
    """What a day's totals depend on beside the devices' records.

    Sums of hours are read up to `hourly`, sums of days up to `daily`: seconds UTC within the day.
    """

    model: HardwareModel
    criterion: Criterion
    begin: int
    end: int
    grid: bytes
    hourly: int
    daily: int


@dataclass(frozen=True)
class DailyTotals:
    """Use of n devices of one hardware model on a day, by the k power sources that occur.

    Energy in J and impacts are (k, n), covered seconds (n,); `row_of` is where a device stands among the n.
    `version` (n,) are the seconds that the records covered when the totals were computed.
    """

    ids: tuple[DeviceId, ...]
    row_of: Mapping[DeviceId, int]
    version: NDArray[np.int64]
    sources: Rows
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

    def rows(self, ids: tuple[DeviceId, ...], version: NDArray[np.int64]) -> Rows:
        """Return where each device stands (n,); -1 where it is missing or its records cover more by now."""
        if self.ids == ids:
            rows = np.arange(len(ids), dtype=np.intp)
        else:
            rows = np.array([self.row_of.get(device, -1) for device in ids], np.intp)
        valid: Rows = np.where((rows >= 0) & (self.version[rows] == version), rows, -1)
        return valid

    def of(self, rows: Rows) -> DailyTotals:
        """Return the totals of some devices, without their ids and versions."""
        if len(rows) == len(self.ids) and np.array_equal(rows, np.arange(len(rows))):
            return self
        return replace(
            self,
            energy_j=self.energy_j[:, rows],
            measured_j=self.measured_j[:, rows],
            covered_s=self.covered_s[rows],
            by_errors={errors: amount[:, rows] for errors, amount in self.by_errors.items()},
            tier_j={tier: energy_j[:, rows] for tier, energy_j in self.tier_j.items()},
        )

    def with_newer(self, newer: DailyTotals) -> DailyTotals:
        """Return these totals with newer ones, which replace those of the same devices."""
        ids = self.ids + tuple(device for device in newer.ids if device not in self.row_of)
        row_of = self.row_of if len(ids) == len(self.ids) else _row_of(ids)
        sources, before = np.union1d(self.sources, newer.sources), len(self.ids)
        rows = np.array([row_of[device] for device in newer.ids], np.intp)

        def both(old: Array | None, new: Array | None) -> Array:
            """Return both by source and device (k, n)."""
            joined = np.zeros((len(sources), len(ids)))
            if old is not None:
                joined[np.searchsorted(sources, self.sources), :before] = old
            joined[:, rows] = 0.0
            if new is not None:
                joined[np.ix_(np.searchsorted(sources, newer.sources), rows)] = new
            return joined

        covered_s, version = np.zeros(len(ids)), np.zeros(len(ids), np.int64)
        covered_s[:before], version[:before] = self.covered_s, self.version
        covered_s[rows], version[rows] = newer.covered_s, newer.version
        errors, tiers = {**self.by_errors, **newer.by_errors}, {**self.tier_j, **newer.tier_j}
        return DailyTotals(
            ids, row_of, version, sources, both(self.energy_j, newer.energy_j),
            both(self.measured_j, newer.measured_j), covered_s,
            {key: both(self.by_errors.get(key), newer.by_errors.get(key)) for key in errors},
            {key: both(self.tier_j.get(key), newer.tier_j.get(key)) for key in tiers},
        )  # fmt: skip


DailyCache = Cache[DayKey, DailyTotals]


def totals_of_day(
    ids: tuple[DeviceId, ...], version: NDArray[np.int64], use_by_day: EnergyUse, day: int
) -> DailyTotals:
    """Return one day of what n devices used by day."""
    sources = np.flatnonzero(use_by_day.energy_j[:, :, day].any(axis=1))

    def cut(by_source: Array) -> Array:
        """Return that day, and the sources that occur (k, n)."""
        return np.ascontiguousarray(by_source[:, :, day][sources])

    by_errors = {errors: cut(amount) for errors, amount in use_by_day.by_errors.items()}
    tier_j = {tier: cut(energy_j) for tier, energy_j in use_by_day.tier_j.items()}
    return DailyTotals(
        ids, _row_of(ids), version, sources, cut(use_by_day.energy_j), cut(use_by_day.measured_j),
        use_by_day.covered_s[:, day].copy(),
        {errors: amount for errors, amount in by_errors.items() if amount.any()},
        {tier: energy_j for tier, energy_j in tier_j.items() if energy_j.any()},
    )  # fmt: skip


def _row_of(ids: tuple[DeviceId, ...]) -> dict[DeviceId, int]:
    return {device: row for row, device in enumerate(ids)}


def intensity_digest(slots: GridSlots | None, first: int, last: int) -> bytes:
    """Return a digest of the grid's intensity between two slots, by errors and tier."""
    digest = blake2b(digest_size=16)
    if slots is not None:
        digest.update(slots.tier[first:last].tobytes())
        for errors, kg_per_kwh in slots.parts.items():
            digest.update(repr(errors).encode())
            digest.update(np.ascontiguousarray(kg_per_kwh[first:last]).tobytes())
    return digest.digest()

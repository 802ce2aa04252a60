"""What was measured in each slot, as arrays: the input of the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLOT_S = 900
DECILES = 10

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredEnergy:
    """One energy counter over all slots of an Activity; zero seconds where it said nothing.

    `energy_j` and `duration_s` have shape (n,).
    """

    source: str
    scope: str
    quality: str
    energy_j: NDArray[np.float64]
    duration_s: Seconds


@dataclass(frozen=True)
class Activity:
    """Slots of one device that have a record, in order of time.

    `start` is (n,) seconds UTC; the states are (n,) seconds, `load_deciles_s` is (n, 10) seconds.
    Seconds that no state covers are unknown.
    """

    start: NDArray[np.int64]
    display_on_s: Seconds
    display_off_s: Seconds
    asleep_s: Seconds
    off_s: Seconds
    load_deciles_s: Seconds
    measured: tuple[MeasuredEnergy, ...] = ()

    @property
    def awake_s(self) -> Seconds:
        """Seconds awake, shape (n,)."""
        return self.display_on_s + self.display_off_s

    @property
    def loaded_s(self) -> Seconds:
        """Seconds whose load is known, shape (n,)."""
        loaded_s: Seconds = self.load_deciles_s @ np.ones(DECILES)
        return loaded_s

    @property
    def covered_s(self) -> Seconds:
        """Seconds with a known state, shape (n,)."""
        return self.awake_s + self.asleep_s + self.off_s

"""Calibration of a model's power by its battery sessions: the ratio of measured to modelled power.

On battery the whole device is counted; brought to the wall by its supply's efficiency, that is what it
would take plugged in at the same load. The ratio is the geometric mean over devices, and its error the
spread between them, as wide as so few devices ask for (Student). A calibration is a factor (PREFIX) that
an organisation lays over `client_power.csv`, and holds for its model alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

from ..activity import Activity
from ..explanation.term import Term, leaf, product
from ..hardware.description import Hardware
from ..tables.factor_set import Factor, FactorSet
from ..tables.product_names import normal_maker, normal_model
from .power_supply import SupplyEfficiency

TABLE, PREFIX = "client_power", "power.calibration."
FEWEST_DEVICES, FEWEST_HOURS, FEWEST_DEVICE_HOURS = 3, 20.0, 1.0
WHOLE_SLOT = 0.9
PLAUSIBLE = (0.2, 5.0)
HOUR_S = 3600.0
STUDENT = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
NORMAL = 1.960


@dataclass(frozen=True)
class BatterySession:
    """All time of a device on battery: what it took, at the wall, and what its model says, in J."""

    measured_j: float
    modelled_j: float
    seconds: float


@dataclass(frozen=True)
class Calibration:
    """Measured over modelled, with its 95 % range, and what it rests on."""

    ratio: float
    low: float
    high: float
    devices: int
    hours: float


def session(activity: Activity, modelled_j: NDArray[np.float64], supply: SupplyEfficiency) -> BatterySession:
    """A device's slots that its battery counted nearly whole; `modelled_j` (n,) is its model, awake.

    Slots that were partly asleep or off count no less: the battery counts while the device is awake.
    """
    counted = [c for c in activity.measured if c.scope == "battery" and c.quality == "measured"]
    if not counted:
        return BatterySession(0.0, 0.0, 0.0)
    energy_j = np.sum([c.energy_j for c in counted], axis=0)
    seconds = np.max([c.duration_s for c in counted], axis=0)
    whole = (activity.awake_s > 0) & (seconds >= WHOLE_SLOT * activity.awake_s) & (energy_j > 0)
    energy_j, seconds = energy_j[whole], seconds[whole]
    at_the_wall = energy_j / supply.at(energy_j / seconds)
    modelled = modelled_j[whole] * seconds / activity.awake_s[whole]
    return BatterySession(float(at_the_wall.sum()), float(modelled.sum()), float(seconds.sum()))


def calibrate(sessions: Iterable[BatterySession], supply_sd: float = 0.0) -> Calibration | None:
    """The ratio of one model from one session a device, or None where that is too little or not credible.

    Devices with less than an hour do not count; three and 20 hours are the fewest. `supply_sd` is that of ln
    of the supply's efficiency, an error which no number of devices makes smaller.
    """
    enough = [one for one in sessions if one.seconds >= FEWEST_DEVICE_HOURS * HOUR_S and one.modelled_j > 0]
    hours = math.fsum(one.seconds for one in enough) / HOUR_S
    if len(enough) < FEWEST_DEVICES or hours < FEWEST_HOURS:
        return None
    logs = sorted(math.log(one.measured_j / one.modelled_j) for one in enough)
    ratio, n = math.exp(fmean(logs)), len(logs)
    if not PLAUSIBLE[0] <= ratio <= PLAUSIBLE[1]:
        return None
    student = STUDENT[min(n - FEWEST_DEVICES, len(STUDENT) - 1)]
    spread = math.exp(math.hypot(student * stdev(logs) * math.sqrt(1 + 1 / n), NORMAL * supply_sd))
    return Calibration(ratio, ratio / spread, ratio * spread, n, hours)


def calibration_of(hardware: Hardware, factors: FactorSet) -> Factor | None:
    """The calibration of this very model, where the set has one."""
    if not hardware.maker or not hardware.model:
        return None
    own = (f for f in factors.table(TABLE) if f.id.startswith(PREFIX))
    return next((f for f in own if _key(*f.subject.split("|", 1)) == model_key(hardware)), None)


def model_key(hardware: Hardware) -> tuple[str, frozenset[str]]:
    """What devices of one model have in common: maker and the words of the name."""
    return _key(hardware.maker or "", hardware.model or "")


def _key(maker: str, model: str) -> tuple[str, frozenset[str]]:
    return normal_maker(maker), normal_model(model)


def calibrated(watts: Term, by: Factor) -> Term:
    """Watts times the ratio of a calibration."""
    ratio = leaf(
        "measured over modelled, on battery", by.value, "1", "factor", factor=by.id, detail=by.locator,
        tier="calibrated", note=by.note,
    )  # fmt: skip
    return product(watts.label, "W", (watts, ratio), detail=watts.detail, tier="calibrated")

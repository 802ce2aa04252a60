"""Read the power that a network device states of itself, at its inlet.

It is what RFC 7460 says of the stack or chassis, else what RFC 3433 sensors say of its supplies' inlets.
A sensor that may be of anything else is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .answers import Answers
from .time_in_state import Quality, StatedPower

SENSORS = "1.3.6.1.2.1.99.1.1.1"
SENSOR_TYPES, SENSOR_SCALES, SENSOR_PRECISIONS, SENSOR_VALUES, SENSOR_STATUSES = (
    f"{SENSORS}.{column}" for column in (1, 2, 3, 4, 5)
)
OBJECTS = "1.3.6.1.2.1.229.1.2.1"
OBJECT_POWERS, OBJECT_MULTIPLIERS, OBJECT_CALIBERS, OBJECT_CURRENTS = (
    f"{OBJECTS}.{column}" for column in (1, 3, 5, 6)
)
CHASSIS, SUPPLY, STACK = 3, 6, 11
WATTS, UNITS, WORKING = 6, 9, 1
QUALITY_OF: Mapping[int, Quality] = {3: "measured", 4: "vendor_estimate"}
DIRECT_CURRENT = 2
CEILING_W = 30_000.0
MOST_METERS = 16
INLET = re.compile(r"\binput\b", re.IGNORECASE)
POWER = "network.power"
UNMETERED = "the device does not report its power: the mean of its category is used"


@dataclass(frozen=True)
class PowerMeters:
    """Where a device states its power: the standard it follows, and the indexes that are added."""

    source: str
    indexes: Sequence[str]

    @property
    def oids(self) -> list[str]:
        """What is asked at every poll."""
        columns = (
            (OBJECT_POWERS, OBJECT_MULTIPLIERS, OBJECT_CALIBERS, OBJECT_CURRENTS)
            if self.source == "energy_object"
            else (SENSOR_VALUES, SENSOR_SCALES, SENSOR_PRECISIONS, SENSOR_STATUSES)
        )
        return [f"{column}.{index}" for index in self.indexes for column in columns]


def find_meters(powers: Answers, classes: Answers, sensors: Mapping[str, str]) -> PowerMeters | None:
    """Find where the device states its whole power; `sensors` are the names of those that count watts.

    None where a chassis or a supply is without a meter of its own: the others would pass for all.
    """
    stack = [index for index in of_class(classes, STACK) if index in powers]
    objects = stack[:1] or of_class(classes, CHASSIS)
    if 0 < len(objects) <= MOST_METERS and powers.keys() >= set(objects):
        return PowerMeters("energy_object", objects)
    inlets = [index for index, name in sensors.items() if INLET.search(name)]
    enough = max(1, len(of_class(classes, SUPPLY))) <= len(inlets) <= MOST_METERS
    return PowerMeters("entity_sensor", inlets) if enough else None


def of_class(classes: Answers, wanted: int) -> list[str]:
    """The indexes of the parts of a class in ENTITY-MIB."""
    return [index for index, kind in classes.items() if kind == wanted]


def stated_power(answers: Answers, found: PowerMeters | None) -> tuple[StatedPower | None, str]:
    """The device's power: the sum of its meters, and what is wrong with it; a missing part fails it."""
    if found is None:
        return None, ""
    read = _object if found.source == "energy_object" else _sensor
    parts = [read(answers, index) for index in found.indexes]
    stated = [part for part in parts if part is not None]
    if len(stated) < len(parts):
        return None, "a meter of the device does not report a value at present"
    power_w = sum(watts for watts, _ in stated)
    if not 0 < power_w <= CEILING_W or any(watts < 0 for watts, _ in stated):
        return None, f"the device reports a power of {power_w:g} W, which is impossible"
    worst: Quality = "measured" if all(quality == "measured" for _, quality in stated) else "vendor_estimate"
    return StatedPower(found.source, worst, power_w), ""


def _object(answers: Answers, index: str) -> tuple[float, Quality] | None:
    """Watts of an energy object and their quality; none of a nameplate or on direct current."""
    value = answers.get(f"{OBJECT_POWERS}.{index}")
    power_of_ten = answers.get(f"{OBJECT_MULTIPLIERS}.{index}")
    caliber = answers.get(f"{OBJECT_CALIBERS}.{index}")
    quality = QUALITY_OF.get(caliber) if isinstance(caliber, int) else None
    direct = answers.get(f"{OBJECT_CURRENTS}.{index}") == DIRECT_CURRENT
    if not isinstance(value, int) or quality is None or direct:
        return None
    exponent = power_of_ten if isinstance(power_of_ten, int) else 0
    return (value * 10.0**exponent, quality) if abs(exponent) <= 9 else None


def _sensor(answers: Answers, index: str) -> tuple[float, Quality] | None:
    """Watts of a sensor that works."""
    columns = (SENSOR_VALUES, SENSOR_SCALES, SENSOR_PRECISIONS, SENSOR_STATUSES)
    value, scale, precision, status = (answers.get(f"{column}.{index}") for column in columns)
    if not isinstance(value, int) or not isinstance(scale, int) or status != WORKING:
        return None
    exponent = 3 * (scale - UNITS) - (precision if isinstance(precision, int) else 0)
    return (value * 10.0**exponent, "measured") if abs(exponent) <= 18 else None

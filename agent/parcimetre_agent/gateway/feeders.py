"""Power that a network device or power unit takes for itself and gives to others in a round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import meters, taps
from .answers import Answers
from .device_identity import KnownDevice
from .outlet_energy import FeederState
from .power_units import KINDS as UNITS
from .time_in_state import StatedPower

KINDS = ("network", *UNITS)


def own_power(answers: Answers, known: KnownDevice) -> tuple[StatedPower | None, Mapping[str, str]]:
    """What it takes for itself, and what is wrong with that by the name of the sensor; "" is nothing.

    What a switch gives by PoE is part of what it takes; what passes a power unit is not.
    """
    if known.category in UNITS:
        kept, wrong = taps.own_power(answers, known.intake, known.taps)
        return kept, {taps.OWN: wrong}
    taken, wrong = meters.stated_power(answers, known.meters)
    return taken, {meters.POWER: wrong}


def given(
    answers: Answers, known: KnownDevice, feeding: FeederState, now_s: float
) -> list[tuple[int, dict[str, Any]]]:
    """What outlets or ports gave in the slots that ended, by start; `feeding` goes on to now."""
    said, wrong = taps.read_taps(answers, known.taps)
    if known.category in UNITS and known.meters is not None:
        total, sentence = meters.stated_power(answers, known.meters)
        said.update({} if total is None else taps.inlet_reading(total))
        wrong.update({"inlet": sentence} if sentence else {})
    feeding.add_readings(said, wrong, now_s)
    return [(start, {"rows": rows}) for start, rows in feeding.close(now_s)]

"""Read the power and energy of the outlets of a power unit, or of the ports of a PoE switch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..report import FeedScope, Quality
from .answers import Answers
from .time_in_state import StatedPower

OUTLETS, OWN = "feeder.outlets", "feeder.own"
OWN_SOURCE = "input_less_output"
CEILING_W: Mapping[FeedScope, float] = {"wall_ac": 50_000.0, "poe": 200.0}
MOST_STEPS = 2**64


@dataclass(frozen=True)
class Tap:
    """One metered outlet, port or total of a feeder: the OIDs of its power and energy, which are added.

    A step of the power is `watts` W, one of the energy counter `wh` Wh.
    """

    outlet: str
    source: str
    scope: FeedScope
    power: Sequence[str]
    watts: float
    energy: Sequence[str] = ()
    wh: float = 0.0


@dataclass(frozen=True)
class OutletReading:
    """The reading of an outlet at one time; `steps` are those of its energy counter, of `wh` Wh each."""

    source: str
    scope: FeedScope
    quality: Quality
    power_w: float | None
    steps: int | None = None
    wh: float = 0.0


def tap_oids(taps: Iterable[Tap]) -> list[str]:
    """What is asked at every poll."""
    return [oid for tap in taps for oid in (*tap.power, *tap.energy)]


def read_taps(answers: Answers, taps: Iterable[Tap]) -> tuple[dict[str, OutletReading], dict[str, str]]:
    """Return the reading of each outlet, and what is wrong with it, by its name."""
    said, wrong = {}, {}
    for tap in taps:
        power_w, steps = _power_w(answers, tap), _steps(answers, tap)
        if power_w is not None and not 0 <= power_w <= CEILING_W[tap.scope]:
            wrong[tap.outlet] = f"reports {power_w:g} W, which is impossible"
            power_w = None
        elif power_w is None and steps is None:
            wrong[tap.outlet] = "no longer reports its energy"
        if power_w is not None or steps is not None:
            said[tap.outlet] = OutletReading(tap.source, tap.scope, "measured", power_w, steps, tap.wh)
    return said, wrong


def inlet_reading(metered: StatedPower) -> dict[str, OutletReading]:
    """Return the total that a unit states by a standard, as its inlet's reading."""
    return {"inlet": OutletReading(metered.source, "wall_ac", metered.quality, metered.power_w)}


def own_power(answers: Answers, intake: Sequence[Tap], taps: Sequence[Tap]) -> tuple[StatedPower | None, str]:
    """What a unit keeps for itself: what it takes less what it gives, never below 0; and what is wrong.

    Nothing where either is not metered.
    """
    if not intake or not taps:
        return None, ""
    taken = [_power_w(answers, tap) for tap in intake]
    given = [_power_w(answers, tap) for tap in taps]
    known = [power_w for power_w in (*taken, *given) if power_w is not None]
    if len(known) < len(taken) + len(given):
        return None, "a meter of its input or output does not report its power"
    if any(not 0 <= power_w <= CEILING_W["wall_ac"] for power_w in known):
        return None, "a meter of its input or output reports an impossible value"
    kept_w = sum(known[: len(taken)]) - sum(known[len(taken) :])
    return StatedPower(OWN_SOURCE, "measured", max(0.0, kept_w)), ""


def _power_w(answers: Answers, tap: Tap) -> float | None:
    total = _sum(answers, tap.power)
    return None if total is None else total * tap.watts


def _steps(answers: Answers, tap: Tap) -> int | None:
    total = _sum(answers, tap.energy)
    return total if total is not None and 0 <= total < MOST_STEPS else None


def _sum(answers: Answers, oids: Sequence[str]) -> int | None:
    """The sum of whole numbers; None where one of them is missing, or there is none."""
    found = [value for value in map(answers.get, oids) if isinstance(value, int)]
    return sum(found) if found and len(found) == len(oids) else None

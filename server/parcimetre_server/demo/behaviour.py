"""Behaviour of a simulated device: states and load of each day, as arrays of slots.

A day depends on (seed, device, date) alone, so that any period can be made at any time and overlapping
periods agree. Days are those of the wall clock in Paris; slots are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES, SLOT_S

from .fleet import DemoDevice
from .habits import HOUR_S, Night

PARIS = ZoneInfo("Europe/Paris")
DAY_S = 86_400
LONGEST_ABSENCE = 14
PLAN_DRAWS = 12
NOISE_ROWS = 5
MOST_SLOTS = 100  # of the day on which the clock goes back
STATES = ("display_on", "display_off", "asleep", "off")
DISPLAY_ON, DISPLAY_OFF, ASLEEP, OFF = range(len(STATES))
NIGHT_STATE: dict[Night, int] = {"awake": DISPLAY_OFF, "asleep": ASLEEP, "off": OFF}
DISPLAY_TIMEOUT_S = 600
MIDDLES = (np.arange(DECILES) + 0.5) / DECILES

Array = NDArray[np.float64]
Seconds = NDArray[np.int64]
Span = tuple[int, int, int]  # state, first second, second after the last, from the start of the day


@dataclass(frozen=True)
class Plan:
    """What somebody does with a device on one day; times are seconds from the start of the day."""

    arrival_s: int
    leave_s: int
    pauses: tuple[tuple[int, int], ...]
    battery: tuple[int, int]
    night: Night


@dataclass(frozen=True)
class DemoDay:
    """One day of n slots: seconds by state (4, n), by load decile (n, 10), on battery (n,), uniform noise.

    `load` is the mean CPU load while awake, in [0, 1], shape (n,).
    """

    start: int
    states_s: Seconds
    deciles_s: Seconds
    battery_s: Seconds
    load: Array
    noise: Array

    @property
    def awake_s(self) -> Seconds:
        """Seconds awake in each slot."""
        awake_s: Seconds = self.states_s[DISPLAY_ON] + self.states_s[DISPLAY_OFF]
        return awake_s


def days(device: DemoDevice, first: int, last: int) -> Iterator[DemoDay]:
    """The days that hold at least one second of [first, last), in order."""
    day = datetime.fromtimestamp(first, PARIS).date() - timedelta(days=1)
    night = _night_before(device, day)
    while day_start(day) < last:
        drawn = _draws(device, day, PLAN_DRAWS + NOISE_ROWS * MOST_SLOTS)
        plan = _plan(device, day, drawn[:PLAN_DRAWS].tolist())
        if day_start(day + timedelta(days=1)) > first:
            yield _day(device, day, plan, night, drawn[PLAN_DRAWS:])
        night = night if plan is None else plan.night
        day += timedelta(days=1)


def _draws(device: DemoDevice, day: date, count: int) -> Array:
    """Uniform numbers of one device and day; asking for more does not change the first ones."""
    return np.random.default_rng((device.seed, device.index, day.toordinal())).random(count)


@lru_cache(maxsize=1000)
def day_start(day: date) -> int:
    """Second UTC at which a day starts: twelve hours before its noon, so that clock changes fall at night."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)
    return int(noon.timestamp()) - DAY_S // 2


def _night_before(device: DemoDevice, day: date) -> Night:
    """How the device was left before `day`, by whoever was last there."""
    for back in range(1, LONGEST_ABSENCE + 1):
        earlier = day - timedelta(days=back)
        plan = _plan(device, earlier, _draws(device, earlier, PLAN_DRAWS).tolist())
        if plan is not None:
            return plan.night
    return "off"


def _plan(device: DemoDevice, day: date, u: list[float]) -> Plan | None:
    """Today's plan, or None where nobody comes; `u` holds PLAN_DRAWS numbers in [0, 1)."""
    habits = device.habits
    if habits.always_on or day.weekday() >= 5 or u[0] > habits.presence:
        return None
    arrival_s = int(habits.arrival_s + (u[1] - 0.5) * HOUR_S)
    leave_s = int(habits.leave_s + (u[2] - 0.6) * 1.5 * HOUR_S)
    lunch_s = int((12 + 0.6 * u[3]) * HOUR_S)
    coffee_s = int((9.9 + 0.8 * u[4]) * HOUR_S)
    meeting_s = int((14 + 1.2 * u[5]) * HOUR_S)
    back_s = int(lunch_s + (0.75 + 0.6 * u[6]) * HOUR_S)
    pauses = (
        (coffee_s, coffee_s + int((10 + 15 * u[7]) * 60)),
        (lunch_s, back_s),
        (meeting_s, meeting_s + int(40 * 60 * u[8])),
    )
    battery_s = int(lunch_s - (0.5 + 1.5 * u[10]) * HOUR_S) if u[9] < habits.unplugged else lunch_s
    night: Night = "awake" if u[11] < habits.forgets else habits.night
    return Plan(arrival_s, leave_s, pauses, (battery_s, lunch_s), night)


def _spans(device: DemoDevice, plan: Plan | None, night: Night, length_s: int) -> Iterator[Span]:
    """The day as spans that touch and cover it whole."""
    before = DISPLAY_OFF if device.habits.always_on else NIGHT_STATE[night]
    if plan is None:
        yield before, 0, length_s
        return
    yield before, 0, plan.arrival_s
    pause = ASLEEP if device.habits.pauses_asleep else DISPLAY_OFF
    now = plan.arrival_s
    for start, end in plan.pauses:
        idle = start + DISPLAY_TIMEOUT_S
        if now < start and idle < end <= plan.leave_s:
            yield DISPLAY_ON, now, idle
            yield pause, idle, end
            now = end
    dark = plan.leave_s + (DISPLAY_TIMEOUT_S if plan.night == "awake" else 0)
    yield DISPLAY_ON, now, dark
    yield NIGHT_STATE[plan.night], dark, length_s


def _day(device: DemoDevice, day: date, plan: Plan | None, night: Night, noise: Array) -> DemoDay:
    start = day_start(day)
    length_s = day_start(day + timedelta(days=1)) - start
    count = length_s // SLOT_S
    starts = np.arange(count) * SLOT_S
    states_s = np.zeros((len(STATES), count), dtype=np.int64)
    for state, begin, end in _spans(device, plan, night, length_s):
        states_s[state] += _overlap(starts, begin, end)
    battery_s = _overlap(starts, *plan.battery) if plan is not None else np.zeros(count, dtype=np.int64)
    drawn = noise[: NOISE_ROWS * count].reshape(NOISE_ROWS, count)
    load = _load(device, day, states_s[DISPLAY_ON] / SLOT_S, starts / HOUR_S, drawn)
    deciles_s = _deciles(load, states_s[DISPLAY_ON] + states_s[DISPLAY_OFF])
    battery_s = np.minimum(battery_s, states_s[DISPLAY_ON])
    return DemoDay(start, states_s, deciles_s, battery_s, load, drawn)


def _overlap(starts: Seconds, begin: int, end: int) -> Seconds:
    """Seconds of [begin, end) within each slot."""
    overlap_s: Seconds = np.maximum(np.minimum(starts + SLOT_S, end) - np.maximum(starts, begin), 0)
    return overlap_s


def _load(device: DemoDevice, day: date, in_use: Array, hour: Array, noise: Array) -> Array:
    """Mean CPU load of each slot, in [0, 1]: servers follow the hour, office machines their user."""
    if device.habits.always_on:
        busy = np.exp(-(((hour - 14) / 4.5) ** 2)) * (0.35 if day.weekday() >= 5 else 1)
        load: Array = device.habits.load * (0.4 + 0.8 * busy) * (0.7 + 0.6 * noise[0])
    else:
        load = 0.01 + in_use * device.habits.load * (0.3 + 3 * noise[0] ** 3)
    return np.clip(load, 0, 0.98)


def _deciles(load: Array, awake_s: Seconds) -> Seconds:
    """Time at each load decile around the mean load; rows add up to the time awake."""
    width = 0.06 + 0.5 * load
    weights = np.exp(-(((MIDDLES - load[:, None]) / width[:, None]) ** 2))
    upto = np.cumsum(weights, axis=1)
    edges = np.rint(upto / upto[:, -1:] * awake_s[:, None]).astype(np.int64)
    deciles_s: Seconds = np.diff(edges, axis=1, prepend=0)
    return deciles_s

"""Usage parameters of a simulated device, which differ from desk to desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

HOUR_S = 3600
Night = Literal["off", "asleep", "awake"]


@dataclass(frozen=True)
class DemoHabits:
    """What a device's days have in common; times are seconds after local midnight, shares are in [0, 1].

    `presence` is the share of working days with somebody at the device, `forgets` the share of evenings
    it is left running, `pauses_asleep` whether it sleeps when nobody is there, `unplugged` the share of
    days with a meeting on battery, `load` its CPU load when in use (on a server: by day).
    """

    always_on: bool
    arrival_s: float = 0
    leave_s: float = 0
    presence: float = 1
    forgets: float = 0
    night: Night = "off"
    pauses_asleep: bool = False
    unplugged: float = 0
    load: float = 0.1


def on_a_desk(u: Sequence[float]) -> DemoHabits:
    """An office machine; one in eight is left running every other evening."""
    return DemoHabits(
        always_on=False,
        arrival_s=(7.5 + 1.75 * u[0]) * HOUR_S,
        leave_s=(16.5 + 1.75 * u[1]) * HOUR_S,
        presence=0.8 + 0.15 * u[2],
        forgets=0.5 if u[3] < 0.125 else 0.02,
        night="asleep" if u[4] < 0.15 else "off",
        load=0.04 + 0.12 * u[5] ** 2,
    )


def on_the_move(u: Sequence[float]) -> DemoHabits:
    """A laptop: sleeps when left alone, off or asleep at night, on battery in meetings."""
    return DemoHabits(
        always_on=False,
        arrival_s=(7.75 + 1.75 * u[0]) * HOUR_S,
        leave_s=(16.75 + 2 * u[1]) * HOUR_S,
        presence=0.75 + 0.2 * u[2],
        forgets=0.01,
        night="asleep" if u[3] < 0.35 else "off",
        pauses_asleep=True,
        unplugged=0.5 * u[4],
        load=0.05 + 0.15 * u[5] ** 2,
    )


def always_on(u: Sequence[float]) -> DemoHabits:
    """A server: never off, busier by day."""
    return DemoHabits(always_on=True, load=0.05 + 0.45 * u[0] ** 2)

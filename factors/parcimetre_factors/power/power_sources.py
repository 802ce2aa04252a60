"""Selection of the power source of each slot.

Scopes of energy overlap, so they are never added up: in each slot the first source of the table with a
counter wins. Its energy covers the seconds it was counted for; the rest of the slot's known time is modelled.
Energy counted behind a power supply is converted to energy at the wall by the supply's efficiency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..activity import Activity, MeasuredEnergy
from ..explanation.term import Term
from .power_supply import BATTERY, SupplyEfficiency

Array = NDArray[np.float64]
QUALITIES = ("measured", "vendor_estimate", "modelled")
DECILES = tuple(f"decile{i}" for i in range(10))
WALL = "wall_ac"
GIVEN = "given"  # what a switch took at the wall and gave on: below zero
LOAD_STATES = (*DECILES, "display", "asleep", "off", "remainder")


@dataclass(frozen=True)
class PowerSource:
    """A power source: its name, and the scopes whose counters are taken together."""

    name: str
    scopes: tuple[str, ...]


POWER_SOURCES = (
    PowerSource("wall_ac", (WALL, GIVEN)),
    PowerSource("psu_dc", ("psu_dc",)),
    PowerSource("platform", ("platform",)),
    PowerSource("battery", ("battery",)),
    PowerSource("components", ("package", "dram", "gpu")),
    PowerSource("load_model", ()),
    PowerSource("state_model", ()),
)
INDEX = {source.name: i for i, source in enumerate(POWER_SOURCES)}
COUNTING = tuple(source for source in POWER_SOURCES if source.scopes)


@dataclass(frozen=True)
class CounterEnergy:
    """Energy of one counter by slot (n,): `counted_j` as counted and `energy_j` at the wall, zero where
    another power source won; `errors` are those of the conversion to the wall.
    """

    source: str
    scope: str
    quality: str
    counted_j: Array
    energy_j: Array
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourcedEnergy:
    """Energy of each slot and its power source.

    `source` (n,) indexes POWER_SOURCES. `modelled_s` (n, 14) are the modelled seconds of each of LOAD_STATES,
    `watts` (14,) their power.
    """

    source: NDArray[np.int8]
    readings: tuple[CounterEnergy, ...]
    modelled_s: Array
    watts: Array

    @property
    def counted_j(self) -> Array:
        """Energy at the wall that counters stand for, shape (n,)."""
        return sum((r.energy_j for r in self.readings), np.zeros(len(self.source)))

    @property
    def measured_j(self) -> Array:
        """Energy at the wall that was measured, not modelled by whoever counted it, shape (n,)."""
        read = (r.energy_j for r in self.readings if r.quality != "modelled")
        return sum(read, np.zeros(len(self.source)))

    @property
    def counted_by_errors(self) -> dict[tuple[str, ...], Array]:
        """The counted energy at the wall (n,), by the errors of the way there."""
        found: dict[tuple[str, ...], Array] = {}
        for reading in self.readings:
            found[reading.errors] = found.get(reading.errors, 0.0) + reading.energy_j
        return found

    @property
    def modelled_j(self) -> Array:
        """Energy that the device's power model stands for, shape (n,)."""
        modelled: Array = self.modelled_s @ self.watts
        return modelled

    @cached_property
    def energy_j(self) -> Array:
        """Energy at the wall, shape (n,)."""
        return self.counted_j + self.modelled_j


def select_power_source(
    activity: Activity,
    watts: Mapping[str, Term],
    virtual: bool = False,
    supply: SupplyEfficiency | None = None,
) -> SourcedEnergy:
    """Return the energy of each slot by the power source that wins there.

    `watts` is the power of each of LOAD_STATES. The counters of a virtual machine are its host's, so only the
    models apply to it. Without a supply, counted energy is taken to be at the wall.
    """
    seconds, candidates = _counted(() if virtual else activity.measured, len(activity.start))
    loaded_s = activity.loaded_s
    winner = np.where(loaded_s > 0, INDEX["load_model"], INDEX["state_model"]).astype(np.int8)
    covered_s = np.zeros(len(winner))
    for i in sorted(seconds, reverse=True):
        counted = seconds[i] > 0
        winner[counted] = i
        covered_s[counted] = seconds[i][counted]
    readings = [_at_the_wall(r, i, winner == i, seconds[i], supply) for i, r in candidates]
    return SourcedEnergy(
        winner,
        tuple(r for r in readings if r.energy_j.any()),
        _modelled_seconds(activity, loaded_s, covered_s, winner == INDEX["components"]),
        np.array([watts[state].value if state in watts else 0.0 for state in LOAD_STATES]),
    )


def _counted(
    measured: tuple[MeasuredEnergy, ...], n: int
) -> tuple[dict[int, Array], list[tuple[int, CounterEnergy]]]:
    """Seconds that each power source with a counter covers (n,), and the counters of each.

    A source covers the time of its first scope; of several counters of a scope the better one wins.
    """
    seconds: dict[int, Array] = {}
    readings: list[tuple[int, CounterEnergy]] = []
    for i, source in enumerate(COUNTING):
        if not any(counter.scope in source.scopes for counter in measured):
            continue
        seconds[i] = np.zeros(n)
        for scope in source.scopes:
            taken = np.zeros(n, dtype=bool)
            for counter in _best_first(measured, scope):
                wins = (counter.duration_s > 0) & ~taken
                if scope == source.scopes[0]:
                    seconds[i] += np.where(wins, counter.duration_s, 0.0)
                else:
                    wins &= seconds[i] > 0
                taken |= wins
                energy_j = np.where(wins, counter.energy_j, 0.0)
                readings.append(
                    (i, CounterEnergy(counter.source, scope, counter.quality, energy_j, energy_j))
                )
    return seconds, readings


def _at_the_wall(
    reading: CounterEnergy, i: int, won: NDArray[np.bool_], covered_s: Array, supply: SupplyEfficiency | None
) -> CounterEnergy:
    """A reading in the slots that its power source won, with the losses of the supply.

    Counters of the whole device are converted at their watts. Components come on top of an idle that is at
    the wall already, and a battery was charged at more than it gives: both are converted as at half load.
    """
    counted_j, name = np.where(won, reading.counted_j, 0.0), COUNTING[i].name
    if supply is None or name == "wall_ac":
        return replace(reading, counted_j=counted_j, energy_j=counted_j)
    errors: tuple[str, ...] = (supply.error,)
    efficiency: Array | float = supply.at_half_load
    if name == "battery":
        errors, efficiency = (supply.error, BATTERY), efficiency * supply.battery
    elif name != "components":
        efficiency = supply.at(_share(counted_j, covered_s))
    return replace(reading, counted_j=counted_j, energy_j=counted_j / efficiency, errors=errors)


def at_the_wall(activity: Activity) -> Array:
    """What the meter that wins at the wall counted (n,), 0 where there is none."""
    found, taken = np.zeros(len(activity.start)), np.zeros(len(activity.start), dtype=bool)
    for counter in _best_first(activity.measured, WALL):
        wins = (counter.duration_s > 0) & ~taken
        found += np.where(wins, counter.energy_j, 0.0)
        taken |= wins
    return found


def _best_first(measured: tuple[MeasuredEnergy, ...], scope: str) -> list[MeasuredEnergy]:
    """The counters of a scope: in a slot, the first one that counted wins."""
    return sorted((counter for counter in measured if counter.scope == scope), key=_better)


def _better(counter: MeasuredEnergy) -> tuple[int, str]:
    """The better counter first; of those that are as good, always the same one."""
    known = counter.quality in QUALITIES
    return QUALITIES.index(counter.quality) if known else len(QUALITIES), counter.source


def _modelled_seconds(
    activity: Activity, loaded_s: Array, covered_s: Array, components: NDArray[np.bool_]
) -> Array:
    """Time left to the model, by load state (n, 14): counters cover the time awake first, then the rest.

    Beside component counters the remainder of the device is modelled, and its display.
    """
    awake_s = activity.display_on_s + activity.display_off_s
    quiet_s = activity.asleep_s + activity.off_s
    awake_left = _share(awake_s - covered_s, awake_s)
    quiet_left = _share(quiet_s - np.maximum(0.0, covered_s - awake_s), quiet_s)
    modelled_s = np.empty((len(LOAD_STATES), len(awake_s))).T  # by column, as the days are read
    load_s, (display, asleep, off, remainder) = modelled_s[:, : len(DECILES)], modelled_s.T[len(DECILES) :]
    load_s[:] = activity.load_deciles_s
    load_s[:, 0] += np.maximum(0.0, awake_s - loaded_s)
    load_s *= awake_left[:, None]
    display[:] = activity.display_on_s * np.where(components, 1.0, awake_left)
    asleep[:] = activity.asleep_s * quiet_left
    off[:] = activity.off_s * quiet_left
    remainder[:] = np.where(components, np.minimum(covered_s, awake_s), 0.0)
    return modelled_s


def _share(part: Array, whole: Array) -> Array:
    """part / whole where there is a whole, at least 0."""
    return np.divide(np.maximum(part, 0.0), whole, out=np.zeros_like(whole), where=whole > 0)

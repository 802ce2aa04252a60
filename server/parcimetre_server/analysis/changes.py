"""What changed between two periods, and why: a difference of footprints in parts that add up to it.

The use of a device is a product: seconds in service, share of them with a record, energy of a second with a
record, impact of a joule. The change of each factor counts at the mean of the others', two at a time (Bennet
1920, The Theory of Measurement of Changes in Cost of Living, J. R. Stat. Soc. 83): without remainder, and the
same with the opposite sign when the periods are exchanged. Parts of single devices add up to those of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import UNITS
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.tables.factor_set import FactorSet

from ..access.context import Context
from ..access.disclosure import FEWEST, hidden
from ..base.errors import ParcimetreError
from ..base.periods import LAST_SECOND
from ..footprint.compute import compute_footprint
from ..footprint.device_footprints import DeviceFootprints
from ..footprint.query import FootprintQuery
from ..footprint.result import FootprintResult
from ..store.records import DeviceId

Reason = Literal[
    "joined", "left", "moved", "service", "use", "grid", "coverage", "embodied", "factors", "several"
]
ROUNDING = 1e-9
Array = NDArray[np.float64]
Members = NDArray[np.bool_]
Parts = Mapping[Reason, Array]


class Incomparable(ParcimetreError):
    """Two questions whose answers differ by more than their time."""

    status = 400
    kind = "incomparable"


@dataclass(frozen=True)
class ChangePart:
    """What one reason adds to the difference, and how many devices have some of it.

    `several` stands for reasons that are not told apart, because so few devices would be behind one of them.
    """

    reason: Reason
    value: float
    devices: int


@dataclass(frozen=True)
class Changes:
    """The footprints of two periods, and the parts of their difference.

    All values are in `unit`; the parts add up to `after - before`. Reasons that change nothing are left out.
    """

    before: float
    after: float
    unit: str
    parts: tuple[ChangePart, ...]

    @property
    def difference(self) -> float:
        """What the later period has more than the earlier one."""
        return self.after - self.before


@dataclass(frozen=True)
class Amounts:
    """What n devices did and cost in a period, each (n,): seconds in service and with a record, energy in J,
    impact of use, embodied impact that accrued with the time in service, and that which fell otherwise.
    """

    service_s: Array
    recorded_s: Array
    energy_j: Array
    use: Array
    steady: Array
    once: Array

    @property
    def total(self) -> Array:
        """The footprint (n,)."""
        return self.use + self.steady + self.once

    @property
    def present(self) -> int:
        """How many devices were in service or used something."""
        return int(((self.service_s > 0) | (self.energy_j > 0)).sum())


def changes(
    context: Context, before: FootprintQuery, after: FootprintQuery, earlier: FactorSet | None = None
) -> Changes | None:
    """Why the footprint of `after` is not that of `before`; None where one of them has no devices to show.

    `earlier` is the factor set that `before` was published with, where it is not the present one. Raises
    Incomparable where the queries differ by more than their span.
    """
    if replace(before, span=after.span) != after:
        raise Incomparable("a change compares the same query in two periods: only the periods may differ")
    now = compute_footprint(context, before), compute_footprint(context, after)
    if earlier is None or earlier.id == context.factors.id:
        return between(*now)
    then = replace(context, factors=earlier)
    return between(*now, (compute_footprint(then, before), compute_footprint(then, after)))


def between(
    before: FootprintResult,
    after: FootprintResult,
    earlier: tuple[FootprintResult, FootprintResult] | None = None,
) -> Changes | None:
    """The same of figures that are at hand; `earlier` are both with the factors that `before` was told by."""
    both = before, after
    at = _places([*both, *(earlier or ())])
    first, last = (amounts(one, at) for one in both)
    if min(first.present, last.present) < (1 if after.guard is None else FEWEST):
        return None
    moved = _moved(both, at)
    parts, told = parts_of(first, last, moved), first
    if earlier is not None:
        told, then = (amounts(one, at) for one in earlier)
        old = parts_of(told, then, moved)
        parts = {reason: (part + old[reason]) / 2 for reason, part in parts.items()}
        parts["factors"] = (first.total - told.total + last.total - then.total) / 2
    size = np.abs(told.total) + np.abs(last.total)
    found = _summed(parts, size, guarded=after.guard is not None)
    return Changes(float(told.total.sum()), float(last.total.sum()), UNITS[after.criterion], found)


def _places(known: Sequence[FootprintResult]) -> dict[DeviceId, int]:
    ids = (device.id for figures in known for one in figures.alike for device in one.devices)
    return {device: i for i, device in enumerate(dict.fromkeys(ids))}


def _moved(both: Sequence[FootprintResult], at: Mapping[DeviceId, int]) -> Members:
    """Devices (n,) that came from, or went to, an org unit that is not in the figures, in their time."""
    stays = [device for figures in both for one in figures.alike for device in one.devices]
    rows = np.array([at[device.id] for device in stays], np.intp)
    since, until = np.full(len(at), LAST_SECOND), np.zeros(len(at), np.int64)
    np.minimum.at(since, rows, np.array([device.since for device in stays], np.int64))
    np.maximum.at(until, rows, np.array([device.until for device in stays], np.int64))
    begin = min(int(figures.periods.edges[0]) for figures in both)
    end = max(int(figures.periods.edges[-1]) for figures in both)
    found: Members = ((begin < since) & (since < end)) | ((begin < until) & (until < end))
    return found


def amounts(known: FootprintResult, at: Mapping[DeviceId, int]) -> Amounts:
    """What devices did and cost over all periods of some figures, in the places that `at` gives them."""
    n = len(at)
    if not known.alike:
        return Amounts(*np.zeros((6, n)))
    rows = np.array([at[device.id] for one in known.alike for device in one.devices], np.intp)
    columns = np.concatenate([_columns(one) for one in known.alike], axis=1)
    service_s, recorded_s, *rest = (np.bincount(rows, column, n).astype(np.float64) for column in columns)
    return Amounts(np.maximum(service_s, recorded_s), recorded_s, *rest)


def _columns(figure: DeviceFootprints) -> Array:
    """The fields of Amounts of devices that are alike (6, n)."""
    usual = figure.expected_s / SLOT_S if figure.policy == Policy.SERVICE_LIFE else np.inf
    steady, once = np.zeros(len(figure.devices)), np.zeros(len(figure.devices))
    for value, units in _embodied(figure):
        with_time = np.minimum(units, usual)
        steady += value * with_time.sum(axis=-1)
        once += value * (units - with_time).sum(axis=-1)
    use = np.zeros_like(steady) if figure.use is None else figure.use.sum(axis=(0, 2))
    energy_j = figure.energy_j.sum(axis=(0, 2))
    times = (seconds.sum(axis=-1) for seconds in (figure.expected_s, figure.covered_s))
    return np.array([*times, energy_j, use, steady, once])


def _embodied(figure: DeviceFootprints) -> list[tuple[float, Array]]:
    """Impact of a unit, and units by device and period, of what making and reconditioning devices cost."""
    made = figure.profile.per_unit(figure.criterion, figure.policy, "whole")
    found = [(per_unit.value, figure.accrued) for per_unit in made.values()]
    again = figure.profile.reconditioned(figure.criterion, figure.policy)
    if figure.reconditioned is not None and again is not None:
        found.append((again.per_unit.value, figure.reconditioned))
    return found


def parts_of(before: Amounts, after: Amounts, moved: Members) -> dict[Reason, Array]:
    """The parts of each device's difference (n,), those of the factors aside; `moved` are those whose time in
    service in these figures depends on their org unit.
    """
    rates = partial(_rates, before, after)
    covered, of_second = rates("recorded_s", "service_s"), rates("use", "recorded_s")
    watts, of_joule = rates("energy_j", "recorded_s"), rates("use", "energy_j")
    service_s = before.service_s, after.service_s
    recorded_s = before.recorded_s, after.recorded_s
    of_service = _more(service_s) * _mean(covered) * _mean(of_second)
    coverage = _mean(service_s) * _more(covered) * _mean(of_second)
    grid = _mean(recorded_s) * _mean(watts) * _more(of_joule)
    accrued = _more(service_s) * _mean(rates("steady", "service_s"))
    fleet = of_service + accrued
    joined, left = ((one == 0) & ~moved for one in service_s)
    return {
        "joined": np.where(joined & ~left, fleet, 0.0),
        "left": np.where(left & ~joined, fleet, 0.0),
        "moved": np.where(moved, fleet, 0.0),
        "service": np.where(joined | left | moved, 0.0, fleet),
        "use": after.use - before.use - of_service - coverage - grid,
        "grid": grid,
        "coverage": coverage,
        "embodied": after.steady + after.once - before.steady - before.once - accrued,
    }


def _rates(before: Amounts, after: Amounts, amount: str, per: str) -> tuple[Array, Array]:
    """An amount per another in both periods; one that cannot be told is that of the other period, or 0."""
    pairs = [(getattr(one, amount), getattr(one, per)) for one in (before, after)]
    first, last = (np.divide(a, b, out=np.zeros_like(a), where=b > 0) for a, b in pairs)
    known_first, known_last = (b > 0 for _, b in pairs)
    return np.where(known_first, first, last), np.where(known_last, last, first)


def _mean(pair: tuple[Array, Array]) -> Array:
    return (pair[0] + pair[1]) / 2


def _more(pair: tuple[Array, Array]) -> Array:
    return pair[1] - pair[0]


def _summed(parts: Parts, size: Array, guarded: bool) -> tuple[ChangePart, ...]:
    """Parts of all devices together; `size` is what rounding is small beside (n,).

    Where they are guarded, no reason is told that fewer than FEWEST devices have.
    """
    members: dict[str, Members] = {reason: np.abs(part) > ROUNDING * size for reason, part in parts.items()}
    members = {reason: devices for reason, devices in members.items() if devices.any()}
    few = hidden(members, np.ones((len(size), 1), np.int64)) if guarded else frozenset()
    found = [
        ChangePart(reason, float(part.sum()), int(members[reason].sum()))
        for reason, part in parts.items()
        if reason in members and reason not in few
    ]
    if few:
        together = sum(float(part.sum()) for reason, part in parts.items() if reason in few)
        found.append(
            ChangePart("several", together, int(np.any([members[one] for one in few], axis=0).sum()))
        )
    return tuple(found)

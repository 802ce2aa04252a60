"""Changes between two periods by reason: parts that add up to the difference of the footprints.

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
    """Two queries that differ by more than their span."""

    status = 400
    kind = "incomparable"


@dataclass(frozen=True)
class ChangePart:
    """The part of the difference with one reason, and the number of devices that have some of it."""

    reason: Reason
    value: float
    devices: int


@dataclass(frozen=True)
class Changes:
    """The footprints of two periods in `unit`, and the parts of their difference.

    The parts add up to `after - before`; reasons that change nothing are left out.
    """

    before: float
    after: float
    unit: str
    parts: tuple[ChangePart, ...]

    @property
    def difference(self) -> float:
        """The footprint of the later period minus that of the earlier one."""
        return self.after - self.before


@dataclass(frozen=True)
class PeriodAmounts:
    """Amounts of n devices in a period, each (n,): seconds in service and with a record, energy in J, impact
    of use, embodied impact that accrued with the time in service, and other embodied impact.
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
        """Number of devices that were in service or used energy."""
        return int(((self.service_s > 0) | (self.energy_j > 0)).sum())


def compare_queries(
    context: Context, before: FootprintQuery, after: FootprintQuery, earlier: FactorSet | None = None
) -> Changes | None:
    """Return the changes from the footprint of `before` to that of `after`; None where one has no devices.

    `earlier` is the factor set that `before` was published with, if it is not the present one. Raises
    Incomparable where the queries differ by more than their span.
    """
    if replace(before, span=after.span) != after:
        raise Incomparable("a change compares the same query in two periods: only the periods may differ")
    now = compute_footprint(context, before), compute_footprint(context, after)
    if earlier is None or earlier.id == context.factors.id:
        return compare_results(*now)
    then = replace(context, factors=earlier)
    return compare_results(*now, (compute_footprint(then, before), compute_footprint(then, after)))


def compare_results(
    before: FootprintResult,
    after: FootprintResult,
    earlier: tuple[FootprintResult, FootprintResult] | None = None,
) -> Changes | None:
    """Return the changes between two results; `earlier` are both computed with the earlier factor set."""
    if after.disclosure is not None or before.disclosure is not None:
        return _compare_sums(before, after, earlier)
    both = before, after
    at = _indices([*both, *(earlier or ())])
    first, last = (period_amounts(result, at) for result in both)
    if min(first.present, last.present) < 1:
        return None
    moved = _moved(both, at)
    parts, published = change_parts(first, last, moved), first
    if earlier is not None:
        published, then = (period_amounts(result, at) for result in earlier)
        old = change_parts(published, then, moved)
        parts = {reason: (part + old[reason]) / 2 for reason, part in parts.items()}
        parts["factors"] = (first.total - published.total + last.total - then.total) / 2
    size = np.abs(published.total) + np.abs(last.total)
    return Changes(
        float(published.total.sum()), float(last.total.sum()), UNITS[after.criterion], _summed(parts, size)
    )


def _compare_sums(
    before: FootprintResult, after: FootprintResult, earlier: tuple[FootprintResult, FootprintResult] | None
) -> Changes | None:
    """Return the changes between two results under disclosure control, as if of one device.

    The reasons are then functions of sums that are shown; which devices came, left or moved is not told.
    """
    first, last = map(_amounts_of_sums, (before, after))
    if min(first.present, last.present) < 1:
        return None
    unmoved = np.zeros(1, np.bool_)
    parts, published = change_parts(first, last, unmoved), first
    if earlier is not None:
        published, then = map(_amounts_of_sums, earlier)
        old = change_parts(published, then, unmoved)
        parts = {reason: (part + old[reason]) / 2 for reason, part in parts.items()}
        parts["factors"] = (first.total - published.total + last.total - then.total) / 2
    summed = _summed(parts, np.abs(published.total) + np.abs(last.total))
    devices = min(before.count, after.count)
    return Changes(
        float(published.total.sum()),
        float(last.total.sum()),
        UNITS[after.criterion],
        tuple(replace(part, devices=devices) for part in summed),
    )


def _amounts_of_sums(result: FootprintResult) -> PeriodAmounts:
    """The amounts of a result as those of one device (1,)."""
    amounts = np.zeros(6)
    for cohort in result.cohorts:
        amounts[:4] += [
            cohort.expected_s.sum(),
            cohort.covered_s.sum(),
            cohort.energy_j.sum(),
            0.0 if cohort.use is None else cohort.use.sum(),
        ]
        steady = cohort.policy == Policy.SERVICE_LIFE
        amounts[4 if steady else 5] += sum(value * units.sum() for value, units in _embodied(cohort))
    amounts[0] = max(amounts[0], amounts[1])
    return PeriodAmounts(*amounts[:, None])


def _indices(results: Sequence[FootprintResult]) -> dict[DeviceId, int]:
    ids = (device.id for result in results for cohort in result.cohorts for device in cohort.devices)
    return {device_id: i for i, device_id in enumerate(dict.fromkeys(ids))}


def _moved(both: Sequence[FootprintResult], at: Mapping[DeviceId, int]) -> Members:
    """Devices (n,) that were transferred from or to an org unit outside the results, within their periods."""
    placements = [device for result in both for cohort in result.cohorts for device in cohort.devices]
    rows = np.array([at[device.id] for device in placements], np.intp)
    since, until = np.full(len(at), LAST_SECOND), np.zeros(len(at), np.int64)
    np.minimum.at(since, rows, np.array([device.since for device in placements], np.int64))
    np.maximum.at(until, rows, np.array([device.until for device in placements], np.int64))
    begin = min(int(result.periods.edges[0]) for result in both)
    end = max(int(result.periods.edges[-1]) for result in both)
    moved: Members = ((begin < since) & (since < end)) | ((begin < until) & (until < end))
    return moved


def period_amounts(result: FootprintResult, at: Mapping[DeviceId, int]) -> PeriodAmounts:
    """Return the amounts of devices over all periods of a result; `at` is each device's index."""
    n = len(at)
    if not result.cohorts:
        return PeriodAmounts(*np.zeros((6, n)))
    rows = np.array([at[device.id] for cohort in result.cohorts for device in cohort.devices], np.intp)
    columns = np.concatenate([_columns(cohort) for cohort in result.cohorts], axis=1)
    service_s, recorded_s, *rest = (np.bincount(rows, column, n).astype(np.float64) for column in columns)
    return PeriodAmounts(np.maximum(service_s, recorded_s), recorded_s, *rest)


def _columns(cohort: DeviceFootprints) -> Array:
    """The fields of PeriodAmounts of a cohort (6, n)."""
    usual = cohort.expected_s / SLOT_S if cohort.policy == Policy.SERVICE_LIFE else np.inf
    steady, once = np.zeros(len(cohort.devices)), np.zeros(len(cohort.devices))
    for value, units in _embodied(cohort):
        with_time = np.minimum(units, usual)
        steady += value * with_time.sum(axis=-1)
        once += value * (units - with_time).sum(axis=-1)
    use = np.zeros_like(steady) if cohort.use is None else cohort.use.sum(axis=(0, 2))
    energy_j = cohort.energy_j.sum(axis=(0, 2))
    times = (seconds.sum(axis=-1) for seconds in (cohort.expected_s, cohort.covered_s))
    return np.array([*times, energy_j, use, steady, once])


def _embodied(cohort: DeviceFootprints) -> list[tuple[float, Array]]:
    """Impact per unit of the policy, and units by device and period, of manufacturing and reconditioning."""
    manufacturing = cohort.model.per_unit(cohort.criterion, cohort.policy, "whole")
    parts = [(per_unit.value, cohort.accrued) for per_unit in manufacturing.values()]
    second_life = cohort.model.reconditioned(cohort.criterion, cohort.policy)
    if cohort.reconditioned is not None and second_life is not None:
        parts.append((second_life.per_unit.value, cohort.reconditioned))
    return parts


def change_parts(before: PeriodAmounts, after: PeriodAmounts, moved: Members) -> dict[Reason, Array]:
    """Return the parts of each device's difference (n,), without that of the factors; `moved` devices (n,)
    were transferred, so their time in service depends on the org unit.
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
    joined, left = ((seconds == 0) & ~moved for seconds in service_s)
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


def _rates(before: PeriodAmounts, after: PeriodAmounts, amount: str, per: str) -> tuple[Array, Array]:
    """An amount per another in both periods; where unknown, that of the other period, or 0."""
    pairs = [(getattr(one, amount), getattr(one, per)) for one in (before, after)]
    first, last = (np.divide(a, b, out=np.zeros_like(a), where=b > 0) for a, b in pairs)
    known_first, known_last = (b > 0 for _, b in pairs)
    return np.where(known_first, first, last), np.where(known_last, last, first)


def _mean(pair: tuple[Array, Array]) -> Array:
    return (pair[0] + pair[1]) / 2


def _more(pair: tuple[Array, Array]) -> Array:
    return pair[1] - pair[0]


def _summed(parts: Parts, size: Array) -> tuple[ChangePart, ...]:
    """Parts of all devices together; those within rounding of `size` (n,) do not count."""
    members = {reason: np.abs(part) > ROUNDING * size for reason, part in parts.items()}
    return tuple(
        ChangePart(reason, float(part.sum()), int(members[reason].sum()))
        for reason, part in parts.items()
        if members[reason].any()
    )

"""Rows of a footprint: the totals of groups by period, with intervals, coverage and extrapolation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from parcimetre_factors.criteria import UNITS, Criterion, Stage
from parcimetre_factors.tables.factor_set import FactorSet

from ..base.periods import Periods
from ..base.query_cost import MOST_ROWS, TooManyRows
from ..base.units import J_PER_KWH
from ..grid.supply_contracts import Electricity
from .contributions import ALL
from .energy_use import Array
from .grouping import GroupTotal
from .query import Extrapolated, FootprintRow
from .uncertainty import bounds

MAX_ROWS = MOST_ROWS
DIGITS = 3
Limits = tuple[Array, Array]


@dataclass(frozen=True)
class RowBasis:
    """What rows of a result share.

    Where they are disclosure `controlled`, bounds have few digits: they depend on how a sum is made up.
    """

    criterion: Criterion
    electricity: Electricity
    periods: Periods
    factors: FactorSet
    controlled: bool = False

    @property
    def p(self) -> int:
        """Number of periods."""
        return len(self.periods.names)


def build_rows(totals: Mapping[str, GroupTotal], basis: RowBasis) -> list[FootprintRow]:
    """Return the rows of groups, sorted by group, then by period."""
    ordered = sorted(totals.items())
    limits: Iterable[tuple[Limits | None, Limits | None]] = _limits([total for _, total in ordered], basis)
    if basis.controlled:
        limits = ((_outward(recorded), _outward(whole)) for recorded, whole in limits)
    return [
        _row(group, i, total, *ends, basis)
        for (group, total), ends in zip(ordered, limits, strict=True)
        for i in range(basis.p)
        if _is_filled(total, i)
    ]


def empty_row(basis: RowBasis) -> FootprintRow:
    """Return the total of no device over the first period."""
    return _row(ALL, 0, GroupTotal(basis.p), None, None, basis)


def check_row_count(groups: int, periods: int, max_rows: int) -> None:
    """Raise TooManyRows where groups times periods are more than `max_rows`."""
    if groups * periods > max_rows:
        raise TooManyRows(
            f"the answer has too many rows ({groups} groups in {periods} periods, limit {max_rows} "
            "rows): choose a longer interval, a shorter period or another group_by"
        )


def _is_filled(total: GroupTotal, i: int) -> bool:
    """Whether a group was in service, used energy or had some impact in a period."""
    has_value = total.value is not None and bool(total.value[i])
    return bool(total.expected_s[i] > 0 or total.energy_j[i] > 0 or has_value)


def _limits(totals: Sequence[GroupTotal], basis: RowBasis) -> Iterator[tuple[Limits | None, Limits | None]]:
    """Bounds of each group's recorded impact, and of that with the missing time, both shape (p,)."""
    valued = [total for total in totals if total.value is not None]
    recorded = iter(bounds([total.by_errors for total in valued], basis.p, basis.factors))
    whole = iter(bounds([total.with_missing() for total in valued if total.missing], basis.p, basis.factors))
    for total in totals:
        limits = None if total.value is None else next(recorded)
        yield limits, next(whole) if limits is not None and total.missing else limits


def _outward(limits: Limits | None) -> Limits | None:
    """Bounds rounded outward to DIGITS digits of the greater one."""
    if limits is None:
        return None
    low, high = limits
    size = np.maximum(np.abs(low), np.abs(high))
    step = 10.0 ** (np.floor(np.log10(np.where(size > 0, size, 1.0))) - DIGITS + 1)
    return np.floor(low / step) * step, np.ceil(high / step) * step


def _row(
    group: str, i: int, total: GroupTotal, limits: Limits | None, whole: Limits | None, basis: RowBasis
) -> FootprintRow:
    """The row of a group in period i, from the bounds without and with its missing time."""
    return FootprintRow(
        group=group,
        period=basis.periods.names[i],
        energy_kwh=float(total.energy_j[i]) / J_PER_KWH,
        value=None if total.value is None else float(total.value[i]),
        low=None if limits is None else float(limits[0][i]),
        high=None if limits is None else float(limits[1][i]),
        unit=UNITS[basis.criterion],
        coverage=_ratio(total.covered_s[i], total.expected_s[i]),
        measured_share=_ratio(total.measured_j[i], total.known_j[i]),
        factor_set=basis.factors.id,
        absent=tuple(stage for stage in Stage if stage in total.absent),
        simulated="partly" if len(total.simulated) > 1 else total.simulated == {True},
        extrapolated=None if whole is None or total.unknown[i] else _extrapolated(total, i, whole),
        electricity=basis.electricity,
        grid_tiers=total.grid_tiers(i),
    )


def _extrapolated(total: GroupTotal, i: int, limits: Limits) -> Extrapolated:
    """Recorded and missing use of period i together."""
    energy_j, value = total.energy_j[i] + total.missing_j[i], total.missing_value[i]
    if total.value is not None:
        value += total.value[i]
    return Extrapolated(float(energy_j) / J_PER_KWH, float(value), float(limits[0][i]), float(limits[1][i]))


def _ratio(part: float, whole: float) -> float | None:
    """A part of a whole, at most 1; None where there is no whole."""
    return min(1.0, float(part / whole)) if whole > 0 else None

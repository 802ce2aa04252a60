"""The usual quarter hours of a month, made from what was observed of a zone: rows of `grid_profile`.

Method: ours. A quarter hour of a month is the mean of that quarter hour over the month's days that are known
well enough. The rows are per kWh produced, losses left out, as the engine adds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..criteria import UNITS, Criterion, Stage
from ..tables.factor_set import Factor, FactorId, FactorSet, Source
from ..uncertainty.amounts import Amount
from ..uncertainty.monte_carlo import HIGH, LOW, interval
from .intensity import FIRST_YEAR, MONTHS, SLOT_TIER, SLOTS_PER_DAY, Array, GridSlots, intensity, losses
from .observations import ObservedSlots

ENOUGH_DAYS = 20
ENOUGH_SLOTS = 72
DAY_S = 86_400
BASIS = "estimate: 95 % of the days of the month, with the errors of the factors"


@dataclass(frozen=True)
class Month:
    """One month: how many `days` are known well enough, and its rows, none where they are too few."""

    name: str
    days: int
    rows: tuple[Factor, ...]


def month_profiles(
    zone: str, observed: ObservedSlots, factors: FactorSet, licence: str, today: str
) -> Iterator[Month]:
    """Each month UTC of which anything was observed, oldest first; a published day counts as a mix does.

    A day counts with three quarters of its slots, a month with 20 such days and every quarter hour on ten of
    them. `today` (ISO 8601) is when the rows are made, `licence` what binds the feed. Raises UnknownZone.
    """
    slots = intensity(zone, observed.starts, factors, observed)
    if slots is None:
        return
    lost = losses(zone, factors, Criterion.GWP)
    produced = slots.kg_per_kwh / (1.0 if lost is None else lost.value)
    known = slots.tier == SLOT_TIER
    months = observed.starts.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    for month in np.unique(months[known]):
        inside = known & (months == month)
        days = _days(observed.starts[inside], produced[inside])
        name = f"{month // MONTHS + FIRST_YEAR}-{month % MONTHS + 1:02}"
        enough = len(days) >= ENOUGH_DAYS and (~np.isnan(days)).sum(axis=0).min() >= ENOUGH_DAYS // 2
        spread = _spread(days, inside, slots, factors, lost) if enough else 1.0
        feeds = sorted({observed.readings[int(start)].source for start in observed.starts[inside]})
        source = Source(
            f"own-grid-{zone.lower()}-{name}", ", ".join(feeds), f"observed slots of {zone}, {name}",
            name[:4], f"/v1/grid/{zone}", licence, today,
        )  # fmt: skip
        rows = _rows(zone, name, np.nanmean(days, axis=0), spread, source) if enough else ()
        yield Month(name, len(days), tuple(rows))


def _days(starts: Array, values: Array) -> Array:
    """Values by day and quarter hour (d, 96), NaN where there is none, of days known well enough."""
    day = (starts // DAY_S).astype(np.intp)
    table = np.full((int(day.max() - day.min()) + 1, SLOTS_PER_DAY), np.nan)
    table[day - day.min(), (starts % DAY_S * SLOTS_PER_DAY // DAY_S).astype(np.intp)] = values
    full: Array = table[(~np.isnan(table)).sum(axis=1) >= ENOUGH_SLOTS]
    return full


def _spread(days: Array, inside: Array, slots: GridSlots, factors: FactorSet, lost: Factor | None) -> float:
    """By which factor a day lies off the profile at 95 %: the days' own spread, and that of the factors.

    Both are logarithms, of independent causes: their squares add up. That of the losses comes with their use.
    """
    mean = np.nanmean(days, axis=0)
    if not mean.any():
        return 1.0
    ratios = np.nanmean(days, axis=1) / mean.mean()
    low, high = (max(float(value), 1e-3) for value in np.quantile(ratios, (LOW, HIGH)))
    own_way = set() if lost is None else {lost.id}
    parts = [
        Amount(float(values[inside].sum()), tuple(error for error in errors if error not in own_way))
        for errors, values in slots.parts.items()
    ]
    bounds = interval(parts, factors)
    own = max(math.log(high), -math.log(low))
    return math.exp(math.hypot(own, math.log(bounds[1] / max(bounds[0], 1e-12)) / 2))


def _rows(zone: str, month: str, means: Array, spread: float, source: Source) -> Iterator[Factor]:
    """96 means and their common error."""
    base, year, number = f"grid_profile.{zone.lower()}.{month}", int(month[:4]), int(month[5:])

    def row(end: str, subject: str, values: tuple[float, float, float], basis: str, unit: str) -> Factor:
        """One row of the table."""
        return Factor(
            FactorId(f"{base}.{end}"), f"{subject}, month {number}", str(Stage.USE), str(Criterion.GWP),
            *values, basis, unit, "kWh", zone, year, source, month, "",
        )  # fmt: skip

    for i, mean in enumerate(means.tolist()):
        value = float(f"{mean:.6g}")
        yield row(f"{i:02}", "electricity", (value,) * 3, f"see {base}.error", UNITS[Criterion.GWP])
    yield row("error", "profile error", (1.0, 1 / spread, spread), BASIS, "1")

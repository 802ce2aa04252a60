"""Impact of a kilowatt-hour in each slot: of the slot itself, else a profile of the day, else the year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from .activity import SLOT_S
from .criteria import UNITS, Criterion
from .errors import UnknownZone
from .explain import Term, leaf, product
from .factor import Factor, FactorId, FactorSet

TIERS = ("slot", "profile", "year")
SLOT_TIER, PROFILE_TIER, YEAR_TIER = range(len(TIERS))
SLOTS_PER_DAY = 96
FIRST_YEAR = 1970
Starts = NDArray[np.int64]
Observed = Mapping[int, float]
LOSSES = "Grid losses and imports are not included."


@dataclass(frozen=True)
class GridSlots:
    """Impact per kWh (n,), where it comes from (n,) as an index into TIERS, and the errors they carry."""

    kg_per_kwh: NDArray[np.float64]
    tier: NDArray[np.int8]
    errors: tuple[FactorId, ...]


def zones(factors: FactorSet) -> list[str]:
    """Grid zones with electricity factors, in order."""
    return sorted(row["zone"] for row in factors.facts.get("zones", ()))


def intensity(
    zone: str,
    starts: Starts,
    factors: FactorSet,
    observed: Observed | None = None,
    criterion: Criterion = Criterion.GWP,
) -> GridSlots | None:
    """Impact of a kWh used in each slot (`starts` in seconds UTC), in the criterion's unit per kWh.

    `observed` are values of that same criterion and unit.

    None where no factor of the zone knows the criterion. A slot of a year without a factor takes the
    latest earlier year, else the first one known. Raises UnknownZone.
    """
    years = _years(zone, factors, criterion)
    if not years:
        return None
    chosen = _chosen_years(years, starts)
    values = np.array([factor.value for factor in years])[chosen]
    tier = np.full(len(starts), YEAR_TIER, np.int8)
    errors = [years[i].id for i in np.unique(chosen)]
    profile = _profile(zone, factors, criterion)
    if profile is not None:
        values = values * profile.ratios[starts // SLOT_S % SLOTS_PER_DAY]
        tier[:] = PROFILE_TIER
        errors.append(profile.error)
    if observed:
        known = np.isin(starts, np.fromiter(observed, np.int64))
        values[known] = [observed[start] for start in starts[known].tolist()]
        tier[known] = SLOT_TIER
    return GridSlots(values, tier, tuple(errors))


def intensity_term(
    zone: str,
    start: int,
    factors: FactorSet,
    observed: Observed | None = None,
    criterion: Criterion = Criterion.GWP,
) -> Term:
    """The tree behind one slot's value of `intensity`. Raises UnknownZone."""
    unit = f"{UNITS[criterion]}/kWh"
    when = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M UTC")
    label = "impact of a kilowatt-hour"
    if observed and start in observed:
        return leaf(label, observed[start], unit, "measured", detail=f"{zone}, {when}", tier="slot")
    years = _years(zone, factors, criterion)
    if not years:
        raise UnknownZone(f"no factor of grid zone {zone} knows {criterion}")
    year = years[int(_chosen_years(years, np.array([start]))[0])]
    whole = leaf(
        "mean of the year", year.value, unit, "factor", detail=f"{zone}, {year.year}", factor=year.id,
        tier="year", note=LOSSES,
    )  # fmt: skip
    profile = _profile(zone, factors, criterion)
    if profile is None:
        return whole
    at = start // SLOT_S % SLOTS_PER_DAY
    ratio = leaf(
        "quarter hour of the day to the day's mean", float(profile.ratios[at]), "1", "factor",
        detail=when, factor=profile.ids[at], tier="profile", note=profile.note,
    )  # fmt: skip
    return product(label, unit, (whole, ratio), detail=f"{zone}, {when}", tier="profile")


@dataclass(frozen=True)
class _Profile:
    ratios: NDArray[np.float64]
    ids: tuple[FactorId, ...]
    error: FactorId
    note: str


def latest_year(zone: str, factors: FactorSet) -> Factor:
    """The latest yearly climate factor of a zone, per kWh. Raises UnknownZone."""
    return _years(zone, factors, Criterion.GWP)[-1]


def _years(zone: str, factors: FactorSet, criterion: Criterion) -> list[Factor]:
    """Yearly factors of a zone and criterion, oldest first. Raises UnknownZone."""
    if zone not in zones(factors):
        raise UnknownZone(f"{zone!r} is no grid zone with factors; known: {', '.join(zones(factors))}")
    found = (f for f in factors.table("grid_year") if f.zone == zone and f.criterion == criterion and f.year)
    return sorted(found, key=lambda factor: factor.year or 0)


def _chosen_years(years: list[Factor], starts: Starts) -> NDArray[np.intp]:
    """Index of the factor that holds in each slot."""
    slot_years = starts.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + FIRST_YEAR
    known = np.array([factor.year for factor in years])
    return np.maximum(np.searchsorted(known, slot_years, side="right") - 1, 0)


def _profile(zone: str, factors: FactorSet, criterion: Criterion) -> _Profile | None:
    rows = [f for f in factors.table("grid_profile") if f.zone == zone and f.criterion == criterion]
    ratios = [f for f in rows if f.subject == "electricity"]
    error = next((f for f in rows if f.subject == "profile error"), None)
    if len(ratios) != SLOTS_PER_DAY or error is None:
        return None
    ids = tuple(f.id for f in ratios)
    return _Profile(np.array([f.value for f in ratios]), ids, error.id, error.range_basis)

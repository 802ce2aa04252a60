"""Impact of a kilowatt-hour in each slot: of the slot itself, else a profile of the day, else the year.

The unit is the kilowatt-hour at the meter, with the losses of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ..activity import SLOT_S
from ..criteria import UNITS, Criterion
from ..errors import UnknownZone
from ..explanation.term import Term, leaf, product, total
from ..tables.factor_set import Factor, FactorId, FactorSet
from .observations import GridObservation, ObservedSlots

TIERS = ("slot", "profile", "year", "contract", "residual")
SLOT_TIER, PROFILE_TIER, YEAR_TIER = range(3)
SLOTS_PER_DAY = 96
FIRST_YEAR = 1970
MONTHS = 12
PUBLISHED_ERROR = "grid.published.error"
Starts = NDArray[np.int64]
Array = NDArray[np.float64]
Errors = tuple[FactorId, ...]
OTHER_ORIGINS = "Origins without a factor are left out: they are taken to be like the rest."


@dataclass(frozen=True)
class GridSlots:
    """Impact per kWh (n,), where it comes from (n,) as an index into TIERS, and the same by errors carried.

    The `parts` (n,) add up to `kg_per_kwh`.
    """

    kg_per_kwh: Array
    tier: NDArray[np.int8]
    parts: Mapping[Errors, Array]

    @property
    def errors(self) -> Errors:
        """Every error that a slot carries, each once."""
        return tuple(dict.fromkeys(error for errors in self.parts for error in errors))


def zones(factors: FactorSet) -> list[str]:
    """Grid zones with electricity factors, in order."""
    return sorted(row["zone"] for row in factors.facts.get("zones", ()))


def check_zone(zone: str, factors: FactorSet) -> None:
    """Raise UnknownZone, naming the known ones, for a zone without electricity factors."""
    if zone not in zones(factors):
        raise UnknownZone(f"grid zone {zone!r} has no factors. Known zones: {', '.join(zones(factors))}")


def intensity(
    zone: str,
    starts: Starts,
    factors: FactorSet,
    observed: ObservedSlots | None = None,
    criterion: Criterion = Criterion.GWP,
) -> GridSlots | None:
    """Impact of a kWh used in each slot (`starts` in seconds UTC), in the criterion's unit per kWh.

    None where no factor of the zone knows the criterion. A slot of a year without a factor takes the
    latest earlier year, else the first one known. What is observed counts for gwp. Raises UnknownZone.
    """
    years = _years(zone, factors, criterion)
    if not years:
        return None
    found = _Slots(starts, losses(zone, factors, criterion))
    chosen = chosen_years(years, starts)
    profile = _profile(zone, factors, criterion)
    ratios = np.ones(len(starts)) if profile is None else profile.ratios[starts // SLOT_S % SLOTS_PER_DAY]
    own = () if profile is None else (profile.error,)
    for i in np.unique(chosen):
        found.add((years[i].id, *own), np.where(chosen == i, years[i].value * ratios, 0.0))
    found.tier[:] = YEAR_TIER if profile is None else PROFILE_TIER
    _follow_months(found, monthly(zone, factors, criterion))
    if observed is not None and criterion == Criterion.GWP:
        _observe(found, observed, factors)
    return GridSlots(sum(found.parts.values(), np.zeros(len(starts))), found.tier, found.parts)


@dataclass
class _Slots:
    """What is gathered of n slots."""

    starts: Starts
    losses: Factor | None
    tier: NDArray[np.int8] = field(init=False)
    parts: dict[Errors, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from nothing."""
        self.tier = np.zeros(len(self.starts), np.int8)

    def add(self, errors: Errors, values: Array, at_meter: NDArray[np.bool_] | None = None) -> None:
        """Add impact per kWh produced (n,), but per kWh at the meter where that is said."""
        if self.losses is None:
            self._add(errors, values)
        elif at_meter is None:
            self._add((*errors, self.losses.id), values * self.losses.value)
        else:
            self._add(errors, np.where(at_meter, values, 0.0))
            self._add((*errors, self.losses.id), np.where(at_meter, 0.0, values * self.losses.value))

    def replace(self, slots: NDArray[np.bool_]) -> None:
        """Forget what was gathered of some slots (n,)."""
        for errors, values in self.parts.items():
            self.parts[errors] = np.where(slots, 0.0, values)

    def _add(self, errors: Errors, values: Array) -> None:
        if values.any():
            self.parts[errors] = values + self.parts.get(errors, 0.0)


def _follow_months(found: _Slots, known: Mapping[int, list[MonthProfile]]) -> None:
    """Put profiles of months in the place of what is known by the year."""
    months = found.starts.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    for month in np.unique(months) if known else ():
        profile = _of_month(known, int(month))
        if profile is not None:
            found.replace(months == month)
            values = profile.kg_per_kwh[found.starts // SLOT_S % SLOTS_PER_DAY]
            found.add((profile.error,), np.where(months == month, values, 0.0))
            found.tier[months == month] = PROFILE_TIER


def _of_month(known: Mapping[int, list[MonthProfile]], month: int) -> MonthProfile | None:
    """Of a month counted from 1970-01, the latest profile of that month that is not later, else the first."""
    alike = known.get(month % MONTHS)
    if not alike:
        return None
    earlier = [profile for profile in alike if profile.month <= month]
    return earlier[-1] if earlier else alike[0]


def _observe(found: _Slots, observed: ObservedSlots, factors: FactorSet) -> None:
    """Put what is observed in the place of what is known by the year."""
    at = np.minimum(np.searchsorted(observed.starts, found.starts), len(observed.starts) - 1)
    shares = {origin: share for origin, share in observed.shares.items() if _origin(origin, factors)}
    whole = sum(shares.values(), np.zeros(len(observed.starts)))[at]
    published = observed.kg_per_kwh[at]
    known = (observed.starts[at] == found.starts) & ((whole > 0) | ~np.isnan(published))
    found.replace(known)
    found.tier[known] = SLOT_TIER
    for origin, share in shares.items():
        share_of_known = np.where(known & (whole > 0), share[at] / np.where(whole > 0, whole, 1), 0.0)
        for factor, holds in _of_origin(origin, found.starts, factors):
            found.add((factor.id,), np.where(holds, share_of_known * factor.value, 0.0))
    values = np.where(known & ~np.isnan(published), published, 0.0)
    found.add((factors.get(PUBLISHED_ERROR).id,), values, observed.at_meter[at])


def _origin(origin: tuple[str, str], factors: FactorSet) -> bool:
    """Whether the set has a factor of a fuel, or of the zone that an import comes from."""
    kind, name = origin
    return f"fuel.{name}.gwp" in factors.factors if kind == "fuel" else name in zones(factors)


def _of_origin(
    origin: tuple[str, str], starts: Starts, factors: FactorSet
) -> list[tuple[Factor, NDArray[np.bool_]]]:
    """The factors of an origin, and in which slots (n,) each holds: an import has its zone's year."""
    kind, name = origin
    if kind == "fuel":
        return [(factors.get(f"fuel.{name}.gwp"), np.ones(len(starts), bool))]
    years = _years(name, factors, Criterion.GWP)
    chosen = chosen_years(years, starts)
    return [(years[i], chosen == i) for i in np.unique(chosen)]


def intensity_term(
    zone: str,
    start: int,
    factors: FactorSet,
    observed: ObservedSlots | None = None,
    criterion: Criterion = Criterion.GWP,
) -> Term:
    """The tree behind one slot's value of `intensity`. Raises UnknownZone."""
    unit = f"{UNITS[criterion]}/kWh"
    detail = f"{zone}, {datetime.fromtimestamp(start, UTC):%Y-%m-%d %H:%M} UTC"
    reading = None if observed is None or criterion != Criterion.GWP else observed.readings.get(start)
    observed_term = None if reading is None else _reading_term(reading, factors, unit, detail)
    if observed_term is not None and reading is not None:
        return (
            observed_term if reading.at_meter else _at_meter(observed_term, zone, factors, criterion, detail)
        )
    return _at_meter(_year_term(zone, start, factors, criterion, detail), zone, factors, criterion, detail)


def _at_meter(produced: Term, zone: str, factors: FactorSet, criterion: Criterion, detail: str) -> Term:
    """A kWh produced times what has to be produced for a kWh at the meter."""
    lost = losses_leaf(zone, factors, criterion)
    parts = produced.inputs if produced.operation == "product" else (produced,)
    if lost is not None:
        parts = (*parts, lost)
    return product("impact of a kilowatt-hour", produced.unit, parts, detail=detail, tier=produced.tier)


def losses_leaf(zone: str, factors: FactorSet, criterion: Criterion) -> Term | None:
    """What `losses` gives, as a leaf."""
    lost = losses(zone, factors, criterion)
    if lost is None:
        return None
    return leaf("kWh produced for a kWh at the meter", lost.value, "1", "factor", factor=lost.id,
                note=lost.note)  # fmt: skip


def _year_term(zone: str, start: int, factors: FactorSet, criterion: Criterion, detail: str) -> Term:
    """The year's mean, with the day's profile where there is one."""
    unit = f"{UNITS[criterion]}/kWh"
    years = _years(zone, factors, criterion)
    if not years:
        raise UnknownZone(f"no factor of grid zone {zone} gives {criterion}")
    at = start // SLOT_S % SLOTS_PER_DAY
    of_month = _of_month(monthly(zone, factors, criterion), _month(start))
    if of_month is not None:
        return leaf("mean of the month at this quarter hour", float(of_month.kg_per_kwh[at]), unit, "factor",
                    detail=detail, factor=of_month.ids[at], tier="profile", note=of_month.note)  # fmt: skip
    year = years[int(chosen_years(years, np.array([start]))[0])]
    whole = leaf(
        "mean of the year", year.value, unit, "factor", detail=f"{zone}, {year.year}", factor=year.id,
        tier="year", note=year.note,
    )  # fmt: skip
    profile = _profile(zone, factors, criterion)
    if profile is None:
        return whole
    ratio = leaf(
        "quarter hour of the day to the day's mean", float(profile.ratios[at]), "1", "factor",
        detail=detail, factor=profile.ids[at], tier="profile", note=profile.note,
    )  # fmt: skip
    return product("impact of a kilowatt-hour", unit, (whole, ratio), tier="profile")


def _reading_term(reading: GridObservation, factors: FactorSet, unit: str, detail: str) -> Term | None:
    """What was observed: a published intensity, or each origin's share times its factor; None if neither."""
    if reading.kg_per_kwh is not None:
        return leaf("published intensity of the slot", reading.kg_per_kwh, unit, "measured",
                    detail=f"{reading.source}, {detail}", factor=PUBLISHED_ERROR, tier="slot")  # fmt: skip
    shares = {origin: share for origin, share in reading.shares.items() if _origin(origin, factors)}
    whole = sum(shares.values())
    if not whole:
        return None
    parts = []
    for origin, share in sorted(shares.items()):
        (factor,) = [f for f, holds in _of_origin(origin, np.array([reading.start]), factors) if holds[0]]
        of_all = leaf("share of the electricity", share / whole, "1", "measured", detail=reading.source,
                      note="" if len(shares) == len(reading.shares) else OTHER_ORIGINS)  # fmt: skip
        each = leaf("impact of this origin", factor.value, unit, "factor", factor=factor.id, note=factor.note)
        parts.append(product("origin of the electricity", unit, (of_all, each), detail=" ".join(origin)))
    return total("mix of the slot", unit, tuple(parts), detail=detail, tier="slot")


@dataclass(frozen=True)
class _Profile:
    ratios: Array
    ids: tuple[FactorId, ...]
    error: FactorId
    note: str


@dataclass(frozen=True)
class MonthProfile:
    """Impact per kWh produced by quarter hour of the day, UTC (96,), in a month counted from 1970-01."""

    month: int
    kg_per_kwh: Array
    ids: tuple[FactorId, ...]
    error: FactorId
    note: str


def monthly(zone: str, factors: FactorSet, criterion: Criterion) -> dict[int, list[MonthProfile]]:
    """Profiles of months by month of the year from 0, oldest first; a month needs all its 96 and an error."""
    rows: dict[int, dict[str, list[Factor]]] = {}
    for factor in factors.table("grid_profile"):
        kind, _, number = factor.subject.partition(", month ")
        if number and factor.year and factor.zone == zone and factor.criterion == criterion:
            month = (factor.year - FIRST_YEAR) * MONTHS + int(number) - 1
            rows.setdefault(month, {}).setdefault(kind, []).append(factor)
    found: dict[int, list[MonthProfile]] = {}
    for month, kinds in sorted(rows.items()):
        means, errors = kinds.get("electricity", []), kinds.get("profile error", [])
        if len(means) == SLOTS_PER_DAY and len(errors) == 1:
            values = np.array([mean.value for mean in means])
            ids = tuple(mean.id for mean in means)
            of_month = MonthProfile(month, values, ids, errors[0].id, errors[0].range_basis)
            found.setdefault(month % MONTHS, []).append(of_month)
    return found


def _month(start: int) -> int:
    """Month of a second UTC, counted from 1970-01."""
    moment = datetime.fromtimestamp(start, UTC)
    return (moment.year - FIRST_YEAR) * MONTHS + moment.month - 1


def latest_year(zone: str, factors: FactorSet) -> tuple[float, Errors]:
    """Climate impact of a kWh at the meter by the zone's latest year, and its errors. Raises UnknownZone."""
    year, lost = _years(zone, factors, Criterion.GWP)[-1], losses(zone, factors, Criterion.GWP)
    return (year.value, (year.id,)) if lost is None else (year.value * lost.value, (year.id, lost.id))


def losses(zone: str, factors: FactorSet, criterion: Criterion) -> Factor | None:
    """What is produced for a kWh at the meter; None where the zone's factors count the losses already.

    The zone's own, else the one that holds everywhere.
    """
    rows = [f for f in factors.table("grid_losses") if f.criterion == criterion and f.zone in (zone, None)]
    return max(rows, key=lambda factor: factor.zone == zone, default=None)


def _years(zone: str, factors: FactorSet, criterion: Criterion) -> list[Factor]:
    """Yearly factors of a zone and criterion, oldest first. Raises UnknownZone."""
    check_zone(zone, factors)
    found = (f for f in factors.table("grid_year") if f.zone == zone and f.criterion == criterion and f.year)
    return sorted(found, key=lambda factor: factor.year or 0)


def chosen_years(years: list[Factor], starts: Starts) -> NDArray[np.intp]:
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

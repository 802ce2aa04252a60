"""Yearly impact of alternatives for a device: keep, replace, recondition, switch off at night.

Each alternative is computed from the record of the last weeks and embodied impact spread over service lives.
The assumptions are Parcimètre's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import EMBODIED, Criterion
from parcimetre_factors.service_life.amortisation import YEAR_S

from ..access.context import Context
from ..base.periods import DAY_S, Span, since_midnight
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..fleet.hardware import hardware, is_virtual
from ..fleet.monitors import span_of
from ..fleet.purchases import purchase_of
from ..footprint.device_footprints import service_start
from ..footprint.hardware_model import HardwareModel, hardware_models
from .timeline import NO_RECORD, QuarterHours, quarter_hours

DAYS = 28
LEAST_RECORD_S = 3 * DAY_S
LONGER_YEARS = 2.0
EVENING, MORNING = 20, 6
AT_NIGHT_OFF = ("desktop", "laptop", "all_in_one", "mini_pc", "monitor")
Option = Literal["as_now", "extend", "recondition", "replace", "replace_used", "night_off"]
Assumption = Literal[
    "life_goes_on", "life_is_over", "longer_life", "second_life", "new_pays_off", "new_never_pays_off",
    "used_one", "off_at_night",
]  # fmt: skip


@dataclass(frozen=True)
class Alternative:
    """An option: its impact a year in the criterion's unit, the change against as now, and what it assumes.

    `values` are the numbers in the texts of the option and the assumption.
    """

    option: Option
    per_year: float
    change: float | None
    assumption: Assumption
    values: dict[str, float]


@dataclass(frozen=True)
class ServiceLife:
    """A device's service life: beginning (seconds UTC) and its evidence, years and embodied impact.

    `age_years` counts from the beginning.
    """

    began: int
    tier: str
    age_years: float
    years: float
    embodied: float | None
    second_life: int | None

    @property
    def carried(self) -> float:
        """Share of the service life that is over, at most 1."""
        return min(1.0, self.age_years / self.years)

    @property
    def ends(self) -> int:
        """When the service life is over, seconds UTC."""
        return self.began + round(self.years * YEAR_S)


@dataclass(frozen=True)
class Yearly:
    """A device's yearly electricity and its impact, and the part saved by switching it off at night."""

    energy_kwh: float
    use: float
    night_kwh: float
    night_use: float


def service_life_of(context: Context, device: Device, criterion: Criterion) -> ServiceLife | None:
    """Return the service life of a device, None if it never reported or is a virtual machine."""
    reported = span_of(context.store, device)
    if reported is None or is_virtual(device):
        return None
    model = hardware_models(context.factors).of(hardware(device))
    purchase = purchase_of(device, service_start(device, reported[0]))
    age_years = max(0.0, (context.now() - purchase.at) / YEAR_S)
    years = model.embodied.life_years.value
    return ServiceLife(
        purchase.at, purchase.tier, age_years, years, _embodied(model, criterion), purchase.second_life
    )


def _embodied(model: HardwareModel, criterion: Criterion) -> float | None:
    terms = [model.embodied.by_stage.get((criterion, stage)) for stage in EMBODIED]
    known = [term.value for term in terms if term is not None]
    return sum(known) if known else None


def alternatives(context: Context, device: Device, criterion: Criterion) -> list[Alternative]:
    """Return the alternatives for a device: as now first, then the least impact first.

    Empty with less than three days of record, or without a factor for the criterion.
    """
    life = service_life_of(context, device, criterion)
    if life is None or life.embodied is None or device.retired_at is not None:
        return []
    model = hardware_models(context.factors).of(hardware(device))
    recorded = quarter_hours(context, device, _weeks(context), criterion)
    yearly = _yearly(recorded, model, context.zone, device.category in AT_NIGHT_OFF)
    if yearly is None:
        return []
    preparation = model.reconditioning.by_criterion.get(criterion)
    second = (preparation.value, model.reconditioning.life_years.value) if preparation else None
    first, *others = _possible(life, life.embodied, yearly, second)
    return [first, *sorted(others, key=lambda one: one.per_year)]


def _weeks(context: Context) -> Span:
    """The last weeks, to the end of the last closed slot."""
    span = since_midnight(context.now(), context.zone, DAYS)
    return Span(span.first, max(span.first + SLOT_S, span.last - SLOT_S))


def _yearly(
    recorded: QuarterHours, model: HardwareModel, zone: ZoneInfo, off_at_night: bool
) -> Yearly | None:
    """The record of some weeks scaled to a year; None where it is too short or the grid is unknown."""
    covered_s = recorded.seconds[:, :NO_RECORD].sum(axis=1)
    if covered_s.sum() < LEAST_RECORD_S or recorded.per_kwh is None:
        return None
    to_year = YEAR_S / float(covered_s.sum()) / J_PER_KWH
    off = model.watts.get("off")
    saved_j = np.zeros(len(recorded.starts))
    if off_at_night and off is not None:
        idle_j = recorded.energy_j - off.value * covered_s
        saved_j = np.where(is_night(recorded.starts, zone), np.maximum(idle_j, 0.0), 0.0)
    return Yearly(
        float(recorded.energy_j.sum()) * to_year,
        float((recorded.energy_j * recorded.per_kwh).sum()) * to_year,
        float(saved_j.sum()) * to_year,
        float((saved_j * recorded.per_kwh).sum()) * to_year,
    )


def is_night(starts: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.bool_]:
    """Return which slots lie between evening and morning in the organisation's time zone, shape (n,)."""
    hours = {int(hour): datetime.fromtimestamp(int(hour) * 3600, UTC).astimezone(zone).hour
             for hour in np.unique(starts // 3600)}  # fmt: skip
    local = np.array([hours[int(hour)] for hour in starts // 3600])
    return (local >= EVENING) | (local < MORNING)


def _possible(
    life: ServiceLife, embodied: float, yearly: Yearly, second: tuple[float, float] | None
) -> Iterator[Alternative]:
    """Every alternative whose impacts are known, as now first."""
    over = life.carried >= 1.0
    now = yearly.use + (0.0 if over else embodied / life.years)

    def instead(option: Option, per_year: float, assumption: Assumption, **values: float) -> Alternative:
        """An alternative to as now."""
        return Alternative(option, per_year, per_year / now - 1.0 if now else None, assumption, values)

    left = embodied * (1.0 - life.carried)
    yield Alternative("as_now", now, None, "life_is_over" if over else "life_goes_on", {"days": DAYS})
    if not over:
        longer = life.years + LONGER_YEARS
        spread = {"years": LONGER_YEARS, "life": longer, "before": life.years}
        yield instead("extend", yearly.use + embodied / longer, "longer_life", **spread)
    new = yearly.use + (embodied + left) / life.years
    least_kwh = (new - now) / yearly.use * yearly.energy_kwh if yearly.use else np.inf
    if least_kwh < yearly.energy_kwh:
        yield instead("replace", new, "new_pays_off", kwh=least_kwh)
    else:
        yield instead("replace", new, "new_never_pays_off")
    if second is not None:
        preparation, years = second
        yield instead("recondition", yearly.use + preparation / years, "second_life", life=years)
        yield instead("replace_used", yearly.use + (preparation + left) / years, "used_one", life=years)
    if yearly.night_kwh > 0:
        hours = {"evening": EVENING, "morning": MORNING, "kwh": yearly.night_kwh}
        yield instead("night_off", now - yearly.night_use, "off_at_night", **hours)

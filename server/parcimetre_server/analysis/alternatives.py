"""What a device would cost a year if something else were done with it, by the factors that there are.

Each alternative is plain arithmetic on the record of the last weeks and on embodied impact spread over
service lives; it names what it assumes. The assumptions are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import EMBODIED, Criterion
from parcimetre_factors.service_life.amortisation import YEAR_S

from ..access.context import Context
from ..base.i18n import N_
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
AS_NOW = N_("Continue as now")
EXTEND = N_("Keep it {years} years longer")
RECONDITION = N_("Recondition it for a second life")
REPLACE = N_("Replace it now with a new one")
REPLACE_USED = N_("Replace it now with a reconditioned one")
AT_NIGHT = N_("Switch it off at night")
KEPT = N_(
    "Assumes the electricity use of the last {days} days; its embodied impact is spread over its "
    "service life."
)
OVER = N_("Assumes the electricity use of the last {days} days; its service life is over.")
LONGER = N_(
    "Assumes the same electricity use; its embodied impact is spread over {life} years instead of {before}."
)
PREPARED = N_(
    "Assumes the same electricity use; the impact of reconditioning is spread over a second life of "
    "{life} years."
)
NEW = N_(
    "Assumes that a new device has the same embodied impact and uses the same electricity; the "
    "unused service life of the old one counts too. The new one must use {kwh} kWh a year less to "
    "be worth it."
)
NEW_NEVER = N_(
    "Assumes that a new device has the same embodied impact; the unused service life of the old one "
    "counts too. Even with no electricity use at all, replacing is not worth it."
)
USED = N_(
    "Assumes the same electricity use; its preparation and the unused service life of the old one "
    "are spread over {life} years."
)
OFF = N_(
    "Assumes that it uses no more from {evening} to {morning} o'clock than when it is off: {kwh} "
    "kWh a year less."
)


@dataclass(frozen=True)
class Alternative:
    """One thing to do: impact a year in the criterion's unit, its change to as now, and what is assumed."""

    name: str
    per_year: float
    change: float | None
    assumed: str
    values: dict[str, float]


@dataclass(frozen=True)
class ServiceLife:
    """A device's service life: when it began and how that is known, its years, and impact of making it.

    `carried` is the share of it that has accrued; `age_years` counts from the beginning.
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
    """What a device takes a year by its record: kWh, their impact, and what nights off would spare."""

    energy_kwh: float
    use: float
    night_kwh: float
    night_use: float


def life_of(context: Context, device: Device, criterion: Criterion) -> ServiceLife | None:
    """The service life of a device that has reported; a virtual machine has none of its own."""
    reported = span_of(context.store, device)
    if reported is None or is_virtual(device):
        return None
    profile = hardware_models(context.factors).of(hardware(device))
    bought = purchase_of(device, service_start(device, reported[0]))
    age_years = max(0.0, (context.now() - bought.at) / YEAR_S)
    years = profile.embodied.life_years.value
    return ServiceLife(
        bought.at, bought.tier, age_years, years, _embodied(profile, criterion), bought.second_life
    )


def _embodied(profile: HardwareModel, criterion: Criterion) -> float | None:
    terms = [profile.embodied.by_stage.get((criterion, stage)) for stage in EMBODIED]
    known = [term.value for term in terms if term is not None]
    return sum(known) if known else None


def alternatives(context: Context, device: Device, criterion: Criterion) -> list[Alternative]:
    """What could be done with a device, as now first, then the least first.

    Nothing where too little is known: less than three days of record, or no factor for the criterion.
    """
    life = life_of(context, device, criterion)
    if life is None or life.embodied is None or device.retired_at is not None:
        return []
    profile = hardware_models(context.factors).of(hardware(device))
    recorded = quarter_hours(context, device, _weeks(context), criterion)
    yearly = _yearly(recorded, profile, context.zone, device.category in AT_NIGHT_OFF)
    if yearly is None:
        return []
    preparation = profile.reconditioning.by_criterion.get(criterion)
    second = (preparation.value, profile.reconditioning.life_years.value) if preparation else None
    first, *others = _possible(life, life.embodied, yearly, second)
    return [first, *sorted(others, key=lambda one: one.per_year)]


def _weeks(context: Context) -> Span:
    """The last weeks, to the end of the last slot that is over."""
    span = since_midnight(context.now(), context.zone, DAYS)
    return Span(span.first, max(span.first + SLOT_S, span.last - SLOT_S))


def _yearly(found: QuarterHours, profile: HardwareModel, zone: ZoneInfo, off_at_night: bool) -> Yearly | None:
    """The record of some weeks as a year; None where there is too little of it or no grid."""
    covered_s = found.seconds[:, :NO_RECORD].sum(axis=1)
    if covered_s.sum() < LEAST_RECORD_S or found.per_kwh is None:
        return None
    to_year = YEAR_S / float(covered_s.sum()) / J_PER_KWH
    off = profile.watts.get("off")
    spared_j = np.zeros(len(found.starts))
    if off_at_night and off is not None:
        idle_j = found.energy_j - off.value * covered_s
        spared_j = np.where(is_night(found.starts, zone), np.maximum(idle_j, 0.0), 0.0)
    return Yearly(
        float(found.energy_j.sum()) * to_year,
        float((found.energy_j * found.per_kwh).sum()) * to_year,
        float(spared_j.sum()) * to_year,
        float((spared_j * found.per_kwh).sum()) * to_year,
    )


def is_night(starts: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.bool_]:
    """Which slots lie between evening and morning of the organisation's time zone, shape (n,)."""
    hours = {int(hour): datetime.fromtimestamp(int(hour) * 3600, UTC).astimezone(zone).hour
             for hour in np.unique(starts // 3600)}  # fmt: skip
    local = np.array([hours[int(hour)] for hour in starts // 3600])
    return (local >= EVENING) | (local < MORNING)


def _possible(
    life: ServiceLife, embodied: float, yearly: Yearly, second: tuple[float, float] | None
) -> Iterator[Alternative]:
    """Every alternative of which the parts are known, as now first."""
    over = life.carried >= 1.0
    now = yearly.use + (0.0 if over else embodied / life.years)

    def instead(name: str, per_year: float, assumed: str, **values: float) -> Alternative:
        """One of them, beside as now."""
        return Alternative(name, per_year, per_year / now - 1.0 if now else None, assumed, values)

    left = embodied * (1.0 - life.carried)
    yield Alternative(AS_NOW, now, None, OVER if over else KEPT, {"days": DAYS})
    if not over:
        longer = life.years + LONGER_YEARS
        spread = {"years": LONGER_YEARS, "life": longer, "before": life.years}
        yield instead(EXTEND, yearly.use + embodied / longer, LONGER, **spread)
    new = yearly.use + (embodied + left) / life.years
    least_kwh = (new - now) / yearly.use * yearly.energy_kwh if yearly.use else np.inf
    if least_kwh < yearly.energy_kwh:
        yield instead(REPLACE, new, NEW, kwh=least_kwh)
    else:
        yield instead(REPLACE, new, NEW_NEVER)
    if second is not None:
        preparation, years = second
        yield instead(RECONDITION, yearly.use + preparation / years, PREPARED, life=years)
        yield instead(REPLACE_USED, yearly.use + (preparation + left) / years, USED, life=years)
    if yearly.night_kwh > 0:
        hours = {"evening": EVENING, "morning": MORNING, "kwh": yearly.night_kwh}
        yield instead(AT_NIGHT, now - yearly.night_use, OFF, **hours)

"""Timeline of one device by quarter hour: its state and power, and the grid intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.power.power_sources import select_power_source

from ..access.context import Context
from ..base.periods import Periods, Span, cut
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..fleet.hardware import hardware, is_virtual
from ..fleet.monitors import of_device
from ..footprint.energy_use import Array
from ..footprint.grid_intensity import Grid
from ..footprint.hardware_model import hardware_models

STATES = ("awake", "asleep", "off", "no_record")
NO_RECORD = len(STATES) - 1


@dataclass(frozen=True)
class QuarterHours:
    """Every slot of a span (n,): the longest state as an index into STATES, mean watts over recorded time,
    seconds in each state (n, 4), and the grid intensity in the criterion's unit per kWh, None if unknown.
    """

    starts: NDArray[np.int64]
    state: NDArray[np.intp]
    watts: Array
    seconds: Array
    per_kwh: Array | None
    days: Periods

    @property
    def energy_j(self) -> Array:
        """Energy at the wall (n,)."""
        covered_s: Array = self.seconds[:, :NO_RECORD].sum(axis=1)
        return self.watts * covered_s

    @property
    def day(self) -> NDArray[np.intp]:
        """The day of the organisation of each slot (n,), as an index into `days`."""
        return self.days.index(self.starts)


@dataclass(frozen=True)
class TimelineDay:
    """A day of a device: seconds in each of STATES, its electricity, and the mean grid intensity."""

    name: str
    seconds: tuple[float, ...]
    energy_kwh: float
    per_kwh: float | None


def quarter_hours(context: Context, device: Device, span: Span, criterion: Criterion) -> QuarterHours:
    """Return the quarter hours of a device over a span; a monitor's are derived from its computers."""
    starts = np.arange(span.first, span.last, SLOT_S, dtype=np.int64)
    activity = of_device(context.store, device, span).activity
    model = hardware_models(context.factors).of(hardware(device))
    sourced = select_power_source(activity, model.watts, is_virtual(device), model.supply)
    at = (activity.start - span.first) // SLOT_S
    seconds = np.zeros((len(starts), len(STATES)))
    seconds[at] = np.column_stack([activity.awake_s, activity.asleep_s, activity.off_s, np.zeros(len(at))])
    covered_s = seconds.sum(axis=1)
    seconds[:, NO_RECORD] = SLOT_S - covered_s
    energy_j = np.zeros(len(starts))
    energy_j[at] = sourced.energy_j
    watts = np.divide(energy_j, covered_s, out=np.zeros_like(energy_j), where=covered_s > 0)
    grid = Grid(context, span, criterion).of_device(device)
    return QuarterHours(
        starts,
        np.where(covered_s > 0, seconds[:, :NO_RECORD].argmax(axis=1), NO_RECORD),
        watts,
        seconds,
        None if grid is None else grid.kg_per_kwh,
        cut(span, "day", context.zone),
    )


def by_day(hours: QuarterHours) -> list[TimelineDay]:
    """Return the days of the span, latest first; the grid's mean is not weighted by the device's use."""
    days = []
    for i, name in enumerate(hours.days.names):
        inside = hours.day == i
        days.append(
            TimelineDay(
                name,
                tuple(hours.seconds[inside].sum(axis=0).tolist()),
                float(hours.energy_j[inside].sum()) / J_PER_KWH,
                None if hours.per_kwh is None else float(hours.per_kwh[inside].mean()),
            )
        )
    return days[::-1]

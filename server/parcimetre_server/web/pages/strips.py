"""The heat strips of a device's page: power and state in each quarter hour, and the grid intensity."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ...analysis.timeline import STATES, QuarterHours
from .heat import Strip, columns_of, levels, limits, strip

AWAKE = STATES.index("awake")
Colours = list[str]


def use_strip(found: QuarterHours, zone: ZoneInfo) -> Strip:
    """Watts while awake in levels, else the state's own colour; nothing where there is no record."""
    ends = limits(found.watts)
    colours = [
        f"watts{level + 1}" if state == AWAKE else "" if STATES[state] == "no_record" else STATES[state]
        for state, level in zip(found.state.tolist(), levels(found.watts, ends).tolist(), strict=True)
    ]
    return _strip(colours, found, zone, ends)


def grid_strip(found: QuarterHours, zone: ZoneInfo) -> Strip | None:
    """The grid's impact per kWh in levels; None where no factor knows it."""
    if found.per_kwh is None:
        return None
    ends = limits(found.per_kwh)
    return _strip([f"grid{level + 1}" for level in levels(found.per_kwh, ends).tolist()], found, zone, ends)


def _strip(colours: Colours, found: QuarterHours, zone: ZoneInfo, ends: tuple[float, ...]) -> Strip:
    day: NDArray[np.intp] = found.day
    return strip(colours, columns_of(found.starts, zone), day, found.days.names, ends)

"""Working hours of an organisation: workdays from 7 to 20 o'clock in its time zone; else night or weekend.

Public holidays are workdays here.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

OPENS, CLOSES, WORKDAYS = 7, 20, 5
WORKING, NIGHT, WEEKEND = 0, 1, 2


def week_parts(first: int, last: int, step_s: int, zone: ZoneInfo) -> NDArray[np.int64]:
    """Return the part of the week in which each period of `step_s` begins, from `first` to `last` (s UTC)."""
    local = [datetime.fromtimestamp(start, zone) for start in range(first, last, step_s)]
    return np.array([_part(at) for at in local], np.int64)


def _part(at: datetime) -> int:
    if at.weekday() >= WORKDAYS:
        return WEEKEND
    return WORKING if OPENS <= at.hour < CLOSES else NIGHT

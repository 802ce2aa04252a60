"""Regular roll-up of older records, once the hours of groups of devices are stored apart."""

from __future__ import annotations

from ..access.context import Context
from ..analysis.hourly_energy import store_hourly_energy
from ..base.periods import DAY_S
from ..fleet.retention import Retained, retain


def roll_up_older(context: Context, slots_days: int, hours_days: int, dry_run: bool = False) -> Retained:
    """Roll up days older than `slots_days` to hours and older than `hours_days` to days; 0: never.

    A dry run only counts.
    """
    now = context.now()
    if hours_days and not dry_run:
        store_hourly_energy(context, now // DAY_S - hours_days)
    return retain(context.store, now, context.zone, slots_days, hours_days, dry_run)

"""How embodied impact is spread over time: a stated policy, straight-line over the service life."""

from __future__ import annotations

from .activity import SLOT_S
from .errors import BadLife
from .explain import Term, leaf, product, quotient

YEAR_S = 365.25 * 86_400
SLOTS_PER_YEAR = leaf("quarter hours in a year", YEAR_S / SLOT_S, "slot/year", "constant")


def straight_line_per_slot(total: Term, life_years: Term) -> Term:
    """Spread an embodied impact evenly over the service life: impact per slot.

    Method: straight-line, by time in service; ours in taking slots and not years.
    Raises BadLife when the life is not positive.
    """
    if life_years.value <= 0:
        raise BadLife(
            f"a service life of {life_years.value} years cannot carry an impact; it must be positive"
        )
    slots = product("service life in quarter hours", "slot", (life_years, SLOTS_PER_YEAR))
    return quotient(total.label, f"{total.unit}/slot", (total, slots), detail=total.detail)


def life_end(bought: int, life_years: float) -> int:
    """When the service life is over, seconds UTC, for a device bought at `bought`."""
    return bought + round(life_years * YEAR_S)

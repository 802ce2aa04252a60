"""How embodied impact is spread over time: a stated policy, in units of what it counts by."""

from __future__ import annotations

from enum import StrEnum

from ..activity import SLOT_S
from ..errors import BadLife
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product, quotient
from ..tables.factor_set import FactorSet

YEAR_S = 365.25 * 86_400
SLOTS_PER_YEAR = leaf("quarter hours in a year", YEAR_S / SLOT_S, "slot/year", "constant")
YEAR_OF_PURCHASE = leaf("year of purchase", 1.0, "year", "constant")
OTHER = "other"


class Policy(StrEnum):
    """What carries embodied impact: each quarter hour of the service life, the calendar year of purchase
    (GHG Protocol, capital goods), or each hour in which the device is active.
    """

    SERVICE_LIFE = "service_life"
    PURCHASE_YEAR = "purchase_year"
    ACTIVE_HOUR = "active_hour"


COUNTED = {Policy.SERVICE_LIFE: "slot", Policy.PURCHASE_YEAR: "year", Policy.ACTIVE_HOUR: "hour"}


def per_unit(policy: Policy, total: Term, life_years: Term, hours_per_year: Term) -> Term:
    """Impact of one slot of the service life, of the year of purchase, or of one active hour.

    Method: straight-line over what the policy counts by; ours in taking slots and not years.
    Raises BadLife when the life is not positive.
    """
    if life_years.value <= 0:
        raise BadLife(
            f"a service life of {life_years.value} years cannot carry an impact; it must be positive"
        )
    match policy:
        case Policy.SERVICE_LIFE:
            whole = product("service life in quarter hours", "slot", (life_years, SLOTS_PER_YEAR))
        case Policy.PURCHASE_YEAR:
            whole = YEAR_OF_PURCHASE
        case Policy.ACTIVE_HOUR:
            whole = product("active hours of the service life", "hour", (life_years, hours_per_year))
    return quotient(total.label, f"{total.unit}/{whole.unit}", (total, whole), detail=total.detail)


def active_hours(category: str, factors: FactorSet) -> Term:
    """Hours a year in which a device of this category is usually active."""
    known = f"life.hours.{category}"
    return factor_leaf(
        "active hours in a year",
        known if known in factors.factors else f"life.hours.{OTHER}",
        factors,
        detail=category,
    )


def life_end(bought: int, life_years: float) -> int:
    """When the service life is over, seconds UTC, for a device bought at `bought`."""
    return bought + round(life_years * YEAR_S)

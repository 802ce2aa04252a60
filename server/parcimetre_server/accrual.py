"""How much of a device's embodied impact falls into each period, in units of the amortisation policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.amortisation import YEAR_S, Policy, life_end
from parcimetre_factors.purchase import Purchase

from .devices import Device
from .periods import HOUR_S, Periods
from .profiles import Profile

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Service:
    """A device's time in service, seconds UTC; `last` is now, or when it was retired.

    What its life has left falls on `last` when it was `scrapped`; it goes with the device otherwise. `since`
    and `until` bound what an org unit carries, where the device was transferred.
    """

    first: int
    last: int
    now: int
    scrapped: bool
    purchase: Purchase
    since: int
    until: int


@dataclass(frozen=True)
class Life:
    """Years that carry an impact from `begins`, seconds UTC, and the active hours of a year."""

    begins: int
    years: float
    hours_per_year: float

    @property
    def ends(self) -> int:
        """When nothing is left to accrue, seconds UTC."""
        return life_end(self.begins, self.years)


def service_of(device: Device, first: int, now: int, bought: Purchase) -> Service:
    """The service, at its stay, of a device that was put to use at `first`."""
    last = now if device.retired_at is None else min(now, device.retired_at)
    scrapped = device.scrapped and last < now and device.since <= last < device.until
    since, until = device.since, device.until
    return Service(max(first, since), min(last, until), now, scrapped, bought, since, until)


def policy_for(asked: Policy, purchase: Purchase) -> Policy:
    """The policy that was asked for; the service life where it needs a year of purchase that is not known."""
    unknown = purchase.tier == "unknown" and purchase.second_life is None
    return Policy.SERVICE_LIFE if asked == Policy.PURCHASE_YEAR and unknown else asked


def first_life(profile: Profile, purchase: Purchase, policy: Policy) -> Life | None:
    """The life that carries what making a device cost; None where another owner's year has carried it."""
    if policy == Policy.PURCHASE_YEAR and purchase.second_life is not None:
        return None
    return Life(purchase.at, profile.embodied.life_years.value, profile.hours_per_year.value)


def second_life(profile: Profile, purchase: Purchase) -> Life | None:
    """The life that carries what reconditioning a device cost, if it was bought reconditioned."""
    if purchase.second_life is None:
        return None
    years = profile.reconditioning.life_years.value
    return Life(purchase.second_life, years, profile.hours_per_year.value)


def accrued(
    policy: Policy,
    life: Life | None,
    service: Service,
    periods: Periods,
    activity: Activity | None,
    zone: ZoneInfo,
) -> Array:
    """Slots in service, share of the year of purchase or active hours of a life, by period (p,)."""
    if life is None:
        return np.zeros(len(periods.names))
    first, last = max(service.first, life.begins), min(service.last, life.ends)
    match policy:
        case Policy.PURCHASE_YEAR:
            begin, end = _year(life.begins, zone)
            held = max(begin, service.since), min(end, service.now, service.until)
            return periods.seconds(*held) / (end - begin)
        case Policy.ACTIVE_HOUR:
            left = _left(life, service, periods) / YEAR_S * life.hours_per_year
            return left + _active_s(first, last, periods, activity) / HOUR_S
        case Policy.SERVICE_LIFE:
            return (periods.seconds(first, last) + _left(life, service, periods)) / SLOT_S


def _left(life: Life, service: Service, periods: Periods) -> Array:
    """Seconds of life left when a device was scrapped, in the period in which it was."""
    left = np.zeros(len(periods.names))
    edges = periods.edges
    if service.scrapped and service.last < life.ends and edges[0] <= service.last < edges[-1]:
        left[periods.index(np.array([service.last]))] = life.ends - max(service.last, life.begins)
    return left


def _active_s(first: int, last: int, periods: Periods, activity: Activity | None) -> Array:
    """Seconds awake of the slots that begin between two times, by period."""
    if activity is None:
        return np.zeros(len(periods.names))
    inside = (activity.start + SLOT_S > first) & (activity.start < last)
    at = periods.index(activity.start[inside])
    return np.bincount(at, activity.awake_s[inside], len(periods.names)).astype(np.float64)


def _year(second: int, zone: ZoneInfo) -> tuple[int, int]:
    """First second of the organisation's year that holds a time, and of the next year."""
    year = datetime.fromtimestamp(second, zone).year
    first, following = (datetime(which, 1, 1, tzinfo=zone) for which in (year, year + 1))
    return int(first.timestamp()), int(following.timestamp())

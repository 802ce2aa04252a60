"""Accrual of embodied impact by period, in units of the amortisation policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.service_life.amortisation import YEAR_S, Policy, life_end
from parcimetre_factors.service_life.purchase import Purchase

from ..base.periods import HOUR_S, LAST_SECOND, Periods
from ..fleet.device import Device
from .energy_use import DeviceSlots
from .hardware_model import HardwareModel

Array = NDArray[np.float64]
Times = int | NDArray[np.int64]
Flags = bool | NDArray[np.bool_]


@dataclass(frozen=True)
class Service:
    """A device's time in service, seconds UTC; `last` is now, or when it was retired.

    The rest of its life accrues at `last` when it was `scrapped`; it goes with the device otherwise. `since`
    and `until` bound the placement, where the device was transferred. Of n devices the times and `scrapped`
    are (n,), and the purchase is that of the first.
    """

    first: Times
    last: Times
    now: int
    scrapped: Flags
    purchase: Purchase
    since: Times
    until: Times


@dataclass(frozen=True)
class Life:
    """Years that carry an impact from `begins`, seconds UTC, and the active hours of a year.

    Of n devices of a cohort `begins` is (n,).
    """

    begins: Times
    years: float
    hours_per_year: float

    @property
    def ends(self) -> Times:
        """When the life is over, seconds UTC."""
        return self.begins + life_end(0, self.years)


def service_of(device: Device, first: int, now: int, purchase: Purchase) -> Service:
    """Return the service of a device at one placement; it was put to use at `first`, seconds UTC."""
    return _service(first, _retired_at(device), device.scrapped, device.since, device.until, now, purchase)


def services_of(
    devices: Sequence[Device], firsts: Sequence[int], now: int, purchases: Sequence[Purchase]
) -> Service:
    """Return the services of n devices as one, with arrays (n,)."""
    first, retired, since, until = (
        np.array(times, np.int64)
        for times in (
            firsts,
            [_retired_at(device) for device in devices],
            [device.since for device in devices],
            [device.until for device in devices],
        )
    )
    scrapped = np.array([device.scrapped for device in devices], np.bool_)
    return _service(first, retired, scrapped, since, until, now, purchases[0])


def _retired_at(device: Device) -> int:
    return LAST_SECOND if device.retired_at is None else device.retired_at


def _service(
    first: Times, retired: Times, scrapped: Flags, since: Times, until: Times, now: int, purchase: Purchase
) -> Service:
    last = np.minimum(now, retired)
    ended = scrapped & (last < now) & (since <= last) & (last < until)
    return Service(np.maximum(first, since), np.minimum(last, until), now, ended, purchase, since, until)


def policy_for(requested: Policy, purchase: Purchase) -> Policy:
    """Return the requested policy, or the service life where the year of purchase it needs is unknown."""
    unknown = purchase.tier == "unknown" and purchase.second_life is None
    return Policy.SERVICE_LIFE if requested == Policy.PURCHASE_YEAR and unknown else requested


def first_life(model: HardwareModel, purchase: Purchase, policy: Policy) -> Life | None:
    """Return the life that carries the manufacturing impact; None where a former owner's year carried it."""
    if policy == Policy.PURCHASE_YEAR and purchase.second_life is not None:
        return None
    return Life(purchase.at, model.embodied.life_years.value, model.hours_per_year.value)


def second_life(model: HardwareModel, purchase: Purchase) -> Life | None:
    """Return the life that carries the reconditioning impact; None for a device that was bought new."""
    if purchase.second_life is None:
        return None
    years = model.reconditioning.life_years.value
    return Life(purchase.second_life, years, model.hours_per_year.value)


def lives_of(
    model: HardwareModel, purchases: Sequence[Purchase], policy: Policy
) -> tuple[Life | None, Life | None]:
    """Return the first and the second life of n devices of a cohort, with beginnings (n,)."""
    first, second = first_life(model, purchases[0], policy), second_life(model, purchases[0])
    if first is not None:
        first = replace(first, begins=np.array([purchase.at for purchase in purchases], np.int64))
    if second is not None:
        begins = [purchase.second_life for purchase in purchases]
        second = replace(second, begins=np.array(begins, np.int64))
    return first, second


def accrued(
    policy: Policy,
    life: Life | None,
    service: Service,
    periods: Periods,
    slots: DeviceSlots | None,
    zone: ZoneInfo,
) -> Array:
    """Return the slots in service, share of the year of purchase or active hours of a life, by period: (p,)
    of one device, (n, p) of n.
    """
    if life is None:
        return np.zeros((*np.shape(service.first), len(periods.names)))
    first, last = np.maximum(service.first, life.begins), np.minimum(service.last, life.ends)
    match policy:
        case Policy.PURCHASE_YEAR:
            years = np.array([_year(int(begins), zone) for begins in np.ravel(life.begins)], np.int64)
            begin, end = (edge.reshape(np.shape(life.begins)) for edge in years.T)
            ended = np.minimum(np.minimum(end, service.now), service.until)
            share: Array = periods.seconds(np.maximum(begin, service.since), ended) / (end - begin)[..., None]
            return share
        case Policy.ACTIVE_HOUR:
            left = _left(life, service, periods) / YEAR_S * life.hours_per_year
            return left + _active_s(first, last, periods, slots) / HOUR_S
        case Policy.SERVICE_LIFE:
            return (periods.seconds(first, last) + _left(life, service, periods)) / SLOT_S


def _left(life: Life, service: Service, periods: Periods) -> Array:
    """Seconds of life left when a device was scrapped, in the period of its scrapping."""
    last = np.asarray(service.last)
    falls = np.asarray(service.scrapped) & (last < life.ends)
    left = np.where(falls, life.ends - np.maximum(last, life.begins), 0.0)[..., None]
    begins, ends = periods.edges[:-1], periods.edges[1:]
    in_period: Array = np.where((begins <= last[..., None]) & (last[..., None] < ends), left, 0.0)
    return in_period


def _active_s(first: Times, last: Times, periods: Periods, slots: DeviceSlots | None) -> Array:
    """Seconds awake of the slots that begin between two times, by period."""
    p = len(periods.names)
    if slots is None:
        return np.zeros((*np.shape(first), p))
    start, n = slots.activity.start, slots.n
    begin, end = (np.broadcast_to(edge, (n,))[slots.owner] for edge in (first, last))
    inside = (start + SLOT_S > begin) & (start < end)
    cells = slots.owner[inside] * p + periods.index(start[inside])
    summed = np.bincount(cells, slots.activity.awake_s[inside], n * p).astype(np.float64)
    return summed.reshape((*np.shape(first), p))


@lru_cache(maxsize=4096)
def _year(second: int, zone: ZoneInfo) -> tuple[int, int]:
    """First second of the organisation's year around a time, and of the next year."""
    year = datetime.fromtimestamp(second, zone).year
    first, following = (datetime(which, 1, 1, tzinfo=zone) for which in (year, year + 1))
    return int(first.timestamp()), int(following.timestamp())

"""The figures of one device over a span: energy, use impact and embodied impact, by period.

Embodied impact accrues by the amortisation policy, use where a slot has a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.amortisation import Policy
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.explain import Term
from parcimetre_factors.factor import FactorSet
from parcimetre_factors.grid import TIERS, GridSlots, intensity, intensity_term
from parcimetre_factors.market import Contract, market, market_term, with_contracts
from parcimetre_factors.observed import Observed
from parcimetre_factors.purchase import Purchase

from .accrual import accrued, first_life, policy_for, second_life, service_of
from .collector import Collector
from .contracts import Electricity, contracts, of_device
from .devices import Device
from .hardware import hardware, is_virtual
from .observations import observations
from .periods import Periods, Span
from .profiles import Errors, Profile, Profiles
from .purchases import purchase_of
from .rungs import RUNGS, choose

Array = NDArray[np.float64]
J_PER_KWH = 3.6e6


@dataclass(frozen=True)
class DeviceFigure:
    """One device over p periods; arrays are (r, p) by rung and period, or (p,) by period.

    `use` is None where no factor knows the criterion; `use_by_errors` is the same by the errors it carries.
    `accrued` and `reconditioned` are in units of the `policy`: of what making it cost, and of what preparing
    its second life did, if it is in its second. `tier_j` is the energy by tier of the grid's evidence, none
    where no factor knows the criterion.
    """

    device: Device
    criterion: Criterion
    profile: Profile
    energy_j: Array
    measured_j: Array
    covered_s: Array
    expected_s: Array
    accrued: Array
    reconditioned: Array | None
    use: Array | None
    use_by_errors: Mapping[Errors, Array]
    tier_j: Mapping[str, Array]
    absent: frozenset[Stage]
    purchase: Purchase
    policy: Policy


def nothing(figure: DeviceFigure) -> Array:
    """Zero in each period, shape (p,)."""
    return np.zeros_like(figure.covered_s)


class Grid:
    """Grid intensity over one span for one criterion, computed once a zone and its contracts.

    `electricity` says what it is based on: contracts count for gwp alone. `factors` hold them where they do.
    """

    def __init__(
        self, collector: Collector, within: Span, criterion: Criterion, electricity: Electricity = "location"
    ) -> None:
        self.criterion = criterion
        self.electricity: Electricity = electricity if criterion == Criterion.GWP else "location"
        self._held = contracts(collector.store) if self.electricity == "market" else []
        self.factors: FactorSet = with_contracts(collector.factors, (held.contract for held in self._held))
        self._market: dict[tuple[str, tuple[Contract, ...]], GridSlots] = {}
        self._collector = collector
        self._within = within
        self._first = within.first
        self._starts = np.arange(within.first, within.last, SLOT_S, dtype=np.int64)
        self._known: dict[str, GridSlots | None] = {}
        self._observed: dict[str, Observed | None] = {}

    def of(self, zone: str) -> GridSlots | None:
        """Intensity in every slot of the span, or None where no factor knows the criterion."""
        if zone not in self._known:
            factors, observed = self._collector.factors, self.observed(zone)
            self._known[zone] = intensity(zone, self._starts, factors, observed, self.criterion)
        return self._known[zone]

    def of_device(self, device: Device) -> GridSlots | None:
        """The same for a device: of its zone, or of its contracts where they are asked for."""
        located = self.of(device.zone)
        if self.electricity == "location" or located is None:
            return located
        supplied = (device.zone, of_device(self._held, device))
        if supplied not in self._market:
            self._market[supplied] = market(located, self._starts, *supplied, self.factors)
        return self._market[supplied]

    def term_of_device(self, device: Device, start: int) -> Term:
        """The tree behind one slot of `of_device`. Raises UnknownZone."""
        located = self.term(device.zone, start)
        if self.electricity == "location":
            return located
        return market_term(located, start, device.zone, of_device(self._held, device), self.factors)

    def observed(self, zone: str) -> Observed | None:
        """What feeds have stated of the zone's slots."""
        if zone not in self._observed:
            within = self._within
            self._observed[zone] = observations(self._collector.store, zone, within.first, within.last)
        return self._observed[zone]

    def term(self, zone: str, start: int) -> Term:
        """The tree behind one slot's intensity. Raises UnknownZone."""
        return intensity_term(zone, start, self._collector.factors, self.observed(zone), self.criterion)

    def index(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each slot stands in what `of` gives."""
        return (starts - self._first) // SLOT_S


@dataclass(frozen=True)
class Frame:
    """What the figures of all devices of a query share."""

    known: Profiles
    grid: Grid
    periods: Periods
    now: int
    policy: Policy
    zone: ZoneInfo


def put_to_use(device: Device, first_slot: int) -> int:
    """When a device began to serve: its enrolment if that fell into its first slot, else that slot."""
    return max(first_slot, device.enrolled_at) if device.enrolled_at < first_slot + SLOT_S else first_slot


def figure_of(device: Device, frame: Frame, activity: Activity | None, first_slot: int) -> DeviceFigure:
    """The figures of a device that reports since `first_slot`, with its activity of the span if any."""
    profile = frame.known.of(hardware(device))
    began = put_to_use(device, first_slot)
    periods, grid = frame.periods, frame.grid
    slots = grid.of_device(device)
    service = service_of(device, began, frame.now, purchase_of(device, began))
    policy = policy_for(frame.policy, service.purchase)
    first, second = first_life(profile, service.purchase, policy), second_life(profile, service.purchase)
    used = _nothing_used(len(periods.names)) if activity is None else _used(device, profile, frame, activity)

    return DeviceFigure(
        device=device,
        criterion=grid.criterion,
        profile=profile,
        energy_j=used.energy_j,
        measured_j=used.measured_j,
        covered_s=used.covered_s,
        expected_s=periods.seconds(service.first, service.last),
        accrued=accrued(policy, first, service, periods, activity, frame.zone),
        reconditioned=accrued(policy, second, service, periods, activity, frame.zone) if second else None,
        use=None if slots is None else sum(used.by_errors.values(), np.zeros_like(used.energy_j)),
        use_by_errors=used.by_errors,
        tier_j=used.tier_j,
        absent=profile.absent(grid.criterion, second is not None)
        | (frozenset({Stage.USE}) if slots is None else frozenset()),
        purchase=service.purchase,
        policy=policy,
    )


@dataclass(frozen=True)
class _Used:
    """Energy and impact of use by rung and period (r, p), and covered time by period (p,)."""

    energy_j: Array
    measured_j: Array
    covered_s: Array
    by_errors: dict[Errors, Array]
    tier_j: dict[str, Array]


def _nothing_used(p: int) -> _Used:
    return _Used(np.zeros((len(RUNGS), p)), np.zeros((len(RUNGS), p)), np.zeros(p), {}, {})


def _used(device: Device, profile: Profile, frame: Frame, activity: Activity) -> _Used:
    chosen = choose(activity, profile.watts, is_virtual(device))
    p = len(frame.periods.names)
    at = frame.periods.index(activity.start)
    cells = chosen.rung.astype(np.intp) * p + at

    def binned(values: Array) -> Array:
        """Values added up by rung and period."""
        return np.bincount(cells, values, len(RUNGS) * p).astype(np.float64).reshape(len(RUNGS), p)

    by_errors: dict[Errors, Array] = {}
    tier_j: dict[str, Array] = {}
    slots = frame.grid.of_device(device)
    if slots is not None:
        index = frame.grid.index(activity.start)
        for errors, kg_per_kwh in slots.parts.items():
            per_j = kg_per_kwh[index] / J_PER_KWH
            if per_j.any():
                by_errors[tuple(sorted(errors))] = binned(chosen.counted_j * per_j)
                by_errors[tuple(sorted((profile.power.error, *errors)))] = binned(chosen.modelled_j * per_j)
        tiers = slots.tier[index]
        tier_j = {
            TIERS[tier]: binned(np.where(tiers == tier, chosen.energy_j, 0.0)) for tier in np.unique(tiers)
        }
    covered_s = np.bincount(at, activity.covered_s, p).astype(np.float64)
    return _Used(binned(chosen.energy_j), binned(chosen.measured_j), covered_s, by_errors, tier_j)

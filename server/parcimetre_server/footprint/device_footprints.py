"""Footprints of cohorts: energy, use impact and embodied impact by device and period.

Embodied impact accrues by the amortisation policy; use is counted in slots with a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.grid.intensity import GridSlots
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.service_life.purchase import Purchase

from ..base.periods import LAST_SECOND, Periods
from ..fleet.device import Device
from ..fleet.purchases import purchase_of
from ..organisation.left_out import FAULTS, explained, leave_out, leaving_out
from ..store.records import DeviceId
from .accrual import Service, accrued, lives_of, policy_for, services_of
from .energy_use import Array, DeviceSlots, EnergyUse, energy_use
from .grid_intensity import Grid
from .hardware_model import Errors, HardwareModel, HardwareModels

Flags = NDArray[np.bool_]
HARDWARE, RECORDS = "hardware of the device", "records of the device"
MOST_AMOUNT = 1e18  # J, s or units of a criterion of one device: beyond them, nothing is to be believed
MOST_IN_COHORT = 256  # devices whose slots are in memory at once


@dataclass(frozen=True)
class Cohort:
    """Devices with the same hardware model, grid and amortisation, computed together."""

    devices: tuple[Device, ...]
    service: Service
    purchases: tuple[Purchase, ...]
    model: HardwareModel
    policy: Policy
    slots: GridSlots | None

    @cached_property
    def ids(self) -> tuple[DeviceId, ...]:
        """Ids of the devices."""
        return tuple(device.id for device in self.devices)

    def select(self, which: slice) -> Cohort:
        """Return the cohort of some of the devices."""
        times = ("first", "last", "scrapped", "since", "until")
        service = replace(self.service, **{name: getattr(self.service, name)[which] for name in times})
        return replace(self, devices=self.devices[which], service=service, purchases=self.purchases[which])


@dataclass(frozen=True)
class UseBySource:
    """Energy in J and use impact of some power sources together, by device and period (n, p)."""

    energy_j: Array
    measured_j: Array
    use: Array | None
    by_errors: Mapping[Errors, Array]
    tier_j: Mapping[str, Array]


Part = Literal["use", "embodied"]


class ShownAs(NamedTuple):
    """The groups under which devices are shown, instead of their own."""

    org_unit: str
    category: str
    site: str
    model: str


class MergedParts(NamedTuple):
    """What is shown as one only under disclosure control: the names of some power sources, embodied stages
    and components; whether the measured share and the grid's tiers are not shown.
    """

    sources: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()
    measured: bool = False
    tiers: bool = False


NOTHING_MERGED = MergedParts()


@dataclass(frozen=True)
class DeviceFootprints:
    """Footprints of n devices of a cohort over p periods; arrays are (r, n, p) by power source, or (n, p).

    `use` is None where no factor has the criterion; `use_by_errors` is the same by the errors it carries.
    `accrued` and `reconditioned` are units of the `policy`: of the manufacturing of the device, and of the
    preparation of its second life, None in its first; `begin_error` is the error of the first life's
    beginning. `tier_j` is the energy by tier of the grid's evidence, empty where no factor has the criterion.
    Under disclosure control each device is a sum of several, `shown_as` groups, of one `part` of it.
    """

    devices: tuple[Device, ...]
    criterion: Criterion
    model: HardwareModel
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
    begin_error: str | None
    policy: Policy
    shown_as: tuple[ShownAs, ...] | None = None
    part: Part | None = None
    merged: MergedParts = NOTHING_MERGED

    @cached_property
    def ids(self) -> tuple[DeviceId, ...]:
        """Ids of the devices; one that was transferred may occur several times."""
        return tuple(device.id for device in self.devices)

    @cached_property
    def rows_by_unit(self) -> Mapping[str, NDArray[np.intp]]:
        """Indices of the devices of each org unit itself, without the units below it."""
        rows: dict[str, list[int]] = {}
        for i, device in enumerate(self.devices):
            rows.setdefault(device.org_unit, []).append(i)
        return {unit: np.array(of_unit, np.intp) for unit, of_unit in rows.items()}

    @cached_property
    def at_present_unit(self) -> Flags:
        """Which devices still belong to the org unit of their footprint (n,)."""
        return np.array([device.until == LAST_SECOND for device in self.devices], np.bool_)

    @cached_property
    def present(self) -> Flags:
        """Where each device was in service or used energy (n, p), counted once, at its present org unit."""
        active: Flags = (self.expected_s > 0) | self.energy_j.any(axis=0)
        return active & self.at_present_unit[:, None]

    @cached_property
    def times(self) -> Array:
        """Seconds covered, seconds expected and presence of each device, side by side (n, 3 p)."""
        return np.concatenate([self.covered_s, self.expected_s, self.present], axis=1)

    @cached_property
    def simulated(self) -> Flags:
        """Which devices are simulated (n,)."""
        return np.array([device.simulated for device in self.devices], np.bool_)

    @property
    def device(self) -> Device:
        """The first of the devices, or the only one."""
        return self.devices[0]

    @cached_property
    def use_of_all_sources(self) -> UseBySource:
        """Energy and use impact of all power sources together."""
        return self.use_of_sources(slice(None))

    def use_of_sources(self, sources: slice) -> UseBySource:
        """Return the energy and use impact of some power sources together."""
        return UseBySource(
            self.energy_j[sources].sum(axis=0),
            self.measured_j[sources].sum(axis=0),
            None if self.use is None else self.use[sources].sum(axis=0),
            {errors: amount[sources].sum(axis=0) for errors, amount in self.use_by_errors.items()},
            {tier: energy_j[sources].sum(axis=0) for tier, energy_j in self.tier_j.items()},
        )

    def select(self, which: Sequence[int] | NDArray[np.intp]) -> DeviceFootprints:
        """Return the footprints of some of the devices."""
        rows = np.asarray(which, np.intp)
        by_source = {name: getattr(self, name)[:, rows] for name in ("energy_j", "measured_j")}
        return replace(
            self,
            devices=tuple(self.devices[i] for i in rows.tolist()),
            shown_as=None if self.shown_as is None else tuple(self.shown_as[i] for i in rows.tolist()),
            **by_source,
            covered_s=self.covered_s[rows],
            expected_s=self.expected_s[rows],
            accrued=self.accrued[rows],
            reconditioned=None if self.reconditioned is None else self.reconditioned[rows],
            use=None if self.use is None else self.use[:, rows],
            use_by_errors={errors: amount[:, rows] for errors, amount in self.use_by_errors.items()},
            tier_j={tier: energy_j[:, rows] for tier, energy_j in self.tier_j.items()},
        )


def zeros(cohort: DeviceFootprints) -> Array:
    """Return zero for each device and period, shape (n, p)."""
    return np.zeros_like(cohort.covered_s)


@dataclass(frozen=True)
class QueryContext:
    """Hardware models, grid, periods and amortisation shared by all devices of a query."""

    models: HardwareModels
    grid: Grid
    periods: Periods
    now: int
    policy: Policy
    zone: ZoneInfo


def service_start(device: Device, first_slot: int) -> int:
    """Return when a device's service began, seconds UTC: its enrolment if that fell into its first slot, else
    that slot.
    """
    return max(first_slot, device.enrolled_at) if device.enrolled_at < first_slot + SLOT_S else first_slot


def has_own_records_only(device: Device, periods: Periods) -> bool:
    """Whether all records under a device's id in some periods are its own, and no other records are."""
    first, last = int(periods.edges[0]), int(periods.edges[-1])
    return not device.joined and not device.wired and device.since <= first and last <= device.until


def group_into_cohorts(
    first_slots: Iterable[tuple[Device, int]], query_context: QueryContext
) -> Iterator[Cohort]:
    """Group devices, each with its first slot, into cohorts of at most MOST_IN_COHORT.

    Devices whose hardware cannot be modelled are left out.
    """
    members_by_key: dict[tuple[object, ...], list[tuple[Device, int, Purchase]]] = {}
    slots: dict[tuple[object, ...], GridSlots | None] = {}
    for device, first_slot in first_slots:
        with leaving_out(device.id, HARDWARE):
            start = service_start(device, first_slot)
            purchase = purchase_of(device, start)
            supply = query_context.grid.supplied(device)
            simple = has_own_records_only(device, query_context.periods)
            model = id(query_context.models.of_device(device))
            key = (model, supply, purchase.tier, purchase.second_life is not None, simple)
            if key not in slots:
                slots[key] = query_context.grid.of_device(device)
            members_by_key.setdefault(key, []).append((device, start, purchase))
    for common, members in members_by_key.items():
        for at in range(0, len(members), MOST_IN_COHORT):
            yield _cohort(members[at : at + MOST_IN_COHORT], slots[common], query_context)


def _cohort(
    members: Sequence[tuple[Device, int, Purchase]], slots: GridSlots | None, query_context: QueryContext
) -> Cohort:
    """The cohort of devices with the same key, each with its service start and purchase."""
    devices, starts, purchases = zip(*members, strict=True)
    return Cohort(
        devices,
        services_of(devices, starts, query_context.now, purchases),
        purchases,
        query_context.models.of_device(devices[0]),
        policy_for(query_context.policy, purchases[0]),
        slots,
    )


def cohort_use(
    cohort: Cohort, query_context: QueryContext, slots: DeviceSlots, periods: Periods
) -> EnergyUse:
    """Return the energy use of a cohort's slots by period."""
    at = query_context.grid.index(slots.activity.start)
    return energy_use(slots, cohort.model, cohort.slots, at, periods)


def cohort_footprints(
    cohort: Cohort, query_context: QueryContext, use: EnergyUse, slots: DeviceSlots | None
) -> DeviceFootprints:
    """Return the footprints of a cohort from its energy use, and its slots where the policy needs them."""
    service, periods, model = cohort.service, query_context.periods, cohort.model
    first, second = lives_of(model, cohort.purchases, cohort.policy)
    criterion, zone = query_context.grid.criterion, query_context.zone
    return DeviceFootprints(
        devices=cohort.devices,
        criterion=criterion,
        model=model,
        energy_j=use.energy_j,
        measured_j=use.measured_j,
        covered_s=use.covered_s,
        expected_s=periods.seconds(service.first, service.last),
        accrued=accrued(cohort.policy, first, service, periods, slots, zone),
        reconditioned=accrued(cohort.policy, second, service, periods, slots, zone) if second else None,
        use=None if cohort.slots is None else sum(use.by_errors.values(), np.zeros_like(use.energy_j)),
        use_by_errors=use.by_errors,
        tier_j=use.tier_j,
        absent=model.absent(criterion, second is not None)
        | (frozenset({Stage.USE}) if cohort.slots is None else frozenset()),
        begin_error=service.purchase.error,
        policy=cohort.policy,
    )


def usable_footprints(
    cohorts: Iterable[Cohort], compute: Callable[[Cohort], DeviceFootprints]
) -> Iterator[DeviceFootprints]:
    """Yield the footprints of cohorts without devices whose records cannot be used, which are left out.

    A cohort that fails is halved until the device that fails is alone.
    """
    waiting = list(cohorts)[::-1]
    while waiting:
        cohort = waiting.pop()
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found = compute(cohort)
                unusable = _unusable(found)
        except FAULTS as error:
            half = len(cohort.devices) // 2
            if half:
                waiting += [cohort.select(slice(half, None)), cohort.select(slice(half))]
            else:
                leave_out(cohort.devices[0].id, explained(RECORDS, error))
            continue
        for i in np.flatnonzero(unusable).tolist():
            leave_out(cohort.devices[i].id, f"{RECORDS}: an amount is beyond all bounds")
        if not unusable.all():
            yield found.select(np.flatnonzero(~unusable)) if unusable.any() else found


def _unusable(found: DeviceFootprints) -> Flags:
    """Return which devices have an amount that is no number, or beyond all bounds (n,)."""
    by_device = [found.energy_j, found.measured_j, found.covered_s, found.expected_s, found.accrued]
    by_device += [array for array in (found.use, found.reconditioned) if array is not None]
    bad = np.zeros(len(found.devices), np.bool_)
    for array in (*by_device, *found.use_by_errors.values(), *found.tier_j.values()):
        inside = np.abs(array) <= MOST_AMOUNT  # not so of what is no number
        bad |= ~inside.all(axis=-1 if array.ndim == 2 else (0, 2))
    return bad

"""The figures of devices that are alike over a span: energy, use impact and embodied impact, by period.

Embodied impact accrues by the amortisation policy, use where a slot has a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S, Activity
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.grid.intensity import GridSlots
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.service_life.purchase import Purchase

from ..base.periods import LAST_SECOND, Periods
from ..fleet.device import Device
from ..fleet.purchases import purchase_of
from ..store.records import DeviceId
from .accrual import Service, accrued, lives_of, policy_for, services_of
from .energy_use import Array, DeviceSlots, EnergyUse, energy_use, join_slots
from .grid_intensity import Grid
from .hardware_model import Errors, HardwareModel, HardwareModels

Flags = NDArray[np.bool_]
MOST_IN_COHORT = 256  # devices whose slots are in memory at once


@dataclass(frozen=True)
class Cohort:
    """Devices whose hardware, grid and way to accrue are the same: the group that one formula serves."""

    devices: tuple[Device, ...]
    service: Service
    purchases: tuple[Purchase, ...]
    profile: HardwareModel
    policy: Policy
    slots: GridSlots | None

    @cached_property
    def ids(self) -> tuple[DeviceId, ...]:
        """Ids of the devices."""
        return tuple(device.id for device in self.devices)


@dataclass(frozen=True)
class UseBySource:
    """Energy and use of some rungs together, by device and period (n, p), as those of a Figure."""

    energy_j: Array
    measured_j: Array
    use: Array | None
    by_errors: Mapping[Errors, Array]
    tier_j: Mapping[str, Array]


@dataclass(frozen=True)
class DeviceFootprints:
    """n devices that are alike over p periods; arrays are (r, n, p) by rung, device and period, or (n, p).

    `use` is None where no factor knows the criterion; `use_by_errors` is the same by the errors it carries.
    `accrued` and `reconditioned` are in units of the `policy`: of what making it cost, and of what preparing
    its second life did, if it is in its second; `begin_error` is that of when the first began. `tier_j` is
    the energy by tier of the grid's evidence, none where no factor knows the criterion.
    """

    devices: tuple[Device, ...]
    criterion: Criterion
    profile: HardwareModel
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

    @cached_property
    def ids(self) -> tuple[DeviceId, ...]:
        """Ids of the devices; one that was transferred may occur several times."""
        return tuple(device.id for device in self.devices)

    @cached_property
    def by_unit(self) -> Mapping[str, NDArray[np.intp]]:
        """Which of the devices each org unit has itself."""
        found: dict[str, list[int]] = {}
        for i, device in enumerate(self.devices):
            found.setdefault(device.org_unit, []).append(i)
        return {unit: np.array(rows, np.intp) for unit, rows in found.items()}

    @cached_property
    def here(self) -> Flags:
        """Which devices stand to this day where these figures have them (n,)."""
        return np.array([device.until == LAST_SECOND for device in self.devices], np.bool_)

    @cached_property
    def present(self) -> Flags:
        """Where each device was in service or used energy (n, p); at its present org unit, so once."""
        there: Flags = (self.expected_s > 0) | self.energy_j.any(axis=0)
        return there & self.here[:, None]

    @cached_property
    def times(self) -> Array:
        """Seconds covered and expected, and whether it was present, of each device (n, 3 p)."""
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
    def of_all_rungs(self) -> UseBySource:
        """Energy and use of all rungs together."""
        return self.of_rungs(slice(None))

    def of_rungs(self, rungs: slice) -> UseBySource:
        """Energy and use of some rungs together."""
        return UseBySource(
            self.energy_j[rungs].sum(axis=0),
            self.measured_j[rungs].sum(axis=0),
            None if self.use is None else self.use[rungs].sum(axis=0),
            {errors: amount[rungs].sum(axis=0) for errors, amount in self.use_by_errors.items()},
            {tier: energy_j[rungs].sum(axis=0) for tier, energy_j in self.tier_j.items()},
        )

    def of(self, which: Sequence[int] | NDArray[np.intp]) -> DeviceFootprints:
        """The same of some of the devices."""
        rows = np.asarray(which, np.intp)
        by_rung = {name: getattr(self, name)[:, rows] for name in ("energy_j", "measured_j")}
        return replace(
            self,
            devices=tuple(self.devices[i] for i in rows.tolist()),
            **by_rung,
            covered_s=self.covered_s[rows],
            expected_s=self.expected_s[rows],
            accrued=self.accrued[rows],
            reconditioned=None if self.reconditioned is None else self.reconditioned[rows],
            use=None if self.use is None else self.use[:, rows],
            use_by_errors={errors: amount[:, rows] for errors, amount in self.use_by_errors.items()},
            tier_j={tier: energy_j[:, rows] for tier, energy_j in self.tier_j.items()},
        )


def zeros(figure: DeviceFootprints) -> Array:
    """Zero for each device and period, shape (n, p)."""
    return np.zeros_like(figure.covered_s)


@dataclass(frozen=True)
class QueryContext:
    """What the figures of all devices of a query share."""

    known: HardwareModels
    grid: Grid
    periods: Periods
    now: int
    policy: Policy
    zone: ZoneInfo


def service_start(device: Device, first_slot: int) -> int:
    """When a device began to serve: its enrolment if that fell into its first slot, else that slot."""
    return max(first_slot, device.enrolled_at) if device.enrolled_at < first_slot + SLOT_S else first_slot


def has_own_records_only(device: Device, periods: Periods) -> bool:
    """Whether all records of its id, and no others, are the device's own in some periods."""
    first, last = int(periods.edges[0]), int(periods.edges[-1])
    return not device.joined and not device.wired and device.since <= first and last <= device.until


def group_into_cohorts(began: Iterable[tuple[Device, int]], frame: QueryContext) -> Iterator[Cohort]:
    """Devices and the first slot of each, by what they have in common; at most MOST_ALIKE together."""
    found: dict[tuple[object, ...], list[tuple[Device, int, Purchase]]] = {}
    slots: dict[tuple[object, ...], GridSlots | None] = {}
    for device, first_slot in began:
        in_service = service_start(device, first_slot)
        bought = purchase_of(device, in_service)
        supplied = frame.grid.supplied(device)
        simple = has_own_records_only(device, frame.periods)
        profile = id(frame.known.of_device(device))
        key = (profile, supplied, bought.tier, bought.second_life is not None, simple)
        found.setdefault(key, []).append((device, in_service, bought))
        if key not in slots:
            slots[key] = frame.grid.of_device(device)
    for common, members in found.items():
        for at in range(0, len(members), MOST_IN_COHORT):
            devices, firsts, purchases = zip(*members[at : at + MOST_IN_COHORT], strict=True)
            service, policy = (
                services_of(devices, firsts, frame.now, purchases),
                policy_for(frame.policy, purchases[0]),
            )
            yield Cohort(
                devices, service, purchases, frame.known.of_device(devices[0]), policy, slots[common]
            )


def device_footprints(
    device: Device, frame: QueryContext, activity: Activity | None, first_slot: int
) -> DeviceFootprints:
    """The figures of a device that reports since `first_slot`, with its activity of the span if any."""
    (group,) = group_into_cohorts([(device, first_slot)], frame)
    slots = join_slots([activity])
    return cohort_footprints(group, frame, cohort_use(group, frame, slots, frame.periods), slots)


def cohort_use(group: Cohort, frame: QueryContext, slots: DeviceSlots, periods: Periods) -> EnergyUse:
    """What devices that are alike used in their slots, by period."""
    return energy_use(slots, group.profile, group.slots, frame.grid.index(slots.activity.start), periods)


def cohort_footprints(
    group: Cohort, frame: QueryContext, of_use: EnergyUse, slots: DeviceSlots | None
) -> DeviceFootprints:
    """The figures of devices that are alike, with what they used; their slots where the policy needs them."""
    service, periods, profile = group.service, frame.periods, group.profile
    first, second = lives_of(profile, group.purchases, group.policy)
    criterion = frame.grid.criterion
    return DeviceFootprints(
        devices=group.devices,
        criterion=criterion,
        profile=profile,
        energy_j=of_use.energy_j,
        measured_j=of_use.measured_j,
        covered_s=of_use.covered_s,
        expected_s=periods.seconds(service.first, service.last),
        accrued=accrued(group.policy, first, service, periods, slots, frame.zone),
        reconditioned=accrued(group.policy, second, service, periods, slots, frame.zone) if second else None,
        use=None if group.slots is None else sum(of_use.by_errors.values(), np.zeros_like(of_use.energy_j)),
        use_by_errors=of_use.by_errors,
        tier_j=of_use.tier_j,
        absent=profile.absent(criterion, second is not None)
        | (frozenset({Stage.USE}) if group.slots is None else frozenset()),
        begin_error=service.purchase.error,
        policy=group.policy,
    )

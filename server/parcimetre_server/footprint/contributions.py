"""Contributions of devices to groups: use and embodied impact by what a query groups by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.criteria import Stage
from parcimetre_factors.power.power_sources import POWER_SOURCES

from ..base.org_path import SMALL
from ..fleet.device import Device
from .device_footprints import DeviceFootprints, ShownAs, zeros
from .energy_use import Array
from .extrapolation import MissingTime, StandInUse
from .hardware_model import Collapse, Errors, PerUnit

GroupBy = Literal["org_unit", "site", "category", "device", "stage", "component", "power_source", "model"]
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)
ALL = "all"
EMBODIED_GROUP = "embodied"
UNKNOWN = "unknown"
Members = NDArray[np.bool_]
Group = str | Sequence[str]
Amounts = dict[tuple[Errors, ...], Array]


@dataclass(frozen=True)
class Contribution:
    """Amounts of a cohort's n devices by device and period (n, p): to one group, or each device to its own.

    Where there are `members` (n,), only those belong to the group. Embodied impact has no energy;
    `measured_j` is None where it is not shown how much of it was measured.
    """

    group: Group
    energy_j: Array | None
    measured_j: Array | None
    value: Array | None
    by_errors: Mapping[Errors, Array]
    absent: frozenset[Stage]
    missing: StandInUse | None = None
    tier_j: Mapping[str, Array] = field(default_factory=dict)
    members: Members | None = None

    def times(self, factor: Members) -> Contribution:
        """Return embodied impact times a factor for each device and period (n, p), or for each period."""
        amounts = {errors: amount * factor for errors, amount in self.by_errors.items()}
        return replace(self, value=None if self.value is None else self.value * factor, by_errors=amounts)


def contributions(
    cohort: DeviceFootprints, missing: MissingTime, group_by: GroupBy | None, below: str | None = None
) -> Iterator[Contribution]:
    """Return a cohort's footprint and its missing use by group."""
    if cohort.part != "embodied":
        yield from _use_by_group(cohort, missing, group_by, below)
    if cohort.part != "use":
        yield from _embodied_by_group(cohort, group_by, below)


def _use_by_group(
    cohort: DeviceFootprints, missing: MissingTime, group_by: GroupBy | None, below: str | None
) -> Iterator[Contribution]:
    match group_by:
        case "stage" | "component":
            yield _use(cohort, missing, str(Stage.USE))
        case "power_source":
            for i, members in _sources_with_energy(cohort, missing):
                name = _unless_merged(POWER_SOURCES[i].name, cohort.merged.sources)
                yield replace(_use(cohort, missing, name, i), members=members)
        case _:
            yield replace(_use(cohort, missing, _groups(cohort, group_by, below)), absent=cohort.absent)


def _embodied_by_group(
    cohort: DeviceFootprints, group_by: GroupBy | None, below: str | None
) -> Iterator[Contribution]:
    match group_by:
        case "stage":
            yield from _embodied(cohort, "stage")
            for stage in sorted(cohort.absent - {Stage.USE}):
                yield _absent(stage, frozenset({stage}))
        case "component":
            yield from _embodied(cohort, "component")
        case "power_source":
            yield from _embodied(cohort, "whole", EMBODIED_GROUP)
            yield _absent(EMBODIED_GROUP, cohort.absent - {Stage.USE})
        case _:
            groups = _groups(cohort, group_by, below)
            yield from _embodied(cohort, "whole", groups)
            if cohort.part == "embodied" and cohort.absent:
                yield _absent(groups, cohort.absent)


def _groups(cohort: DeviceFootprints, group_by: GroupBy | None, below: str | None) -> Group:
    """The group of each device, or that of all."""
    return [_group(each, group_by, below) for each in cohort.shown_as or cohort.devices] if group_by else ALL


def _unless_merged(name: str, merged: frozenset[str]) -> str:
    return SMALL if name in merged else name


def _sources_with_energy(cohort: DeviceFootprints, missing: MissingTime) -> Iterator[tuple[int, Members]]:
    """Power sources with recorded or missing energy, and the devices that have it (n,)."""
    for i in range(len(POWER_SOURCES)):
        members = cohort.energy_j[i].any(axis=1)
        if missing.has_energy_of(i):
            members = members | missing.use_of_sources(slice(i, i + 1)).energy_j.any(axis=1)
        if members.any():
            yield i, members


def model_name(device: Device) -> str:
    """Return the maker and model of a device."""
    system = device.inventory.system if device.inventory else None
    return " ".join(filter(None, (system.maker, system.model) if system else ())) or UNKNOWN


def _group(device: Device | ShownAs, group_by: GroupBy | None, below: str | None) -> str:
    match group_by:
        case "device":
            return device.id if isinstance(device, Device) else SMALL
        case "category":
            return device.category
        case "site":
            return device.site
        case "model":
            return model_name(device) if isinstance(device, Device) else device.model
        case "org_unit":
            return unit_below(device.org_unit, below)
        case _:
            raise AssertionError(group_by)


def unit_below(path: str, below: str | None) -> str:
    """Return the ancestor of `path` right below another org unit, or that unit itself; `path` for None."""
    if below is None:
        return path
    depth = len(below.split("/")) if below else 0
    return "/".join(path.split("/")[: depth + 1])


def _use(
    cohort: DeviceFootprints, missing: MissingTime, group: Group, source: int | None = None
) -> Contribution:
    """The use stage, of all power sources or of one."""
    if source is None:
        use = cohort.use_of_all_sources
        missing_use = missing.use_of_all_sources if missing else None
    else:
        use = cohort.use_of_sources(slice(source, source + 1))
        missing_use = missing.use_of_sources(slice(source, source + 1)) if missing else None
    return Contribution(
        group, use.energy_j, None if cohort.merged.measured else use.measured_j, use.use, use.by_errors,
        cohort.absent & {Stage.USE}, missing_use, {} if cohort.merged.tiers else use.tier_j,
    )  # fmt: skip


def _embodied(
    cohort: DeviceFootprints, collapse: Collapse, group: Group | None = None
) -> Iterator[Contribution]:
    """The embodied stages, to the named group, or each to that of its stage or component."""
    merged = cohort.merged.stages if collapse == "stage" else cohort.merged.components
    parts = cohort.model.per_unit(cohort.criterion, cohort.policy, collapse)
    for name, per_unit in parts.items():
        yield _accrued(cohort, group or _unless_merged(name, merged), per_unit, cohort.accrued)
    part = cohort.model.reconditioned(cohort.criterion, cohort.policy)
    if cohort.reconditioned is not None and part is not None:
        name = _unless_merged(str(part.stage) if collapse == "stage" else part.component, merged)
        yield _accrued(cohort, group or name, part.per_unit, cohort.reconditioned, known=True)


def _accrued(
    cohort: DeviceFootprints, group: Group, per_unit: PerUnit, units: Array, known: bool = False
) -> Contribution:
    """Embodied impact of some units of the policy; `known` where the beginning of the life has no error."""
    begin = (cohort.begin_error,) if cohort.begin_error and not known else ()
    amounts = {(*errors, *begin): amount * units for errors, amount in per_unit.by_errors.items()}
    return Contribution(group, None, None, per_unit.value * units, amounts, frozenset())


def impact_by_device(cohort: DeviceFootprints) -> Array:
    """Return the impact of all stages by device and period (n, p); 0 where no factor has the criterion."""
    impact = zeros(cohort)
    for part in contributions(cohort, MissingTime(zeros(cohort), ()), None):
        impact = impact if part.value is None else impact + part.value
    return impact


def has_row(cohort: DeviceFootprints) -> Members:
    """Return where each device was in service, used energy or had an impact (n, p)."""
    filled: Members = (cohort.expected_s > 0) | (cohort.energy_j.sum(axis=0) > 0)
    return filled if filled.all() else filled | (impact_by_device(cohort) != 0)


def _absent(group: Group, stages: frozenset[Stage]) -> Contribution:
    """The stages that no source gives, without any amount."""
    return Contribution(group, None, None, None, {}, stages)

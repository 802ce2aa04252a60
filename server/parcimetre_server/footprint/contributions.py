"""Contributions of devices to groups: use and embodied impact by what a query groups by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.criteria import Stage
from parcimetre_factors.power.power_sources import POWER_SOURCES

from ..fleet.device import Device
from .device_footprints import DeviceFootprints, zeros
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
    """What n devices that are alike add, by device and period (n, p): to one group, or each to its own.

    Where there are `members` (n,), only those belong to the group. What is embodied has no energy.
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

    def matters(self, n: int) -> Members:
        """Which of the devices it adds anything of, in any period (n,)."""
        adds = np.zeros(n, np.bool_)
        for amount in (self.energy_j, self.value):
            if amount is not None:
                adds |= amount.any(axis=-1)
        return adds if self.members is None else adds & self.members


def contributions(
    figure: DeviceFootprints, missing: MissingTime, group_by: GroupBy | None, below: str | None = None
) -> Iterator[Contribution]:
    """The figure of devices that are alike and what is missing of them, cut by group."""
    match group_by:
        case "stage":
            yield _use(figure, missing, str(Stage.USE))
            yield from _embodied(figure, "stage")
            for stage in sorted(figure.absent - {Stage.USE}):
                yield _absent(stage, frozenset({stage}))
        case "component":
            yield _use(figure, missing, str(Stage.USE))
            yield from _embodied(figure, "component")
        case "power_source":
            for i, members in _sources_with_energy(figure, missing):
                yield replace(_use(figure, missing, POWER_SOURCES[i].name, i), members=members)
            yield from _embodied(figure, "whole", EMBODIED_GROUP)
            yield _absent(EMBODIED_GROUP, figure.absent - {Stage.USE})
        case _:
            group = [_group(device, group_by, below) for device in figure.devices] if group_by else ALL
            yield replace(_use(figure, missing, group), absent=figure.absent)
            yield from _embodied(figure, "whole", group)


def _sources_with_energy(figure: DeviceFootprints, missing: MissingTime) -> Iterator[tuple[int, Members]]:
    """Rungs that gave some of the energy of devices, or stand for what is missing, with those devices."""
    for i in range(len(POWER_SOURCES)):
        members = figure.energy_j[i].any(axis=1)
        if missing.tells(i):
            members = members | missing.used(slice(i, i + 1)).energy_j.any(axis=1)
        if members.any():
            yield i, members


def _group(device: Device, group_by: GroupBy | None, below: str | None) -> str:
    match group_by:
        case "device":
            return device.id
        case "category":
            return device.category
        case "site":
            return device.site
        case "model":
            system = device.inventory.system if device.inventory else None
            return " ".join(filter(None, (system.maker, system.model) if system else ())) or UNKNOWN
        case "org_unit":
            return unit_below(device.org_unit, below)
        case _:
            raise AssertionError(group_by)


def unit_below(path: str, below: str | None) -> str:
    """The org unit right below another one on the way to `path`, or that one itself; `path` for no other."""
    if below is None:
        return path
    depth = len(below.split("/")) if below else 0
    return "/".join(path.split("/")[: depth + 1])


def _use(
    figure: DeviceFootprints, missing: MissingTime, group: Group, rung: int | None = None
) -> Contribution:
    """The use stage, of all rungs or of one."""
    if rung is None:
        of_all = figure.of_all_rungs
        lacking = missing.of_all_rungs if missing else None
    else:
        of_all = figure.of_rungs(slice(rung, rung + 1))
        lacking = missing.used(slice(rung, rung + 1)) if missing else None
    return Contribution(
        group, of_all.energy_j, of_all.measured_j, of_all.use, of_all.by_errors,
        figure.absent & {Stage.USE}, lacking, of_all.tier_j,
    )  # fmt: skip


def _embodied(
    figure: DeviceFootprints, collapse: Collapse, group: Group | None = None
) -> Iterator[Contribution]:
    """The embodied stages; the group is named, or it is the stage or the component."""
    parts = figure.profile.per_unit(figure.criterion, figure.policy, collapse)
    for name, per_unit in parts.items():
        yield _accrued(figure, group or name, per_unit, figure.accrued)
    part = figure.profile.reconditioned(figure.criterion, figure.policy)
    if figure.reconditioned is not None and part is not None:
        name = str(part.stage) if collapse == "stage" else part.component
        yield _accrued(figure, group or name, part.per_unit, figure.reconditioned, known=True)


def _accrued(
    figure: DeviceFootprints, group: Group, per_unit: PerUnit, units: Array, known: bool = False
) -> Contribution:
    """Some embodied impact; when its life began is not always `known`."""
    begin = (figure.begin_error,) if figure.begin_error and not known else ()
    amounts = {(*errors, *begin): amount * units for errors, amount in per_unit.by_errors.items()}
    return Contribution(group, None, None, per_unit.value * units, amounts, frozenset())


def impact_by_device(figure: DeviceFootprints) -> Array:
    """What each device adds by period, all stages together (n, p); 0 where no factor knows any."""
    value = zeros(figure)
    for share in contributions(figure, MissingTime(zeros(figure), ()), None):
        value = value if share.value is None else value + share.value
    return value


def has_row(figure: DeviceFootprints) -> Members:
    """Where each device has a row (n, p): it was in service, used something, or some embodied impact fell."""
    found: Members = (figure.expected_s > 0) | (figure.energy_j.sum(axis=0) > 0)
    return found if found.all() else found | (impact_by_device(figure) != 0)


def _absent(group: Group, stages: frozenset[Stage]) -> Contribution:
    """Nothing but the stages that no source gives."""
    return Contribution(group, None, None, None, {}, stages)

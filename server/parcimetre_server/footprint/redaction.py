"""Redaction of footprints: names of small units and host names that a reader may not see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..access.disclosure import DisclosureControl, disclosure_tree, groups_to_merge
from ..base.periods import LAST_SECOND
from ..base.scope import Scope
from .contributions import GroupBy
from .device_footprints import DeviceFootprints
from .extrapolation import MissingTime
from .grouping import members_of


def disclosure_control(scope: Scope, org_unit: str | None, units: Iterable[str]) -> DisclosureControl:
    """Return the disclosure control of a viewer's query of an org unit; `units` has one entry per device.

    Raises NotAllowed where the unit has too few devices.
    """
    disclosure = DisclosureControl(
        disclosure_tree(filter(scope.covers, units), scope.root), org_unit not in (None, scope.root)
    )
    disclosure.check_unit(org_unit if disclosure.part else None)
    return disclosure


def merge_small_units(
    cohorts: Iterable[DeviceFootprints], disclosure: DisclosureControl
) -> Iterator[DeviceFootprints]:
    """Rename each device's org unit to the group that may be shown for it."""
    names: dict[str, str] = {}
    for cohort in cohorts:
        for unit in {device.org_unit for device in cohort.devices} - names.keys():
            names[unit] = disclosure.tree.group_of(unit)
        renamed = (
            device
            if names[device.org_unit] == device.org_unit
            else replace(device, org_unit=names[device.org_unit])
            for device in cohort.devices
        )
        yield replace(cohort, devices=tuple(renamed))


def remove_host_names(cohorts: Iterable[DeviceFootprints], scope: Scope) -> Iterator[DeviceFootprints]:
    """Remove host names unless the reader is an admin and the device still belongs to the scope."""
    for cohort in cohorts:
        visible = [scope.sees_host_names and device.until == LAST_SECOND for device in cohort.devices]
        if all(visible):
            yield cohort
        else:
            pairs = zip(cohort.devices, visible, strict=True)
            yield replace(cohort, devices=tuple(
                device if shown or device.hostname is None else replace(device, hostname=None)
                for device, shown in pairs
            ))  # fmt: skip


def small_groups(
    cohorts: Sequence[tuple[DeviceFootprints, MissingTime]],
    group_by: GroupBy | None,
    below: str | None,
    disclosure: DisclosureControl | None,
) -> frozenset[str]:
    """Return the groups that disclosure control merges into one. Raises NotAllowed for the grouping."""
    if disclosure is None:
        return frozenset()
    disclosure.check_grouping(group_by)
    if group_by in (None, "stage") or not cohorts:
        return frozenset()
    present = np.concatenate([cohort.present for cohort, _ in cohorts])
    return groups_to_merge(members_of(cohorts, group_by, below), present.astype(np.int64))

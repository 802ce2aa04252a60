"""Remove from footprints the names that a reader may not see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..access.disclosure import DisclosureControl, tree
from ..base.periods import LAST_SECOND
from ..base.scope import Scope
from .device_footprints import DeviceFootprints


def disclosure_control(scope: Scope, org_unit: str | None, units: Iterable[str]) -> DisclosureControl:
    """What keeps small groups from a viewer of a unit; devices stand at `units`. Raises NotAllowed."""
    guard = DisclosureControl(
        tree(filter(scope.covers, units), scope.root), org_unit not in (None, scope.root)
    )
    guard.check_unit(org_unit if guard.part else None)
    return guard


def merge_small_units(
    made: Iterable[DeviceFootprints], guard: DisclosureControl
) -> Iterator[DeviceFootprints]:
    """Devices under the org unit that may stand for them."""
    names: dict[str, str] = {}
    for group in made:
        for unit in {one.org_unit for one in group.devices} - names.keys():
            names[unit] = guard.tree.group_of(unit)
        named = (
            one if names[one.org_unit] == one.org_unit else replace(one, org_unit=names[one.org_unit])
            for one in group.devices
        )
        yield replace(group, devices=tuple(named))


def remove_host_names(made: Iterable[DeviceFootprints], scope: Scope) -> Iterator[DeviceFootprints]:
    """Devices without a host name, where only admins may see it while the device is theirs."""
    for group in made:
        told = [scope.sees_host_names and one.until == LAST_SECOND for one in group.devices]
        if all(told):
            yield group
        else:
            named = zip(group.devices, told, strict=True)
            yield replace(group, devices=tuple(
                one if kept or one.hostname is None else replace(one, hostname=None) for one, kept in named
            ))  # fmt: skip

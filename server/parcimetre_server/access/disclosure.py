"""Disclosure control: groups of fewer than FEWEST devices are not shown to viewers.

Primary suppression by a least number of contributors, and secondary suppression so that nothing is recovered
by subtraction: small groups are shown as one, to which the next smallest are added until it has FEWEST
devices too. Method: Hundepool et al., Statistical Disclosure Control (2012), chapter 4, threshold rule and
complementary suppression. Units of the organisation's tree are judged at each level, so that what is shown
of a unit and of those below it leaves no smaller remainder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.org_path import SMALL
from ..base.scope import NotAllowed

FEWEST = 5
ALONG_THE_TREE = (None, "org_unit", "stage")
Counts = NDArray[np.int64]


def too_few(counts: Counts) -> bool:
    """Return whether some period has devices, but fewer than FEWEST; `counts` has shape (p,)."""
    return bool(((counts > 0) & (counts < FEWEST)).any())


def groups_to_merge(members: Mapping[str, NDArray[np.bool_]], present: Counts) -> frozenset[str]:
    """Return the groups to show as one only.

    `members` are flags by group (n,), `present` those of the devices by period (n, p). A device may be in
    several groups. The one has FEWEST devices or none in every period, or holds them all.
    """
    counts = {group: devices.astype(np.int64) @ present for group, devices in members.items()}
    small = {group for group in members if too_few(counts[group])}
    if not small:
        return frozenset()
    together = np.any([members[group] for group in small], axis=0)
    rest = sorted(members.keys() - small, key=lambda group: (int(counts[group].max(initial=0)), group))
    for group in rest:
        if not too_few(together.astype(np.int64) @ present):
            break
        small.add(group)
        together = together | members[group]
    return frozenset(small)


@dataclass(frozen=True)
class DisclosureTree:
    """Org units that may be shown, and those whose own devices are shown apart from those of units below."""

    shown: frozenset[str]
    direct: frozenset[str]

    def group_of(self, org_unit: str) -> str:
        """Return the unit under which a device of `org_unit` is shown: its own, or the small ones above."""
        if org_unit in self.direct:
            return org_unit
        names = org_unit.split("/")
        above = ("/".join(names[:depth]) for depth in range(len(names), 0, -1))
        nearest = next((unit for unit in above if unit in self.shown), "")
        return f"{nearest}/{SMALL}" if nearest else SMALL


def disclosure_tree(units: Iterable[str], root: str | None) -> DisclosureTree:
    """Return what may be shown of the units of devices, one per device, below `root` or of everything."""
    devices: dict[str, int] = {}
    for unit in units:
        devices[unit] = devices.get(unit, 0) + 1
    shown: set[str] = set()
    direct: set[str] = set()
    if sum(devices.values()) >= FEWEST:
        _show(devices, root or "", shown, direct)
    return DisclosureTree(frozenset(shown), frozenset(direct))


def _show(devices: Mapping[str, int], unit: str, shown: set[str], direct: set[str]) -> None:
    """Add the units directly below one that is shown, and its own devices beside them, if large enough."""
    shown.add(unit)
    inside: dict[str, dict[str, int]] = {}
    for path, n in devices.items():
        inside.setdefault(path if path == unit else _child(path, unit), {})[path] = n
    members = {group: np.array([group == other for other in inside]) for group in inside}
    totals = np.array([[sum(paths.values())] for paths in inside.values()])
    for group in members.keys() - groups_to_merge(members, totals):
        if group == unit:
            direct.add(unit)
        else:
            _show(inside[group], group, shown, direct)


def _child(path: str, unit: str) -> str:
    """Return the unit directly below another one on the way to `path`."""
    depth = len(unit.split("/")) if unit else 0
    return "/".join(path.split("/")[: depth + 1])


@dataclass(frozen=True)
class DisclosureControl:
    """Hides small groups from a viewer's figures; `part` says that these are of a part of the scope.

    Groups across the tree (categories, sites...) are shown of the whole scope only: of a unit and of the one
    above it, they could be subtracted.
    """

    tree: DisclosureTree
    part: bool

    def check_unit(self, org_unit: str | None) -> None:
        """Raise NotAllowed where a unit has too few devices, or the rest of the one above it has."""
        if org_unit is not None and org_unit not in self.tree.shown:
            raise NotAllowed(
                f"{org_unit!r} has fewer than {FEWEST} devices, or its figure would disclose that of "
                "another small group: choose the org unit above it, or use the role analyst"
            )

    def allows(self, group_by: str | None) -> bool:
        """Return whether figures may be grouped so."""
        return group_by in ALONG_THE_TREE or (group_by != "device" and not self.part)

    def check_grouping(self, group_by: str | None) -> None:
        """Raise NotAllowed where figures may not be grouped so."""
        if not self.allows(group_by):
            what = (
                "figures of single devices need"
                if group_by == "device"
                else (f"figures by {group_by} of a part of your scope need")
            )
            raise NotAllowed(f"{what} the role analyst; yours is viewer")

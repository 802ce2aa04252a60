"""What devices add to the groups of an answer, and the sums of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.criteria import Stage

from .base.org_path import SMALL
from .extrapolation import Missing, Used
from .figures import Figure, nothing
from .fleet.device import Device
from .profiles import Collapse, Errors, PerUnit
from .rungs import RUNGS
from .use import Array

GroupBy = Literal["org_unit", "site", "category", "device", "stage", "component", "power_source", "model"]
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)
ALL = "all"
EMBODIED_GROUP = "embodied"
UNKNOWN = "unknown"
Members = NDArray[np.bool_]
Group = str | Sequence[str]
Amounts = dict[tuple[Errors, ...], Array]


@dataclass(frozen=True)
class Share:
    """What n devices that are alike add, by device and period (n, p): to one group, or each to its own.

    Where there are `members` (n,), only those belong to the group. What is embodied has no energy.
    """

    group: Group
    energy_j: Array | None
    measured_j: Array | None
    value: Array | None
    by_errors: Mapping[Errors, Array]
    absent: frozenset[Stage]
    missing: Used | None = None
    tier_j: Mapping[str, Array] = field(default_factory=dict)
    members: Members | None = None

    def matters(self, n: int) -> Members:
        """Which of the devices it adds anything of, in any period (n,)."""
        adds = np.zeros(n, np.bool_)
        for amount in (self.energy_j, self.value):
            if amount is not None:
                adds |= amount.any(axis=-1)
        return adds if self.members is None else adds & self.members


@dataclass
class Tally:
    """The sum of what devices add to one group, by period (p,).

    Amounts that come together stay together: by k errors (k, p).
    """

    p: int
    value: Array | None = None
    amounts: Amounts = field(default_factory=dict)
    absent: set[Stage] = field(default_factory=set)
    simulated: set[bool] = field(default_factory=set)
    missing: Amounts = field(default_factory=dict)
    tier_j: dict[tuple[str, str], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from nothing."""
        self.energy_j, self.measured_j = np.zeros(self.p), np.zeros(self.p)
        self.covered_s, self.expected_s = np.zeros(self.p), np.zeros(self.p)
        self.missing_j, self.missing_value = np.zeros(self.p), np.zeros(self.p)
        self.untold = np.zeros(self.p, dtype=np.bool_)
        self.devices = np.zeros(self.p)

    def grid_tiers(self, i: int) -> dict[str, dict[str, float]]:
        """Shares of a period's electricity by grid zone and tier."""
        found: dict[str, dict[str, float]] = {}
        whole = sum(float(energy_j[i]) for energy_j in self.tier_j.values())
        for (zone, tier), energy_j in sorted(self.tier_j.items()):
            if energy_j[i] > 0:
                found.setdefault(zone, {})[tier] = float(energy_j[i]) / whole
        return found

    @property
    def by_errors(self) -> dict[Errors, Array]:
        """What was recorded, by the errors that it carries."""
        found: dict[Errors, Array] = {}
        _add_apart(found, self.amounts)
        return found

    def with_missing(self) -> dict[Errors, Array]:
        """What was recorded and what is missing, by the errors that they carry."""
        whole = self.by_errors
        _add_apart(whole, self.missing)
        return whole


def add_up(into: dict[Errors, Array], more: Mapping[Errors, Array]) -> None:
    """Add amounts to those that carry the same errors."""
    for errors, amount in more.items():
        into[errors] = into.get(errors, 0.0) + amount


def _add_apart(into: dict[Errors, Array], amounts: Amounts) -> None:
    for errors, together in amounts.items():
        add_up(into, dict(zip(errors, together, strict=True)))


def tallied(
    figures: Iterable[tuple[Figure, Missing]],
    p: int,
    group_by: GroupBy | None,
    below: str | None,
    small: frozenset[str] = frozenset(),
) -> dict[str, Tally]:
    """The groups of some figures, the `small` ones as one; `below` names the org unit whose children are
    the org units.
    """
    tallies: dict[str, Tally] = {}
    for figure, missing in figures:
        shares = shared(figure, missing, group_by, below)
        _Adding(tallies, p, figure).add([_renamed(share, small) if small else share for share in shares])
    return tallies


def _renamed(share: Share, small: frozenset[str]) -> Share:
    """The same share, of the small groups if it belongs to one of them."""
    if isinstance(share.group, str):
        return replace(share, group=SMALL) if share.group in small else share
    return replace(share, group=[SMALL if group in small else group for group in share.group])


def members_of(
    figures: Sequence[tuple[Figure, Missing]], group_by: GroupBy | None, below: str | None
) -> dict[str, Members]:
    """Which of all n devices add anything to each group (n,); to org units they belong in any case."""
    found: dict[str, Members] = {}
    n, at = sum(len(figure.devices) for figure, _ in figures), 0
    for figure, missing in figures:
        size = len(figure.devices)
        for share in shared(figure, missing, group_by, below):
            belongs = share.matters(size) if group_by != "org_unit" else np.ones(size, np.bool_)
            groups = [share.group] * size if isinstance(share.group, str) else share.group
            for i in np.flatnonzero(belongs).tolist():
                found.setdefault(groups[i], np.zeros(n, np.bool_))[at + i] = True
        at += size
    return found


class _Adding:
    """Adds the shares of devices that are alike to tallies."""

    def __init__(self, tallies: dict[str, Tally], p: int, figure: Figure) -> None:
        self._tallies, self._p, self._figure = tallies, p, figure
        self._one_by_one: tuple[list[str], Array] | None = None

    def add(self, shares: Sequence[Share]) -> None:
        """Add shares of the same devices; the time of a device counts once in each group."""
        timed: dict[str, Array] = {}
        for share in shares:
            names, weights = self._groups(share)
            for name, row in zip(names, weights, strict=True):
                timed[name] = np.maximum(timed[name], row) if name in timed else row
            self._add(share, names, weights)
        for name, row in timed.items():
            tally = self._tally(name)
            covered_s, expected_s, devices = (row @ self._figure.times).reshape(3, self._p)
            tally.covered_s += covered_s
            tally.expected_s += expected_s
            tally.devices += devices
            tally.simulated.update(self._figure.simulated[row > 0].tolist())

    def _tally(self, name: str) -> Tally:
        if name not in self._tallies:
            self._tallies[name] = Tally(self._p)
        return self._tallies[name]

    def _groups(self, share: Share) -> tuple[list[str], Array]:
        """Names of u groups, and which devices belong to each (u, n), as 0 or 1."""
        if isinstance(share.group, str):
            members = np.ones(len(self._figure.devices)) if share.members is None else share.members
            return [share.group], np.asarray(members, np.float64)[None]
        if self._one_by_one is None:
            names = list(dict.fromkeys(share.group))
            at = {name: i for i, name in enumerate(names)}
            weights = np.zeros((len(names), len(share.group)))
            weights[[at[name] for name in share.group], np.arange(len(share.group))] = 1.0
            self._one_by_one = names, weights
        return self._one_by_one

    def _add(self, share: Share, names: Sequence[str], weights: Array) -> None:
        tallies = [self._tally(name) for name in names]
        sums = partial(_summed, tallies, weights)
        for tally in tallies:
            tally.absent |= share.absent
        if share.energy_j is not None and share.measured_j is not None:
            for tally, energy_j in sums(share.energy_j):
                tally.energy_j += energy_j
            for tally, measured_j in sums(share.measured_j):
                tally.measured_j += measured_j
        if share.value is not None:
            for tally, value in sums(share.value):
                tally.value = value + (0.0 if tally.value is None else tally.value)
        errors = tuple(share.by_errors)
        for tally, amount in zip(tallies, _summed_together(weights, share.by_errors), strict=True):
            tally.amounts[errors] = tally.amounts.get(errors, 0.0) + amount
        for tier, energies_j in share.tier_j.items():
            key = (self._figure.device.zone, tier)
            for tally, energy_j in sums(energies_j):
                tally.tier_j[key] = energy_j + tally.tier_j.get(key, 0.0)
        if share.missing is not None:
            _miss(share.missing, tallies, weights)


def _summed(tallies: Sequence[Tally], weights: Array, amounts: Array) -> Iterator[tuple[Tally, Array]]:
    """Each tally with its sum of what devices add (n, p)."""
    return zip(tallies, weights @ amounts, strict=True)


def _summed_together(weights: Array, by_errors: Mapping[Errors, Array]) -> Array:
    """Sums of u groups by k errors and period (u, k, p), of what devices add by each (n, p)."""
    if not by_errors:
        return np.zeros((len(weights), 0, 1))
    together = np.stack(list(by_errors.values()), axis=1)
    n, k, p = together.shape
    return (weights @ together.reshape(n, k * p)).reshape(len(weights), k, p)


def _miss(missing: Used, tallies: Sequence[Tally], weights: Array) -> None:
    for tally, energy_j in _summed(tallies, weights, missing.energy_j):
        tally.missing_j += energy_j
    for tally, untold in _summed(tallies, weights, missing.untold.astype(np.float64)):
        tally.untold |= untold > 0
    errors = tuple(missing.by_errors)
    for tally, amount in zip(tallies, _summed_together(weights, missing.by_errors), strict=True):
        tally.missing[errors] = tally.missing.get(errors, 0.0) + amount
        tally.missing_value += amount.sum(axis=0)


def shared(
    figure: Figure, missing: Missing, group_by: GroupBy | None, below: str | None = None
) -> Iterator[Share]:
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
            for i, members in _rungs(figure, missing):
                yield replace(_use(figure, missing, RUNGS[i].name, i), members=members)
            yield from _embodied(figure, "whole", EMBODIED_GROUP)
            yield _absent(EMBODIED_GROUP, figure.absent - {Stage.USE})
        case _:
            group = [_group(device, group_by, below) for device in figure.devices] if group_by else ALL
            yield replace(_use(figure, missing, group), absent=figure.absent)
            yield from _embodied(figure, "whole", group)


def _rungs(figure: Figure, missing: Missing) -> Iterator[tuple[int, Members]]:
    """Rungs that gave some of the energy of devices, or stand for what is missing, with those devices."""
    for i in range(len(RUNGS)):
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


def _use(figure: Figure, missing: Missing, group: Group, rung: int | None = None) -> Share:
    """The use stage, of all rungs or of one."""
    if rung is None:
        of_all = figure.of_all_rungs
        lacking = missing.of_all_rungs if missing else None
    else:
        of_all = figure.of_rungs(slice(rung, rung + 1))
        lacking = missing.used(slice(rung, rung + 1)) if missing else None
    return Share(
        group, of_all.energy_j, of_all.measured_j, of_all.use, of_all.by_errors,
        figure.absent & {Stage.USE}, lacking, of_all.tier_j,
    )  # fmt: skip


def _embodied(figure: Figure, collapse: Collapse, group: Group | None = None) -> Iterator[Share]:
    """The embodied stages; the group is named, or it is the stage or the component."""
    parts = figure.profile.per_unit(figure.criterion, figure.policy, collapse)
    for name, per_unit in parts.items():
        yield _accrued(figure, group or name, per_unit, figure.accrued)
    part = figure.profile.reconditioned(figure.criterion, figure.policy)
    if figure.reconditioned is not None and part is not None:
        name = str(part.stage) if collapse == "stage" else part.component
        yield _accrued(figure, group or name, part.per_unit, figure.reconditioned, known=True)


def _accrued(figure: Figure, group: Group, per_unit: PerUnit, units: Array, known: bool = False) -> Share:
    """Some embodied impact; when its life began is not always `known`."""
    begin = (figure.begin_error,) if figure.begin_error and not known else ()
    amounts = {(*errors, *begin): amount * units for errors, amount in per_unit.by_errors.items()}
    return Share(group, None, None, per_unit.value * units, amounts, frozenset())


def values(figure: Figure) -> Array:
    """What each device adds by period, all stages together (n, p); 0 where no factor knows any."""
    value = nothing(figure)
    for share in shared(figure, Missing(nothing(figure), ()), None):
        value = value if share.value is None else value + share.value
    return value


def counted(figure: Figure) -> Members:
    """Where each device has a row (n, p): it was in service, used something, or some embodied impact fell."""
    found: Members = (figure.expected_s > 0) | (figure.energy_j.sum(axis=0) > 0)
    return found if found.all() else found | (values(figure) != 0)


def _absent(group: Group, stages: frozenset[Stage]) -> Share:
    """Nothing but the stages that no source gives."""
    return Share(group, None, None, None, {}, stages)

"""The footprint of devices over periods: figures of single devices, grouped and added up.

A value counts what was recorded: coverage says for how much of the devices' time there is a record, and the
measured share how much of their energy was measured rather than modelled. What the rest would add stands
beside it, extrapolated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from parcimetre_factors.activity import Activity
from parcimetre_factors.amortisation import Policy
from parcimetre_factors.criteria import UNITS, Criterion, Stage
from parcimetre_factors.factor import FactorSet

from . import lineage
from .collector import Collector
from .contracts import Electricity
from .devices import Device, device, devices, zones_of
from .errors import ParcimetreError
from .extrapolation import Missing, Used, missing
from .figures import J_PER_KWH, Array, DeviceFigure, Frame, Grid, figure_of, nothing
from .intervals import bounds
from .org import within
from .periods import Interval, Periods, Span, cut
from .profiles import Collapse, Errors, PerUnit, profiles
from .rungs import RUNGS
from .store import DeviceId

GroupBy = Literal["org_unit", "site", "category", "device", "stage", "component", "power_source", "model"]
GROUPINGS: tuple[GroupBy, ...] = get_args(GroupBy)
MAX_ROWS = 100_000
Limits = tuple[Array, Array]
ALL = "all"
COMPLETE = 0.995
EMBODIED_GROUP = "embodied"
UNKNOWN = "unknown"


class TooManyRows(ParcimetreError):
    """An answer that would be too long."""

    status = 400
    kind = "too-many-rows"


@dataclass(frozen=True)
class Query:
    """Which footprint; `org_unit` stands for its whole subtree, and no policy for the collector's own.

    `electricity` is by location (what the grid did) or by market (what contracts say); gwp alone knows both.
    """

    span: Span
    criterion: Criterion = Criterion.GWP
    interval: Interval = "total"
    org_unit: str | None = None
    device: DeviceId | None = None
    amortisation: Policy | None = None
    electricity: Electricity = "location"


@dataclass(frozen=True)
class Extrapolated:
    """Footprint of a group, had the time without a record been like the time with one."""

    energy_kwh: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """Footprint of a group in a period; `value` is None where no factor knows the criterion.

    `low` and `high` bound 95 % of what the factors' errors allow. `absent` are the stages that the value
    leaves out for at least one device. `extrapolated` is None where no record can stand for the missing ones.
    `electricity` says what the use stage is based on; `grid_tiers` holds, by grid zone, the shares of the
    electricity by what stands behind its intensity (TIERS of the engine), together 1.
    """

    group: str
    period: str
    energy_kwh: float
    value: float | None
    low: float | None
    high: float | None
    unit: str
    coverage: float | None
    measured_share: float | None
    factor_set: str
    absent: tuple[Stage, ...]
    simulated: bool | Literal["partly"]
    extrapolated: Extrapolated | None
    electricity: Electricity
    grid_tiers: Mapping[str, Mapping[str, float]]

    @property
    def incomplete(self) -> bool:
        """Whether so much has no record that what stands for it is worth showing."""
        return self.extrapolated is not None and self.coverage is not None and self.coverage < COMPLETE


@dataclass(frozen=True)
class Figures:
    """Figures of many devices, from which rows of any grouping are made."""

    criterion: Criterion
    electricity: Electricity
    periods: Periods
    factors: FactorSet
    amortisation: Policy
    devices: tuple[DeviceFigure, ...]

    @cached_property
    def missing(self) -> list[Missing]:
        """What each device's time without a record is taken to have used."""
        return missing(self.devices)

    def rows(self, group_by: GroupBy | None = None, below: str | None = None) -> list[Row]:
        """Rows by group, then by period; their values add up to the total.

        `below` names an org unit: org units are then the ones right below it. Raises TooManyRows.
        """
        tallies: dict[str, Tally] = {}
        for figure, lacking in zip(self.devices, self.missing, strict=True):
            shares = list(shared(figure, lacking, group_by, below))
            for group in dict.fromkeys(share.group for share in shares):
                tally = tallies.setdefault(group, Tally(len(self.periods.names)))
                tally.add(figure, [share for share in shares if share.group == group])
        if len(tallies) * len(self.periods.names) > MAX_ROWS:
            raise TooManyRows(
                f"{len(tallies)} groups in {len(self.periods.names)} periods are more than {MAX_ROWS} rows; "
                "choose a longer interval, a shorter period or another group_by"
            )
        ordered = sorted(tallies.items())
        limits = self._limits([tally for _, tally in ordered])
        return [row for (group, tally), ends in zip(ordered, limits, strict=True)
                for row in self._rows(group, tally, *ends)]  # fmt: skip

    def total(self) -> Row:
        """The one row of all devices over the whole span, empty where there is no device."""
        rows = self.rows()
        return rows[0] if rows else self._row(ALL, 0, Tally(len(self.periods.names)), None, None)

    def _limits(self, tallies: list[Tally]) -> Iterator[tuple[Limits | None, Limits | None]]:
        """Bounds of what each recorded, and of that with what is missing."""
        p, known = len(self.periods.names), [tally for tally in tallies if tally.value is not None]
        recorded = iter(bounds([tally.by_errors for tally in known], p, self.factors))
        missing = iter(bounds([tally.with_missing() for tally in known if tally.missing], p, self.factors))
        for tally in tallies:
            limits = None if tally.value is None else next(recorded)
            yield limits, next(missing) if limits is not None and tally.missing else limits

    def _rows(self, group: str, tally: Tally, limits: Limits | None, whole: Limits | None) -> Iterator[Row]:
        for i in range(tally.p):
            if (
                tally.expected_s[i] > 0
                or tally.energy_j[i] > 0
                or (tally.value is not None and tally.value[i])
            ):
                yield self._row(group, i, tally, limits, whole)

    def _row(self, group: str, i: int, tally: Tally, limits: Limits | None, whole: Limits | None) -> Row:
        return Row(
            group=group,
            period=self.periods.names[i],
            energy_kwh=float(tally.energy_j[i]) / J_PER_KWH,
            value=None if tally.value is None else float(tally.value[i]),
            low=None if limits is None else float(limits[0][i]),
            high=None if limits is None else float(limits[1][i]),
            unit=UNITS[self.criterion],
            coverage=_share(tally.covered_s[i], tally.expected_s[i]),
            measured_share=_share(tally.measured_j[i], tally.energy_j[i]),
            factor_set=self.factors.id,
            absent=tuple(stage for stage in Stage if stage in tally.absent),
            simulated="partly" if len(tally.simulated) > 1 else tally.simulated == {True},
            extrapolated=None if whole is None or tally.untold[i] else tally.extrapolated(i, whole),
            electricity=self.electricity,
            grid_tiers=tally.grid_tiers(i),
        )


def _share(part: float, whole: float) -> float | None:
    return min(1.0, float(part / whole)) if whole > 0 else None


@dataclass(frozen=True)
class Share:
    """What a device adds to a group, by period (p,)."""

    group: str
    energy_j: Array
    measured_j: Array
    value: Array | None
    by_errors: Mapping[Errors, Array]
    absent: frozenset[Stage]
    missing: Used | None = None
    tier_j: Mapping[str, Array] = field(default_factory=dict)


@dataclass
class Tally:
    """The sum of what devices add to one group, by period (p,)."""

    p: int
    value: Array | None = None
    by_errors: dict[Errors, Array] = field(default_factory=dict)
    absent: set[Stage] = field(default_factory=set)
    simulated: set[bool] = field(default_factory=set)
    missing: dict[Errors, Array] = field(default_factory=dict)
    tier_j: dict[tuple[str, str], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from nothing."""
        self.energy_j, self.measured_j = np.zeros(self.p), np.zeros(self.p)
        self.covered_s, self.expected_s = np.zeros(self.p), np.zeros(self.p)
        self.missing_j, self.missing_value = np.zeros(self.p), np.zeros(self.p)
        self.untold = np.zeros(self.p, dtype=np.bool_)

    def add(self, figure: DeviceFigure, shares: list[Share]) -> None:
        """Add the shares of one device; its time counts once."""
        self.covered_s += figure.covered_s
        self.expected_s += figure.expected_s
        self.simulated.add(figure.device.simulated)
        for share in shares:
            self.energy_j += share.energy_j
            self.measured_j += share.measured_j
            self.absent |= share.absent
            if share.value is not None:
                self.value = share.value + (0.0 if self.value is None else self.value)
            add_up(self.by_errors, share.by_errors)
            for tier, energy_j in share.tier_j.items():
                key = (figure.device.zone, tier)
                self.tier_j[key] = energy_j + self.tier_j.get(key, 0.0)
            if share.missing is not None:
                self._miss(share.missing)

    def _miss(self, missing: Used) -> None:
        self.missing_j += missing.energy_j
        self.untold |= missing.untold
        add_up(self.missing, missing.by_errors)
        for amount in missing.by_errors.values():
            self.missing_value += amount

    def grid_tiers(self, i: int) -> dict[str, dict[str, float]]:
        """Shares of a period's electricity by grid zone and tier."""
        found: dict[str, dict[str, float]] = {}
        whole = sum(float(energy_j[i]) for energy_j in self.tier_j.values())
        for (zone, tier), energy_j in sorted(self.tier_j.items()):
            if energy_j[i] > 0:
                found.setdefault(zone, {})[tier] = float(energy_j[i]) / whole
        return found

    def with_missing(self) -> dict[Errors, Array]:
        """What was recorded and what is missing, by the errors that they carry."""
        whole = dict(self.by_errors)
        add_up(whole, self.missing)
        return whole

    def extrapolated(self, i: int, limits: Limits) -> Extrapolated:
        """The whole of a period, with what is missing."""
        energy_j, value = self.energy_j[i] + self.missing_j[i], self.missing_value[i]
        if self.value is not None:
            value += self.value[i]
        return Extrapolated(
            float(energy_j) / J_PER_KWH, float(value), float(limits[0][i]), float(limits[1][i])
        )


def add_up(into: dict[Errors, Array], more: Mapping[Errors, Array]) -> None:
    """Add amounts to those that carry the same errors."""
    for errors, amount in more.items():
        into[errors] = into.get(errors, 0.0) + amount


def shared(
    figure: DeviceFigure, missing: Missing, group_by: GroupBy | None, below: str | None = None
) -> Iterator[Share]:
    """A device's figure and what is missing of it, cut by group."""
    match group_by:
        case "stage":
            yield _use(figure, missing, str(Stage.USE))
            yield from _embodied(figure, "stage")
            for stage in sorted(figure.absent - {Stage.USE}):
                yield _absent(figure, stage, frozenset({stage}))
        case "component":
            yield _use(figure, missing, str(Stage.USE))
            yield from _embodied(figure, "component")
        case "power_source":
            for i in _rungs(figure, missing):
                yield _use(figure, missing, RUNGS[i].name, i)
            yield from _embodied(figure, "whole", EMBODIED_GROUP)
            yield _absent(figure, EMBODIED_GROUP, figure.absent - {Stage.USE})
        case _:
            group = _group(figure.device, group_by, below)
            yield _use(figure, missing, group)
            yield from _embodied(figure, "whole", group)
            yield _absent(figure, group, figure.absent)


def _rungs(figure: DeviceFigure, missing: Missing) -> Iterator[int]:
    """Rungs that gave some of the energy, or stand for what is missing."""
    for i in range(len(RUNGS)):
        if figure.energy_j[i].any() or missing.used(slice(i, i + 1)).energy_j.any():
            yield i


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
            return device.org_unit if below is None else _child(device.org_unit, below)
        case _:
            return ALL


def _child(path: str, below: str) -> str:
    """The org unit right below another one on the way to `path`, or that one itself."""
    depth = len(below.split("/")) if below else 0
    return "/".join(path.split("/")[: depth + 1])


def _use(figure: DeviceFigure, missing: Missing, group: str, rung: int | None = None) -> Share:
    """The use stage, of all rungs or of one."""
    rungs = slice(None) if rung is None else slice(rung, rung + 1)
    return Share(
        group,
        figure.energy_j[rungs].sum(axis=0),
        figure.measured_j[rungs].sum(axis=0),
        None if figure.use is None else figure.use[rungs].sum(axis=0),
        {errors: amount[rungs].sum(axis=0) for errors, amount in figure.use_by_errors.items()},
        figure.absent & {Stage.USE},
        missing.used(rungs) if missing else None,
        {tier: energy_j[rungs].sum(axis=0) for tier, energy_j in figure.tier_j.items()},
    )


def _embodied(figure: DeviceFigure, collapse: Collapse, group: str | None = None) -> Iterator[Share]:
    """The embodied stages; the group is named, or it is the stage or the component."""
    parts = figure.profile.per_unit(figure.criterion, figure.policy, collapse)
    for name, per_unit in parts.items():
        yield _accrued(figure, group or name, per_unit, figure.accrued)
    part = figure.profile.reconditioned(figure.criterion, figure.policy)
    if figure.reconditioned is not None and part is not None:
        name = str(part.stage) if collapse == "stage" else part.component
        yield _accrued(figure, group or name, part.per_unit, figure.reconditioned, known=True)


def _accrued(figure: DeviceFigure, group: str, per_unit: PerUnit, units: Array, known: bool = False) -> Share:
    """Some embodied impact; when its life began is not always `known`."""
    begin = (figure.purchase.error,) if figure.purchase.error and not known else ()
    amounts = {(*errors, *begin): amount * units for errors, amount in per_unit.by_errors.items()}
    return Share(group, nothing(figure), nothing(figure), per_unit.value * units, amounts, frozenset())


def _absent(figure: DeviceFigure, group: str, stages: frozenset[Stage]) -> Share:
    """Nothing but the stages that no source gives."""
    return Share(group, nothing(figure), nothing(figure), None, {}, stages)


def figures(collector: Collector, query: Query) -> Figures:
    """Figures of every device that the query asks for and that ever reported."""
    periods = cut(query.span, query.interval, collector.zone)
    grid = Grid(collector, query.span, query.criterion, query.electricity)
    policy = query.amortisation or collector.settings.amortisation
    frame = Frame(profiles(collector.factors), grid, periods, collector.now(), policy, collector.zone)
    asked = dict(_asked(collector, query))
    began = {key: span[0] for key, span in lineage.spans(collector.store).items() if key in asked}
    recorded = dict(lineage.activities(collector.store, began, query.span.first, query.span.last))
    made = (
        figure_of(stay, frame, during(stay, recorded.get(key)), first)
        for key, first in began.items()
        for stay in asked[key]
    )
    return Figures(query.criterion, grid.electricity, periods, grid.factors, policy, tuple(made))


def _asked(collector: Collector, query: Query) -> Iterator[tuple[DeviceId, list[Device]]]:
    """Devices with their stays in the org unit that is asked for."""
    store = collector.store
    known = devices(store) if query.device is None else {query.device: device(store, query.device)}
    zones = zones_of(store)
    for key, found in known.items():
        in_unit = [
            stay
            for stay in stays_in(found, query.span, zones)
            if query.org_unit is None or query.device is not None or within(stay.org_unit, query.org_unit)
        ]
        if in_unit:
            yield key, in_unit


def stays_in(found: Device, span: Span, zones: Mapping[str, str]) -> list[Device]:
    """A device as it stood in a span: once, unless it was transferred within."""
    return [stay for stay in found.at_each_stay(zones) if stay.since < span.last and span.first < stay.until]


def during(stay: Device, recorded: Activity | None) -> Activity | None:
    """What was recorded while a device stood somewhere; None where that is nothing."""
    if recorded is None or (stay.since <= recorded.start[0] and recorded.start[-1] < stay.until):
        return recorded
    found = lineage.between(recorded, stay.since, stay.until)
    return found if len(found.start) else None


def footprint(collector: Collector, query: Query, group_by: GroupBy | None = None) -> list[Row]:
    """Rows of the footprint that a query asks for, by group and period."""
    return figures(collector, query).rows(group_by)

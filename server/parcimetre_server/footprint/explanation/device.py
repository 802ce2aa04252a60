"""Explanation of a device's footprint: the tree of terms whose root has the footprint's value.

Recomputing the tree from its leaves gives that value. The device's power is explained once, under
`definitions`; terms point there with `ref`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import Activity
from parcimetre_factors.criteria import EMBODIED, UNITS, Criterion, Stage
from parcimetre_factors.explanation.leaves import factor_leaf
from parcimetre_factors.explanation.term import Term, leaf, product, quotient, total, walk
from parcimetre_factors.grid.intensity import TIERS, GridSlots
from parcimetre_factors.power.power_sources import (
    GIVEN,
    LOAD_STATES,
    POWER_SOURCES,
    CounterEnergy,
    SourcedEnergy,
    select_power_source,
)
from parcimetre_factors.service_life.amortisation import COUNTED, Policy, life_end, per_unit
from parcimetre_factors.service_life.purchase import Purchase
from parcimetre_factors.tables.factor_set import Factor, FactorSet

from ...access.context import Context
from ...access.presence import is_personal, permitted_span, presence_needed
from ...base.errors import ParcimetreError
from ...base.i18n import N_
from ...base.periods import DAY_S, Span, cut
from ...base.query_cost import check_cost, query_cost
from ...fleet.device import Device
from ...fleet.devices import device, zones_of
from ...fleet.hardware import assumptions, hardware, is_virtual
from ...fleet.monitors import MonitorActivity, of_device, span_of
from ...fleet.purchases import purchase_of
from ...fleet.retention import resolution_of
from ...grid.supply_contracts import Electricity
from ...organisation.connections import ConnectionMap
from ...organisation.left_out import alone
from ...organisation.merges import MergeHistory
from ...presentation.labels import POWER_SOURCE_LABELS
from ...store.records import DeviceId
from ..accrual import Life, Service, accrued, first_life, policy_for, second_life, service_of
from ..compute import placements_in
from ..device_footprints import service_start
from ..energy_use import join_slots
from ..grid_intensity import Grid
from ..hardware_model import HardwareModel, hardware_models
from ..self_reported import SelfReported, self_reported
from .notes import (
    ACCRUED,
    BY_OUTLETS,
    DAYS_KEPT,
    EACH_CONTRACT,
    EACH_SLOT,
    GIVEN_ON,
    HOURS_KEPT,
    LIFE_BEGINNING,
    LIFE_FROM,
    LIFE_OVER,
    LOAD_STATE_LABELS,
    MARKET,
    MONITOR_NOTE,
    NO_PURCHASE_YEAR,
    NO_RECORD,
    OWN_SHARE,
    SCRAPPED,
    SECOND_LIFE,
    STAGE_LABELS,
)

FINE_S = 2 * DAY_S
MOST_DAYS = 1200  # of records in one explanation, each a term with its inputs
JOULES = leaf(N_("joules in a kilowatt-hour"), 3.6e6, "J/kWh", "constant")


class NothingToExplain(ParcimetreError):
    """A device that never reported."""

    status = 404
    kind = "nothing-to-explain"


@dataclass(frozen=True)
class Explanation:
    """The tree of a footprint, the terms it refers to, its factors and notes for the reader.

    `term` is None where no factor has the criterion. `absent` are the stages without a factor.
    `self_reported` is the device's own energy beside that of its metered outlets.
    """

    criterion: Criterion
    span: Span
    term: Term | None
    definitions: Mapping[str, Term]
    factors: tuple[Factor, ...]
    absent: tuple[Stage, ...]
    notes: tuple[str, ...]
    factor_set: str
    amortisation: Policy
    electricity: Electricity
    grid_tiers: Mapping[str, Mapping[str, float]]
    self_reported: SelfReported | None = None


@dataclass(frozen=True)
class _Case:
    """One placement of a device, with the inputs of its explanation, `by_day` if slots may not be shown."""

    context: Context
    device: Device
    model: HardwareModel
    span: Span
    grid: Grid
    service: Service
    policy: Policy
    recorded: MonitorActivity
    by_day: bool = False

    @property
    def activity(self) -> Activity:
        """Its activity of the span."""
        return self.recorded.activity

    @property
    def purchase(self) -> Purchase:
        """When its service life began."""
        return self.service.purchase

    @property
    def first_life_end(self) -> int:
        """When its first service life is over, seconds UTC."""
        return life_end(self.purchase.at, self.model.embodied.life_years.value)

    @property
    def unit(self) -> str:
        """Unit of the criterion."""
        return UNITS[self.grid.criterion]


def explain_device(
    context: Context,
    device_id: DeviceId,
    span: Span,
    criterion: Criterion,
    amortisation: Policy | None = None,
    electricity: Electricity = "location",
) -> Explanation:
    """Return the tree of one device's footprint, by a policy or else the collector's own.

    Readers without presence data get the whole days of a personal machine, day by day. Raises
    NothingToExplain where it never reported, NotAllowed for less than a whole day, TooManyRows for too long a
    period, and UnusableDevice.
    """
    with alone(device_id, "explanation of the device"):
        return _explain_device(context, device_id, span, criterion, amortisation, electricity)


def _explain_device(
    context: Context,
    device_id: DeviceId,
    span: Span,
    criterion: Criterion,
    amortisation: Policy | None,
    electricity: Electricity,
) -> Explanation:
    found = device(context.store, device_id)
    span, by_day = _permitted(context, found, span)
    reported = span_of(context.store, found)
    if reported is None:
        raise NothingToExplain(
            f"device {device_id} has not reported yet; its figures begin with its first report"
        )
    within = Span(max(span.first, reported[0]), max(span.first, reported[0], min(span.last, reported[1])))
    check_cost(query_cost(within, "day", [reported], by_slot=True), "choose a shorter period", MOST_DAYS)
    model = hardware_models(context.factors).of(hardware(found))
    grid = Grid(context, span, criterion, electricity)
    first = service_start(found, reported[0])
    purchase = purchase_of(found, first)
    requested = amortisation or context.settings.amortisation
    recorded, policy = of_device(context.store, found, span), policy_for(requested, purchase)
    cases = []
    for placement in placements_in([found], span, zones_of(context.store)):
        service = service_of(placement, first, context.now(), purchase)
        during = recorded.between(placement.since, placement.until)
        cases.append(_Case(context, placement, model, span, grid, service, policy, during, by_day))
    if not cases:
        raise NothingToExplain(
            f"device {device_id} belonged to another org unit then: choose an earlier period"
        )
    case, term = cases[-1], _footprint(found.name, cases)
    definitions = {name: watts for name, watts in model.watts.items() if _refers(term, name)}
    second = purchase.second_life is not None
    absent = model.absent(criterion, second) | ({Stage.USE} if grid.of(found.zone) is None else set())
    return Explanation(
        criterion,
        span,
        term,
        definitions,
        _factors(grid.factors, term, definitions),
        tuple(stage for stage in Stage if stage in absent),
        (*_notes(case, requested), *retention_notes(context, span)),
        grid.factors.id,
        requested,
        grid.electricity,
        _grid_tiers(cases),
        self_reported(context.store, found, model, span),
    )


def _permitted(context: Context, found: Device, span: Span) -> tuple[Span, bool]:
    """Return the span that the reader may see of a device, and whether by the day only. Raises NotAllowed."""
    if context.sees_presence or not is_personal(found):
        return span, False
    permitted = permitted_span(span, "total", [found], context.zone, context.now())
    if permitted is None:
        raise presence_needed("less than a whole day of this device")
    return permitted, True


def _footprint(name: str, cases: Sequence[_Case]) -> Term | None:
    """The tree of a device: use and embodied impact, by org unit where it was transferred."""
    parts_of = [(case, (*_use(case), *_embodied(case))) for case in cases]
    unit, label = cases[0].unit, N_("footprint of a device")
    if len(parts_of) == 1:
        terms = parts_of[0][1]
    else:
        at = N_("while it belonged to an org unit")
        terms = tuple(
            total(at, unit, parts, detail=case.device.org_unit) for case, parts in parts_of if parts
        )
    return total(label, unit, terms, detail=name) if terms else None


def _notes(case: _Case, requested: Policy) -> Iterator[str]:
    yield LIFE_FROM[case.purchase.tier]
    if case.policy != requested:
        yield NO_PURCHASE_YEAR
    if case.purchase.second_life is not None:
        yield SECOND_LIFE
    if case.service.scrapped:
        yield SCRAPPED
    elif case.policy != Policy.PURCHASE_YEAR and case.first_life_end < case.span.last:
        yield LIFE_OVER
    if is_virtual(case.device):
        yield OWN_SHARE
    if case.grid.electricity == "market":
        yield MARKET
    if case.device.driven_by is not None:
        yield MONITOR_NOTE
    if case.device.wired and case.device.id in ConnectionMap.of(case.context.store).hung:
        yield BY_OUTLETS
    yield from assumptions(case.device)
    if case.model.embodied.note:
        yield case.model.embodied.note


def retention_notes(context: Context, span: Span) -> tuple[str, ...]:
    """Return the notes on a span whose quarter hours were rolled up to hours or days."""
    resolution = resolution_of(context.store, span)
    return (*((HOURS_KEPT,) if resolution.hours else ()), *((DAYS_KEPT,) if resolution.days else ()))


def _embodied(case: _Case) -> Iterator[Term]:
    model, error = case.model, case.purchase.error
    begin = (factor_leaf(LIFE_BEGINNING, error, case.context.factors),) if error else ()
    units = _accrued(case, first_life(model, case.purchase, case.policy))
    for stage in EMBODIED:
        whole = model.embodied.by_stage.get((case.grid.criterion, stage))
        if whole is not None:
            unit = per_unit(case.policy, whole, model.embodied.life_years, model.hours_per_year)
            yield product(STAGE_LABELS[stage], case.unit, (unit, units, *begin))
    second = second_life(model, case.purchase)
    whole = model.reconditioning.by_criterion.get(case.grid.criterion)
    if second is not None and whole is not None:
        unit = per_unit(case.policy, whole, model.reconditioning.life_years, model.hours_per_year)
        yield product(N_("reconditioning"), case.unit, (unit, _accrued(case, second)))


def _accrued(case: _Case, life: Life | None) -> Term:
    """The units of the policy that accrue in the period, as a leaf."""
    periods = cut(case.span, "total", case.context.zone)
    slots = join_slots([case.activity])
    units = accrued(case.policy, life, case.service, periods, slots, case.context.zone)[0]
    return leaf(ACCRUED[case.policy], float(units), COUNTED[case.policy], "measured")


def _use(case: _Case) -> Iterator[Term]:
    """The use stage: one term per slot with energy, or per day of spans over two days."""
    slots = case.grid.of_device(case.device)
    if slots is None:
        return
    span = case.span
    activity = case.activity
    sourced = select_power_source(activity, case.model.watts, is_virtual(case.device), case.model.supply)
    fine = span.last - span.first <= FINE_S and not case.by_day
    periods = cut(span, "slot" if fine else "day", case.context.zone)
    at = periods.index(activity.start)
    impact = slots.kg_per_kwh[case.grid.index(activity.start)] * sourced.energy_j
    terms = []
    for i in np.unique(at):
        inside = at == i
        energy_j = _energy(sourced, inside, case.context.factors, _source_machines(case, inside))
        if energy_j is None:
            continue
        energy = quotient(N_("electricity"), "kWh", (energy_j, JOULES))
        if fine:
            start = int(activity.start[inside][0])
            grid = case.grid.term_of_device(case.device, start)
        else:
            mean = float(impact[inside].sum() / sourced.energy_j[inside].sum())
            grid = _mean_intensity(case, mean, slots)
        terms.append(
            product(
                N_("use of a slot") if fine else N_("use of a day"),
                case.unit,
                (energy, grid),
                detail=periods.names[i],
            )
        )
    if terms:
        yield total(N_("use"), case.unit, tuple(terms))
    else:
        yield leaf(N_("use"), 0.0, case.unit, "measured", note=NO_RECORD)


def _grid_tiers(cases: Sequence[_Case]) -> dict[str, dict[str, float]]:
    """Shares of the electricity by grid zone and tier of evidence of its intensity, of 1."""
    by_zone: dict[str, NDArray[np.float64]] = {}
    for case in cases:
        slots = case.grid.of_device(case.device)
        energy_j = select_power_source(
            case.activity, case.model.watts, is_virtual(case.device), case.model.supply
        ).energy_j
        if slots is not None and energy_j.sum():
            tiers = slots.tier[case.grid.index(case.activity.start)]
            summed = np.bincount(tiers, energy_j, len(TIERS)).astype(np.float64)
            by_zone[case.device.zone] = summed + by_zone.get(case.device.zone, 0.0)
    whole = sum(float(summed.sum()) for summed in by_zone.values())
    return {
        zone: {TIERS[i]: float(summed[i] / whole) for i in np.flatnonzero(summed)}
        for zone, summed in by_zone.items()
    }


def _mean_intensity(case: _Case, mean: float, slots: GridSlots) -> Term:
    """The mean intensity of many slots, as a leaf; `GET /v1/grid` returns those of single slots."""
    return leaf(
        N_("intensity of the grid, weighted by the electricity of each slot"),
        mean,
        f"{case.unit}/kWh",
        "modelled",
        detail=case.device.zone,
        factor=next(iter(slots.errors), None),
        note=EACH_SLOT if case.grid.electricity == "location" else EACH_CONTRACT,
    )


def _source_machines(case: _Case, inside: NDArray[np.bool_]) -> str:
    """Names of the computers whose records give a monitor's activity; empty for other devices."""
    if case.device.driven_by is None:
        return ""
    store = case.context.store
    merges = MergeHistory.of(store)
    machines = dict.fromkeys(merges.whole(device_id) for device_id in case.recorded.names(inside))
    return ", ".join(device(store, device_id).name for device_id in machines)


def _energy(
    sourced: SourcedEnergy, inside: NDArray[np.bool_], factors: FactorSet, machines: str = ""
) -> Term | None:
    """Energy of some slots: that of counters, and modelled seconds times watts; None where there is none."""
    read = [_read(reading, inside, factors) for reading in sourced.readings if reading.energy_j[inside].any()]
    seconds = sourced.modelled_s[inside].sum(axis=0)
    modelled = [
        product(LOAD_STATE_LABELS[state], "J", (
            leaf(N_("time"), float(seconds[k]), "s", "measured", detail=machines),
            leaf(N_("power"), float(sourced.watts[k]), "W", "modelled", ref=state),
        ))
        for k, state in enumerate(LOAD_STATES)
        if seconds[k] * sourced.watts[k] > 0
    ]  # fmt: skip
    if not read and not modelled:
        return None
    sources = ", ".join(POWER_SOURCE_LABELS[POWER_SOURCES[i].name] for i in np.unique(sourced.source[inside]))
    return total(N_("energy at the wall"), "J", (*read, *modelled), tier=sources)


def _read(reading: CounterEnergy, inside: NDArray[np.bool_], factors: FactorSet) -> Term:
    """Energy of a counter in some slots, with the losses of the power supply before it."""
    counted_j = float(reading.counted_j[inside].sum())
    label = GIVEN_ON if reading.scope == GIVEN else N_("energy counted")
    counted = leaf(
        label, counted_j, "J", "measured", detail=f"{reading.source} ({reading.scope})", tier=reading.quality
    )
    if not reading.errors:
        return counted
    error, *charge = reading.errors
    battery = tuple(factor_leaf(N_("battery"), name, factors) for name in charge)
    whole = counted_j / float(reading.energy_j[inside].sum()) / math.prod(term.value for term in battery)
    efficiency = leaf(N_("efficiency of the power supply"), whole, "1", "modelled", factor=error)
    if battery:
        efficiency = product(N_("efficiency with the battery"), "1", (efficiency, *battery))
    return quotient(N_("energy counted, at the wall"), "J", (counted, efficiency))


def _refers(term: Term | None, name: str) -> bool:
    return term is not None and any(below.ref == name for below in walk(term))


def _factors(factors: FactorSet, term: Term | None, definitions: Mapping[str, Term]) -> tuple[Factor, ...]:
    """The factors that a tree and its definitions name, in the order of their ids."""
    trees = [*definitions.values(), *([term] if term else [])]
    named = {below.factor for tree in trees for below in walk(tree) if below.factor}
    return tuple(factors.get(name) for name in sorted(named))

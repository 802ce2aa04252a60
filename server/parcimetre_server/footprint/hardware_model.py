"""Hardware models: embodied impact and power of a hardware by a factor set, shared by all devices of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from parcimetre_agent.report import Inventory
from parcimetre_factors.criteria import EMBODIED, Criterion, Stage
from parcimetre_factors.embodied.evidence import Embodied, embodied
from parcimetre_factors.explanation.term import Term
from parcimetre_factors.hardware.description import Hardware
from parcimetre_factors.power.model import PowerModel, component_remainder, power_model
from parcimetre_factors.power.power_sources import LOAD_STATES, Array
from parcimetre_factors.power.power_supply import SupplyEfficiency, supply
from parcimetre_factors.service_life.amortisation import Policy, active_hours, per_unit
from parcimetre_factors.service_life.second_life import Reconditioning, reconditioning
from parcimetre_factors.tables.factor_set import FactorSet
from parcimetre_factors.uncertainty.amounts import Amount, amounts

from ..base.cache import Cache
from ..fleet.device import Device
from ..fleet.hardware import hardware
from ..store.records import DeviceId

MOST_MODELS, MOST_DEVICES, MOST_FACTOR_SETS = 10_000, 200_000, 8
MOST_AMOUNT = 1e12  # units of a criterion, or watts, of one device
STALE = "A model is never stale: its key is the hash of the factor set's content and the whole hardware."
STALE_OF_DEVICE = (
    "A device's model counts while its inventory, category and virtual machine kind are the same."
)

Errors = tuple[str, ...]
Collapse = Literal["stage", "component", "whole"]


@dataclass(frozen=True)
class PerUnit:
    """Embodied impact per unit of a policy, and by the errors it carries."""

    value: float
    by_errors: Mapping[Errors, float]


@dataclass(frozen=True)
class FactorPart:
    """A component's share of a stage."""

    stage: Stage
    component: str
    per_unit: PerUnit


@dataclass(frozen=True, eq=False)
class HardwareModel:
    """Embodied impact and power of one hardware; two are equal only if they are the same object.

    `watts` are the terms of LOAD_STATES by name, `watts_by_errors` the same (14,) by the errors they carry.
    """

    hardware: Hardware
    embodied: Embodied
    reconditioning: Reconditioning
    power: PowerModel
    watts: Mapping[str, Term]
    watts_by_errors: Mapping[Errors, Array]
    supply: SupplyEfficiency
    hours_per_year: Term
    _collapsed: dict[tuple[Criterion, Policy, Collapse], Mapping[str, PerUnit]] = field(default_factory=dict)
    _reconditioned: dict[tuple[Criterion, Policy], FactorPart | None] = field(default_factory=dict)

    def parts(self, criterion: Criterion, policy: Policy) -> tuple[FactorPart, ...]:
        """Return the embodied impact per unit by stage and component, of those that the sources give."""
        return tuple(self._parts(criterion, policy))

    def _parts(self, criterion: Criterion, policy: Policy) -> Iterable[FactorPart]:
        for stage in EMBODIED:
            whole = self.embodied.by_stage.get((criterion, stage))
            for term in () if whole is None else whole.inputs or (whole,):
                yield self._part(stage, per_unit(policy, term, self.embodied.life_years, self.hours_per_year))

    def per_unit(self, criterion: Criterion, policy: Policy, collapse: Collapse) -> Mapping[str, PerUnit]:
        """Return the parts summed by stage, by component, or as a whole under one empty name."""
        key = (criterion, policy, collapse)
        if key not in self._collapsed:
            self._collapsed[key] = _collapse(self.parts(criterion, policy), collapse)
        return self._collapsed[key]

    def reconditioned(self, criterion: Criterion, policy: Policy) -> FactorPart | None:
        """Return the impact of reconditioning per unit of the second life; None where no source gives it."""
        key = (criterion, policy)
        if key not in self._reconditioned:
            whole, years = self.reconditioning.by_criterion.get(criterion), self.reconditioning.life_years
            self._reconditioned[key] = (
                None
                if whole is None
                else self._part(Stage.MANUFACTURING, per_unit(policy, whole, years, self.hours_per_year))
            )
        return self._reconditioned[key]

    @staticmethod
    def _part(stage: Stage, term: Term) -> FactorPart:
        return FactorPart(stage, term.label, PerUnit(term.value, by_errors(amounts(term))))

    def absent(self, criterion: Criterion, second_life: bool = False) -> frozenset[Stage]:
        """Return the embodied stages for which no source gives this criterion, or not for reconditioning."""
        absent = {stage for stage in EMBODIED if (criterion, stage) not in self.embodied.by_stage}
        if second_life and criterion not in self.reconditioning.by_criterion:
            absent.add(Stage.MANUFACTURING)
        return frozenset(absent)


def by_errors(parts: Iterable[Amount]) -> dict[Errors, float]:
    """Return the sums of the amounts that carry the same errors."""
    summed: dict[Errors, float] = {}
    for part in parts:
        key = tuple(sorted(part.errors))
        summed[key] = summed.get(key, 0.0) + part.value
    return summed


def _watts_by_errors(watts: Mapping[str, Term], power: PowerModel) -> dict[Errors, Array]:
    """Return the watts of each of LOAD_STATES (14,), by errors: those of a server follow its load."""
    summed: dict[Errors, Array] = {}
    for i, state in enumerate(LOAD_STATES):
        for errors, value in by_errors(power.amounts(watts[state])).items():
            summed.setdefault(errors, np.zeros(len(LOAD_STATES)))[i] += value
    return summed


def _collapse(parts: Iterable[FactorPart], collapse: Collapse) -> dict[str, PerUnit]:
    by_name: dict[str, list[FactorPart]] = {}
    for part in parts:
        name = {"stage": str(part.stage), "component": part.component, "whole": ""}[collapse]
        by_name.setdefault(name, []).append(part)
    return {
        name: PerUnit(
            math.fsum(part.per_unit.value for part in same_name),
            by_errors(
                Amount(value, errors)
                for part in same_name
                for errors, value in part.per_unit.by_errors.items()
            ),
        )
        for name, same_name in by_name.items()
    }


class HardwareModels:
    """Hardware models of one factor set, computed when first asked for."""

    def __init__(
        self, factors: FactorSet, most_models: int = MOST_MODELS, most_devices: int = MOST_DEVICES
    ) -> None:
        """Compute none yet."""
        self._factors = factors
        self._models: Cache[Hardware, HardwareModel] = Cache("hardware models", STALE, most_models)
        self._of_devices: Cache[DeviceId, _DeviceModel] = Cache(
            "models of devices", STALE_OF_DEVICE, most_devices
        )

    def of(self, hardware: Hardware) -> HardwareModel:
        """Return the model of a hardware."""
        return self._models.get_or_compute(hardware, lambda: self._computed(hardware))

    def of_device(self, device: Device) -> HardwareModel:
        """Return the model of a device's hardware, be it as a reader of some scope sees it or whole."""
        known = self._of_devices.get(device.id)
        if known is None or not known.is_of(device):
            model = self.of(hardware(device))
            known = _DeviceModel(device.inventory, device.category, device.virtual, model)
            self._of_devices.put(device.id, known)
        return known.model

    def _computed(self, hardware: Hardware) -> HardwareModel:
        power = power_model(hardware, self._factors)
        watts = dict(power.terms()) | {"remainder": component_remainder(hardware, self._factors)}
        return _checked(HardwareModel(
            hardware,
            embodied(hardware, self._factors),
            reconditioning(hardware.category, self._factors),
            power,
            watts,
            _watts_by_errors(watts, power),
            supply(hardware, self._factors),
            active_hours(hardware.category, self._factors),
        ))  # fmt: skip


def _checked(model: HardwareModel) -> HardwareModel:
    """Return a model whose amounts are believable. Raises ValueError for a hardware that nobody builds."""
    for term in (*model.embodied.by_stage.values(), *model.watts.values()):
        if not abs(term.value) <= MOST_AMOUNT:
            raise ValueError(f"{term.label} = {term.value:g} {term.unit} is beyond all bounds")
    return model


class _DeviceModel(NamedTuple):
    """The model of a device, with all that its hardware is read from."""

    inventory: Inventory | None
    category: str
    virtual: str
    model: HardwareModel

    def is_of(self, device: Device) -> bool:
        """Return whether a device's hardware is read from the very same."""
        return (
            self.inventory is device.inventory
            and self.category == device.category
            and self.virtual == device.virtual
        )


_BY_FACTOR_SET: Cache[str, HardwareModels] = Cache("factor sets of hardware models", STALE, MOST_FACTOR_SETS)


def hardware_models(factors: FactorSet) -> HardwareModels:
    """Return the hardware models of a factor set."""
    return _BY_FACTOR_SET.get_or_compute(factors.id, lambda: HardwareModels(factors))

"""What the engine says of a piece of hardware, kept for all devices that are alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
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

from ..fleet.device import Device
from ..fleet.hardware import hardware
from ..store.records import DeviceId

Errors = tuple[str, ...]
Collapse = Literal["stage", "component", "whole"]
Asked = tuple[Criterion, Policy, Collapse]


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


@dataclass(frozen=True)
class HardwareModel:
    """Embodied impact and power of one hardware. `watts` names the terms of rungs.PIECES, and
    `watts_by_errors` is the same (14,) by the errors that they carry.
    """

    hardware: Hardware
    embodied: Embodied
    reconditioning: Reconditioning
    power: PowerModel
    watts: Mapping[str, Term]
    watts_by_errors: Mapping[Errors, Array]
    supply: SupplyEfficiency
    hours_per_year: Term
    _collapsed: dict[Asked, Mapping[str, PerUnit]] = field(default_factory=dict)
    _reconditioned: dict[tuple[Criterion, Policy], FactorPart | None] = field(default_factory=dict)

    def parts(self, criterion: Criterion, policy: Policy) -> tuple[FactorPart, ...]:
        """Embodied impact per unit by stage and component, of those that the sources give."""
        return tuple(self._parts(criterion, policy))

    def _parts(self, criterion: Criterion, policy: Policy) -> Iterable[FactorPart]:
        for stage in EMBODIED:
            whole = self.embodied.by_stage.get((criterion, stage))
            for term in () if whole is None else whole.inputs or (whole,):
                yield self._part(stage, per_unit(policy, term, self.embodied.life_years, self.hours_per_year))

    def per_unit(self, criterion: Criterion, policy: Policy, collapse: Collapse) -> Mapping[str, PerUnit]:
        """The parts added up by stage, by component, or as a whole under one empty name."""
        asked = (criterion, policy, collapse)
        if asked not in self._collapsed:
            self._collapsed[asked] = _collapse(self.parts(criterion, policy), collapse)
        return self._collapsed[asked]

    def reconditioned(self, criterion: Criterion, policy: Policy) -> FactorPart | None:
        """What preparing a second life costs, per unit of that life; None where no source gives it."""
        asked = (criterion, policy)
        if asked not in self._reconditioned:
            whole, years = self.reconditioning.by_criterion.get(criterion), self.reconditioning.life_years
            self._reconditioned[asked] = (
                None
                if whole is None
                else self._part(Stage.MANUFACTURING, per_unit(policy, whole, years, self.hours_per_year))
            )
        return self._reconditioned[asked]

    @staticmethod
    def _part(stage: Stage, term: Term) -> FactorPart:
        return FactorPart(stage, term.label, PerUnit(term.value, by_errors(amounts(term))))

    def absent(self, criterion: Criterion, second_life: bool = False) -> frozenset[Stage]:
        """Embodied stages of which no source gives this criterion, or not that of reconditioning."""
        absent = {stage for stage in EMBODIED if (criterion, stage) not in self.embodied.by_stage}
        if second_life and criterion not in self.reconditioning.by_criterion:
            absent.add(Stage.MANUFACTURING)
        return frozenset(absent)


def by_errors(parts: Iterable[Amount]) -> dict[Errors, float]:
    """Amounts that carry the same errors, added up."""
    found: dict[Errors, float] = {}
    for part in parts:
        key = tuple(sorted(part.errors))
        found[key] = found.get(key, 0.0) + part.value
    return found


def _watts_by_errors(watts: Mapping[str, Term], power: PowerModel) -> dict[Errors, Array]:
    """Watts of each of PIECES (14,), by errors: those of a server follow its load."""
    found: dict[Errors, Array] = {}
    for i, piece in enumerate(LOAD_STATES):
        for errors, value in by_errors(power.amounts(watts[piece])).items():
            found.setdefault(errors, np.zeros(len(LOAD_STATES)))[i] += value
    return found


def _collapse(parts: Iterable[FactorPart], collapse: Collapse) -> dict[str, PerUnit]:
    found: dict[str, list[FactorPart]] = {}
    for part in parts:
        name = {"stage": str(part.stage), "component": part.component, "whole": ""}[collapse]
        found.setdefault(name, []).append(part)
    return {
        name: PerUnit(
            math.fsum(part.per_unit.value for part in alike),
            by_errors(
                Amount(value, errors) for part in alike for errors, value in part.per_unit.by_errors.items()
            ),
        )
        for name, alike in found.items()
    }


class HardwareModels:
    """Profiles of one factor set, made when first asked for."""

    def __init__(self, factors: FactorSet) -> None:
        self._factors = factors
        self._made: dict[Hardware, HardwareModel] = {}
        self._devices: dict[DeviceId, tuple[Device, HardwareModel]] = {}

    def of(self, hardware: Hardware) -> HardwareModel:
        """The profile of this hardware."""
        if hardware not in self._made:
            self._made[hardware] = self._make(hardware)
        return self._made[hardware]

    def of_device(self, device: Device) -> HardwareModel:
        """The profile of a device's hardware, which is looked at once."""
        known = self._devices.get(device.id)
        if known is None or known[0] is not device:
            known = self._devices[device.id] = device, self.of(hardware(device))
        return known[1]

    def _make(self, hardware: Hardware) -> HardwareModel:
        power = power_model(hardware, self._factors)
        watts = dict(power.terms()) | {"remainder": component_remainder(hardware, self._factors)}
        return HardwareModel(
            hardware,
            embodied(hardware, self._factors),
            reconditioning(hardware.category, self._factors),
            power,
            watts,
            _watts_by_errors(watts, power),
            supply(hardware, self._factors),
            active_hours(hardware.category, self._factors),
        )


_BY_FACTOR_SET: dict[str, HardwareModels] = {}


def hardware_models(factors: FactorSet) -> HardwareModels:
    """The profiles of a factor set; its id is the hash of its content, so they stay true."""
    return _BY_FACTOR_SET.setdefault(factors.id, HardwareModels(factors))

"""What the engine says of a piece of hardware, kept for all devices that are alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from parcimetre_factors.amortisation import life_end, straight_line_per_slot
from parcimetre_factors.criteria import EMBODIED, Criterion, Stage
from parcimetre_factors.embodied import Embodied, embodied
from parcimetre_factors.explain import Term
from parcimetre_factors.factor import FactorSet
from parcimetre_factors.hardware import Hardware
from parcimetre_factors.power import PowerModel, component_remainder, power_model
from parcimetre_factors.uncertainty import Amount, amounts

Errors = tuple[str, ...]
Collapse = Literal["stage", "component", "whole"]


@dataclass(frozen=True)
class Part:
    """A component's share of a stage: its impact per slot, and that impact by the errors it carries."""

    stage: Stage
    component: str
    per_slot: Term
    by_errors: Mapping[Errors, float]


@dataclass(frozen=True)
class PerSlot:
    """Embodied impact per slot of several parts together, and by the errors it carries."""

    value: float
    by_errors: Mapping[Errors, float]


@dataclass(frozen=True)
class Profile:
    """Embodied impact and power of one hardware. `watts` names the terms of rungs.PIECES."""

    hardware: Hardware
    embodied: Embodied
    power: PowerModel
    watts: Mapping[str, Term]

    @cached_property
    def parts(self) -> Mapping[Criterion, tuple[Part, ...]]:
        """Embodied impact per slot by stage and component, for each criterion that the sources give."""
        return {criterion: tuple(self._parts(criterion)) for criterion in Criterion}

    def _parts(self, criterion: Criterion) -> Iterable[Part]:
        for stage in EMBODIED:
            whole = self.embodied.by_stage.get((criterion, stage))
            for term in () if whole is None else whole.inputs or (whole,):
                per_slot = straight_line_per_slot(term, self.embodied.life_years)
                yield Part(stage, term.label, per_slot, by_errors(amounts(per_slot)))

    def per_slot(self, criterion: Criterion, collapse: Collapse) -> Mapping[str, PerSlot]:
        """The parts added up by stage, by component, or as a whole under one empty name."""
        return self._collapsed[criterion, collapse]

    @cached_property
    def _collapsed(self) -> Mapping[tuple[Criterion, Collapse], Mapping[str, PerSlot]]:
        return {
            (criterion, collapse): _collapse(self.parts[criterion], collapse)
            for criterion in Criterion
            for collapse in get_args(Collapse)
        }

    def absent(self, criterion: Criterion) -> frozenset[Stage]:
        """Embodied stages for which no source gives this criterion."""
        return frozenset(stage for stage in EMBODIED if (criterion, stage) not in self.embodied.by_stage)

    def life_end(self, bought: int) -> int:
        """When the service life of a device bought at `bought` is over, seconds UTC."""
        return life_end(bought, self.embodied.life_years.value)


def by_errors(parts: Iterable[Amount]) -> dict[Errors, float]:
    """Amounts that carry the same errors, added up."""
    found: dict[Errors, float] = {}
    for part in parts:
        key = tuple(sorted(part.errors))
        found[key] = found.get(key, 0.0) + part.value
    return found


def _collapse(parts: Iterable[Part], collapse: Collapse) -> dict[str, PerSlot]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        name = {"stage": str(part.stage), "component": part.component, "whole": ""}[collapse]
        found.setdefault(name, []).append(part)
    return {
        name: PerSlot(
            math.fsum(part.per_slot.value for part in alike),
            by_errors(Amount(value, errors) for part in alike for errors, value in part.by_errors.items()),
        )
        for name, alike in found.items()
    }


class Profiles:
    """Profiles of one factor set, made when first asked for."""

    def __init__(self, factors: FactorSet) -> None:
        self._factors = factors
        self._made: dict[Hardware, Profile] = {}

    def of(self, hardware: Hardware) -> Profile:
        """The profile of this hardware."""
        if hardware not in self._made:
            self._made[hardware] = self._make(hardware)
        return self._made[hardware]

    def _make(self, hardware: Hardware) -> Profile:
        power = power_model(hardware, self._factors)
        watts = dict(power.terms()) | {"remainder": component_remainder(hardware, self._factors)}
        return Profile(hardware, embodied(hardware, self._factors), power, watts)


_BY_FACTOR_SET: dict[str, Profiles] = {}


def profiles(factors: FactorSet) -> Profiles:
    """The profiles of a factor set; its id is the hash of its content, so they stay true."""
    return _BY_FACTOR_SET.setdefault(factors.id, Profiles(factors))

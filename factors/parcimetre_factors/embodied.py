"""Embodied impact of a device: its maker's sheet, else its components, else the average of its category."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from . import components
from .components import factor_leaf
from .configurations import corrections
from .criteria import UNITS, Criterion, Stage
from .explain import Term, leaf, product, total
from .factor import Factor, FactorSet
from .graphics import find_board, graphics
from .hardware import Hardware
from .matching import Match, match
from .memo import kept
from .virtual_host import host_share, typical_host

Evidence = Literal["product", "components", "category", "host_share"]
ByStage = Mapping[tuple[Criterion, Stage], Term]
WHOLE = "whole device"
OTHER = "other"
VIRTUAL = "virtual_machine"
BOTTOM_UP = frozenset({"server"})
NOTES = {
    "exact": "The maker's product carbon footprint of this model.",
    "fuzzy": "The maker's product carbon footprint of a model whose name is nearly the same.",
}


@dataclass(frozen=True)
class Alternative:
    """Evidence that was not chosen, what it would have given, and why not."""

    evidence: Evidence
    gwp_kgco2e: float | None
    why_not: str


@dataclass(frozen=True)
class Embodied:
    """Impact by criterion and stage, of which sources give only some: what they do not give is absent.

    Each term is a sum over components. `life_years` is the service life that carries the impact.
    """

    evidence: Evidence
    by_stage: ByStage
    alternatives: tuple[Alternative, ...]
    life_years: Term
    note: str


@dataclass(frozen=True)
class _Found:
    evidence: Evidence
    by_stage: ByStage
    note: str

    @property
    def gwp_kgco2e(self) -> float:
        """Climate impact of all stages."""
        return sum(term.value for (criterion, _), term in self.by_stage.items() if criterion == Criterion.GWP)


def embodied(hardware: Hardware, factors: FactorSet) -> Embodied:
    """Impact of making, moving and discarding a device, by the best evidence there is."""
    if hardware.virtual or hardware.category == VIRTUAL:
        return _of_share(hardware, factors)
    tried = [
        _product(hardware, factors), _components(hardware, factors), _category(hardware.category, factors)
    ]  # fmt: skip
    found = [evidence for evidence in tried if isinstance(evidence, _Found)]
    chosen = found[0]
    alternatives = (
        *(Alternative(kind, None, why) for kind, why in (t for t in tried if not isinstance(t, _Found))),
        *(Alternative(f.evidence, f.gwp_kgco2e, f"better evidence: {chosen.evidence}") for f in found[1:]),
    )
    life = _life(hardware.category, factors)
    return Embodied(chosen.evidence, chosen.by_stage, alternatives, life, chosen.note)


def _product(hardware: Hardware, factors: FactorSet) -> _Found | tuple[Evidence, str]:
    found = match(hardware.maker, hardware.model, hardware.category, factors)
    if found is None:
        return "product", "no product footprint of this maker and model"
    by_stage = {
        (Criterion(f.criterion), Stage(f.stage)): _sheet(f, found, hardware, factors)
        for f in found.factors
        if f.criterion and f.stage
    }
    return _Found("product", by_stage, NOTES[found.tier])


def _sheet(factor: Factor, found: Match, hardware: Hardware, factors: FactorSet) -> Term:
    """What a sheet says of a stage, with the error of a name that is not quite the same.

    Making also gets the difference between the inventory and the sheet's configuration.
    """
    whole = leaf(
        WHOLE, factor.value, factor.unit, "factor", detail=_evidence(found), factor=factor.id,
        note=factor.note,
    )  # fmt: skip
    if found.tier == "fuzzy":
        alike = factor_leaf("match of the names", "match.fuzzy.error", factors, detail=_evidence(found))
        whole = product(WHOLE, factor.unit, (whole, alike), detail=_evidence(found))
    made = factor.stage == Stage.MANUFACTURING and factor.criterion == Criterion.GWP
    beyond = corrections(found.subject, hardware, factors) if made else ()
    return total(_label(factor), factor.unit, (whole, *beyond))


def _evidence(found: Match) -> str:
    """Which product it is, and how well its name and the next best one fit."""
    name = found.subject.replace("|", " ")
    if found.tier == "exact":
        return name
    runner_up = f"; {found.next[0].replace('|', ' ')}: {found.next[1]:.0f}" if found.next else ""
    return f"{name}: {found.score:.0f}/100{runner_up}"


def _components(hardware: Hardware, factors: FactorSet) -> _Found | tuple[Evidence, str]:
    if hardware.category not in BOTTOM_UP:
        return "components", "only servers are built up from components"
    if not hardware.cpus or not hardware.memory:
        return "components", "processors or memory are not known"
    note = "Built up from the components in the inventory; transport and end of life are not in the source."
    return _Found("components", built_up(hardware, factors), note)


def built_up(hardware: Hardware, factors: FactorSet) -> ByStage:
    """Impact of making a server, the sum of its parts, in every criterion."""
    return {
        (criterion, Stage.MANUFACTURING): total(
            "manufacturing", UNITS[criterion], tuple(_server_parts(hardware, criterion, factors))
        )
        for criterion in Criterion
    }


def _server_parts(hardware: Hardware, criterion: Criterion, factors: FactorSet) -> Iterator[Term]:
    for cpu in hardware.cpus:
        yield components.processor(cpu, criterion, factors)
    for module in hardware.memory:
        yield components.memory(module, criterion, factors)
    for disk in hardware.disks:
        yield components.disk(disk, criterion, factors)
    for gpu in hardware.gpus:
        if (board := find_board(gpu.model, factors)) is not None:
            yield graphics(board, gpu.units, criterion, factors)
    yield components.constant("mainboard", "mainboard", criterion, factors)
    yield components.case(hardware.case, criterion, factors)
    yield components.power_supplies(hardware.power_supplies, criterion, factors)
    yield components.constant("assembly", "assembly", criterion, factors)


def of_category(hardware: Hardware, factors: FactorSet) -> ByStage:
    """The average of the device's category."""
    return _category(hardware.category, factors).by_stage


@kept
def _category(category: str, factors: FactorSet) -> _Found:
    rows = [f for f in factors.table("categories") if f.subject == category]
    note = "The average of its category."
    if not rows:
        rows = [f for f in factors.table("categories") if f.subject == OTHER]
        note = "The category is not known: a desktop computer stands for it, with a wide range."
    by_stage = {
        (Criterion(f.criterion), Stage(f.stage)): _single(f, f.subject)
        for f in rows
        if f.criterion and f.stage
    }
    return _Found("category", by_stage, note)


def _single(factor: Factor, detail: str) -> Term:
    """The sum of a device that is known as a whole only."""
    whole = leaf(
        WHOLE, factor.value, factor.unit, "factor", detail=detail, factor=factor.id, note=factor.note
    )
    return total(_label(factor), factor.unit, (whole,))


def _label(factor: Factor) -> str:
    return str(factor.stage).replace("_", " ")


def _of_share(hardware: Hardware, factors: FactorSet) -> Embodied:
    """A virtual machine's share of a typical host's impact, component by component."""
    host, share = embodied(typical_host(factors), factors), host_share(hardware, factors)
    by_stage = {
        key: total(term.label, term.unit, tuple(_shared(part, share) for part in term.inputs))
        for key, term in host.by_stage.items()
    }
    note = "Estimated share of a typical host, because its own host does not report."
    return Embodied("host_share", by_stage, (), _life(VIRTUAL, factors), note)


def _shared(part: Term, share: Term) -> Term:
    return product(part.label, part.unit, (part, share), detail=part.detail, tier="estimate")


@kept
def _life(category: str, factors: FactorSet) -> Term:
    known = f"life.{category}"
    factor = factors.get(known if known in factors.factors else f"life.{OTHER}")
    return leaf("service life", factor.value, factor.unit, "policy", detail=category, factor=factor.id,
                note=factor.note)  # fmt: skip

"""Embodied impact of a device: its maker's sheet, else its components, else the average of its class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..criteria import UNITS, Criterion, Stage
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product, total
from ..hardware.description import Hardware
from ..hardware.product_matching import Match, match
from ..hardware.typical_host import host_share, typical_host
from ..tables.factor_set import Factor, FactorSet
from ..tables.result_cache import cached_per_factor_set
from . import clients, components
from .category_averages import OTHER, WHOLE, ByStage, of_category, of_class
from .graphics_boards import find_board, graphics
from .sheet_configuration import corrections

Evidence = Literal["product", "components", "category", "host_share"]
VIRTUAL = "virtual_machine"
MADE = Criterion.GWP, Stage.MANUFACTURING
AVERAGE_FIRST = frozenset({"all_in_one"})
NOTES = {
    "exact": "The maker's product carbon footprint of this model.",
    "fuzzy": "The maker's product carbon footprint of a model whose name is nearly the same.",
}

CLIENT_NOTES = {
    False: "Built up from the components in the inventory; the rest by makers' sheets, transport included.",
    True: "Climate is built up from components, the rest by makers' sheets; metals are the category's.",
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

    Each term is a sum over components. `life_years` is the service life that carries the impact. `name` is
    the class or category that an average is of, empty otherwise.
    """

    evidence: Evidence
    by_stage: ByStage
    alternatives: tuple[Alternative, ...]
    life_years: Term
    note: str
    name: str = ""


@dataclass(frozen=True)
class _Found:
    evidence: Evidence
    by_stage: ByStage
    note: str
    name: str = ""
    wider: bool = False

    @property
    def gwp_kgco2e(self) -> float:
        """Climate impact of all stages."""
        return sum(term.value for (criterion, _), term in self.by_stage.items() if criterion == Criterion.GWP)


def embodied(hardware: Hardware, factors: FactorSet) -> Embodied:
    """Impact of making, moving and discarding a device, by the best evidence there is."""
    if hardware.virtual or hardware.category == VIRTUAL:
        return _of_share(hardware, factors)
    tried = [_product(hardware, factors), *_ranked_evidence(hardware, factors)]
    found = [evidence for evidence in tried if isinstance(evidence, _Found)]
    chosen = found[0]
    alternatives = (
        *(Alternative(kind, None, why) for kind, why in (t for t in tried if not isinstance(t, _Found))),
        *(Alternative(f.evidence, f.gwp_kgco2e, _why_not(f, chosen, hardware)) for f in found[1:]),
    )
    life = _life(hardware.category, factors)
    return Embodied(chosen.evidence, chosen.by_stage, alternatives, life, chosen.note, chosen.name)


def _why_not(other: _Found, chosen: _Found, hardware: Hardware) -> str:
    """Why evidence that there is was not chosen, as a fixed English sentence."""
    if chosen.evidence == "category" and other.wider:
        return "wider: the average of the whole category"
    if chosen.evidence == "category" and hardware.category in AVERAGE_FIRST:
        return "no nearer to makers' sheets than the average of the category"
    return f"better evidence: {chosen.evidence}"


def _ranked_evidence(hardware: Hardware, factors: FactorSet) -> list[_Found | tuple[Evidence, str]]:
    """Return the evidence of components, class and category, the most accurate first (docs/en/method.md)."""
    built, averages = _components(hardware, factors), _averages(hardware, factors)
    first = hardware.category in AVERAGE_FIRST
    return [*averages, built] if first else [built, *averages]


def _averages(hardware: Hardware, factors: FactorSet) -> Iterator[_Found]:
    """Return the average of the device's class if it has one, and that of its category."""
    if (narrow := of_class(hardware, factors)) is not None:
        yield _Found("category", narrow.by_stage, narrow.note, narrow.name)
    whole = of_category(hardware.category, factors)
    yield _Found("category", whole.by_stage, whole.note, whole.name, wider=narrow is not None)


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
    if hardware.category != "server":
        return _client(hardware, factors)
    if not hardware.cpus or not hardware.memory:
        return "components", "processors or memory are not known"
    note = "Built up from the components in the inventory; transport and end of life are not in the source."
    return _Found("components", server_built_up(hardware, factors), note)


def _client(hardware: Hardware, factors: FactorSet) -> _Found | tuple[Evidence, str]:
    """A client computer by its components in gwp; its other criteria are the average of its category."""
    if (why := clients.why_not(hardware)) is not None:
        return "components", why
    average = of_category(hardware.category, factors).by_stage
    rest = {key: term for key, term in average.items() if key[0] != Criterion.GWP}
    return _Found(
        "components", {MADE: clients.client_built_up(hardware, factors), **rest}, CLIENT_NOTES[bool(rest)]
    )


def server_built_up(hardware: Hardware, factors: FactorSet) -> ByStage:
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


@cached_per_factor_set
def _life(category: str, factors: FactorSet) -> Term:
    known = f"life.{category}"
    factor = factors.get(known if known in factors.factors else f"life.{OTHER}")
    return leaf("service life", factor.value, factor.unit, "policy", detail=category, factor=factor.id,
                note=factor.note)  # fmt: skip

"""Climate impact of client computers and monitors: processor, memory, disks, and what grows with their size.

Processor, memory and disks count by the constants of components.py. The rest of a device (board, screen,
case, battery, supply, assembly, transport, end of life) is what makers' sheets say beyond these: a base, and
what grows with the squared diagonal or the weight, both fitted by tools/fit_client_embodied.py. The fit's own
error is one for the whole device. Only gwp: sheets state nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..criteria import UNITS, Criterion
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product, total
from ..hardware.description import Hardware
from ..tables.factor_set import FactorSet
from . import components

KG = UNITS[Criterion.GWP]
BY_SCREEN = frozenset({"laptop", "all_in_one"})
BY_WEIGHT = frozenset({"desktop", "mini_pc"})
SCREEN_INCH = {"laptop": (10.0, 19.0), "all_in_one": (15.0, 40.0), "monitor": (11.0, 90.0)}
WEIGHT_KG = (0.2, 30.0)


def why_not(hardware: Hardware) -> str | None:
    """Why a device cannot be built up from its components (a fixed English sentence), None if it can."""
    if hardware.category not in BY_SCREEN | BY_WEIGHT or hardware.kind is not None:
        return "devices of this category are not built up from components"
    if not hardware.cpus or not hardware.memory:
        return "processors or memory are not known"
    if not hardware.disks:
        return "disks are not known"
    if hardware.category in BY_SCREEN and not has_screen(hardware):
        return "the size of the screen is not known"
    return None


def has_screen(hardware: Hardware) -> bool:
    """Whether the screen's size is known and within what the sheets have of that category."""
    least, most = SCREEN_INCH.get(hardware.category, (0.0, 0.0))
    return hardware.screen_inch is not None and least <= hardware.screen_inch <= most


def client_built_up(hardware: Hardware, factors: FactorSet) -> Term:
    """Impact of a client computer, the sum of its parts; transport and end of life are in the rest."""
    model = _model(hardware)
    error = factor_leaf("error of the fit", f"client.{model}.error", factors)
    parts = (*parts_of(hardware, factors), *_rest(hardware, factors))
    return total("manufacturing", KG, tuple(_with(error, part) for part in parts))


def by_size(hardware: Hardware, factors: FactorSet, detail: str) -> Term:
    """Impact of a device of which only the screen's size is known: with the usual parts, as one whole."""
    model = _model(hardware)
    parts = [*_rest(hardware, factors)]
    if f"client.{model}.usual_parts.gwp" in factors.factors:
        usual = factor_leaf("usual processor, memory and disk", f"client.{model}.usual_parts.gwp", factors)
        parts.append(usual)
    error = factor_leaf("error of the fit", f"client.{model}.error", factors)
    whole = product(
        "whole device", KG, (total("parts", KG, tuple(parts)), error), detail=detail, tier="class"
    )
    return total("manufacturing", KG, (whole,))


def parts_of(hardware: Hardware, factors: FactorSet) -> tuple[Term, ...]:
    """Processors, memory and disks, each by its own constants."""
    return (
        *(components.processor(cpu, Criterion.GWP, factors) for cpu in hardware.cpus),
        *(components.memory(module, Criterion.GWP, factors) for module in hardware.memory),
        *(components.disk(disk, Criterion.GWP, factors) for disk in hardware.disks),
    )


def _rest(hardware: Hardware, factors: FactorSet) -> Iterator[Term]:
    """What sheets say beyond the parts: a base, and what grows with the size."""
    model = _model(hardware)
    yield factor_leaf("rest of the device", f"client.{model}.rest.gwp", factors)
    if model == "desktop":
        per_kg = factor_leaf("impact per weight", "client.desktop.per_kg.gwp", factors)
        yield product("case and what grows with the weight", KG, (_weight(hardware, factors), per_kg))
        return
    diagonal = leaf("diagonal", float(hardware.screen_inch or 0), "inch", "measured")
    per_area = factor_leaf("impact per squared diagonal", f"client.{model}.per_inch2.gwp", factors)
    yield product("screen and what grows with it", KG, (diagonal, diagonal, per_area))


def _weight(hardware: Hardware, factors: FactorSet) -> Term:
    """The weight stated, within what the sheets have; else the form's usual one."""
    least, most = WEIGHT_KG
    if hardware.weight_kg is not None and least <= hardware.weight_kg <= most:
        return leaf("weight", hardware.weight_kg, "kg", "given")
    return factor_leaf("usual weight", f"client.{hardware.category}.usual_kg", factors)


def _model(hardware: Hardware) -> str:
    return "desktop" if hardware.category in BY_WEIGHT else hardware.category


def _with(error: Term, part: Term) -> Term:
    return product(part.label, KG, (part, error), detail=part.detail)

"""The average of a device's category, or of its class within it: by kind, weight or screen size.

Bounds of classes by weight are in classes.csv; the part that depends on the screen's size is fitted
(clients.py). A criterion that no source gives by class is the category's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..criteria import Criterion, Stage
from ..explanation.term import Term, leaf, total
from ..hardware.description import Hardware
from ..tables.factor_set import Factor, FactorSet
from ..tables.result_cache import cached_per_factor_set
from . import clients

ByStage = Mapping[tuple[Criterion, Stage], Term]
MADE = Criterion.GWP, Stage.MANUFACTURING
OTHER = "other"
WHOLE = "whole device"
TABLES = ("categories", "client_components")
BY_SCREEN = frozenset({"laptop", "monitor"})


@dataclass(frozen=True)
class Average:
    """Impact of the usual device of a category or class; `name` says which, for a person to read."""

    name: str
    by_stage: ByStage
    note: str


@cached_per_factor_set
def of_category(category: str, factors: FactorSet) -> Average:
    """The average of a category; that of a desktop, widely, where the category is not known."""
    rows = _rows(category, factors)
    if rows:
        return Average(category.replace("_", " "), _by_stage(rows), "The average of its category.")
    note = "No source tells it of this category: a desktop computer stands for it, with a wide range."
    return Average(OTHER, _by_stage(_rows(OTHER, factors)), note)


def of_class(hardware: Hardware, factors: FactorSet) -> Average | None:
    """Return the average of the class given by kind, weight or screen; None if none gives one."""
    if hardware.kind is not None:
        return _of_kind(hardware, factors)
    if (row := _class_by_weight(hardware, factors)) is not None:
        return _average(row["label"], _rows(row["subject"], factors), hardware, factors)
    if hardware.category in BY_SCREEN and clients.has_screen(hardware):
        return _of_size(hardware, factors)
    return None


def _of_kind(hardware: Hardware, factors: FactorSet) -> Average | None:
    rows = _rows(f"{hardware.category}/{hardware.kind}", factors)
    return _average(str(hardware.kind).replace("_", " "), rows, hardware, factors) if rows else None


def _class_by_weight(hardware: Hardware, factors: FactorSet) -> Mapping[str, str] | None:
    weight_kg = hardware.weight_kg
    if weight_kg is None:
        return None
    rows = (row for row in factors.facts.get("classes", ()) if row["category"] == hardware.category)
    return next((row for row in rows if weight_kg < float(row["below_kg"] or "inf")), None)


def _of_size(hardware: Hardware, factors: FactorSet) -> Average:
    """Return gwp by the screen's size, and the other criteria by category."""
    name = f"{hardware.category.replace('_', ' ')} of {hardware.screen_inch:g} inch"
    made = clients.by_size(hardware, factors, name)
    by_stage = {**of_category(hardware.category, factors).by_stage, MADE: made}
    return Average(name, by_stage, "The average of its class, by the size of its screen.")


def _average(name: str, rows: list[Factor], hardware: Hardware, factors: FactorSet) -> Average:
    """A class of its own rows: a criterion that they lack is the category's."""
    whole = _by_stage(_rows(hardware.category, factors))
    by_class = _by_stage(rows)
    known = {criterion for criterion, _ in by_class}
    rest = {key: term for key, term in whole.items() if key[0] not in known}
    return Average(name, {**by_class, **rest}, "The average of its class within the category.")


def _rows(subject: str, factors: FactorSet) -> list[Factor]:
    return [f for f in _all(factors) if f.subject == subject and f.id.startswith("category.")]


def _all(factors: FactorSet) -> Iterator[Factor]:
    for table in TABLES:
        yield from factors.table(table)


def _by_stage(rows: list[Factor]) -> dict[tuple[Criterion, Stage], Term]:
    return {(Criterion(f.criterion), Stage(f.stage)): _single(f) for f in rows if f.criterion and f.stage}


def _single(factor: Factor) -> Term:
    """The sum of a device that is known as a whole only."""
    whole = leaf(
        WHOLE, factor.value, factor.unit, "factor", detail=factor.subject, factor=factor.id, note=factor.note
    )
    return total(str(factor.stage).replace("_", " "), factor.unit, (whole,))

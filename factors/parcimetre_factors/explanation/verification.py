"""An explanation recomputed from its JSON and the factor set alone: the first thing that does not hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args

from ..errors import BadExplanation
from ..tables.factor_set import FactorSet
from .term import LEAVES, Operation, Term, evaluate

QUOTED = frozenset({"factor", "policy"})
QUOTIENT_INPUTS = 2
TEXTS = ("label", "unit", "operation")


def first_difference(document: Mapping[str, Any], factors: FactorSet) -> str | None:
    """The first thing in an explanation that does not hold, as a sentence, or None where all of it does.

    Leaves that quote a factor have the set's value, operations give what is stated, terms stated in full
    elsewhere have that value, the whole is the tree's, and the factors listed are the set's. Measurements
    are taken as they stand.
    Raises BadExplanation for what is no explanation, or one by another factor set.
    """
    stated = document.get("factor_set")
    if stated != factors.id:
        raise BadExplanation(
            f"it was computed with factor set {stated}, but the installed one is {factors.id}: "
            "verify it with the version of Parcimètre that wrote it"
        )
    definitions = {name: _term(node, name) for name, node in _object(document, "definitions").items()}
    node = document.get("term")
    whole = None if node is None else _term(node, "term")
    trees = {**({} if whole is None else {"term": whole}), **definitions}
    for name, tree in trees.items():
        for difference in _differences(tree, name, definitions, factors):
            return difference
    if document.get("value") != (None if whole is None else whole.value):
        return f"value: stated {document.get('value')}, but the tree gives {whole and whole.value}"
    return next(_misquoted(document.get("factors", []), factors), None)


def _misquoted(listed: Any, factors: FactorSet) -> Iterator[str]:
    """Where a factor that is listed differs from the set's."""
    for stated in listed:
        factor = factors.factors.get(stated.get("id"))
        if factor is None:
            yield f"factors: the set has no factor {stated.get('id')}"
            continue
        for name, value in asdict(factor).items():
            if stated.get(name) != value:
                yield f"factors: {name} of {factor.id} is stated as {stated.get(name)}, but it is {value}"


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise BadExplanation(f"{name} is missing; give a file written by `parcimetre explain --json`")
    return found


def _term(node: Any, where: str) -> Term:
    """A term read back from JSON, with all below it."""
    texts: list[Any] = [node.get(name) for name in TEXTS] if isinstance(node, dict) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise BadExplanation(f"{where} is not a term with label, unit and operation")
    value, inputs = node.get("value"), node.get("inputs", [])
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadExplanation(f"{where}: the value {value!r} is not a number")
    label, unit, operation = texts
    if operation not in get_args(Operation) or not isinstance(inputs, list):
        raise BadExplanation(f"{where}: {operation!r} is not a valid operation")
    if bool(inputs) == (operation in LEAVES) or (operation == "quotient" and len(inputs) != QUOTIENT_INPUTS):
        raise BadExplanation(f"{where}: {len(inputs)} inputs do not fit the operation {operation!r}")
    below = tuple(_term(child, f"{where}.inputs[{i}]") for i, child in enumerate(inputs))
    return Term(
        label,
        float(value),
        unit,
        operation,
        below,
        factor=node.get("factor"),
        ref=node.get("ref", ""),
    )


def _differences(
    term: Term, where: str, definitions: Mapping[str, Term], factors: FactorSet
) -> Iterator[str]:
    """What does not hold, the deepest first."""
    for i, child in enumerate(term.inputs):
        yield from _differences(child, f"{where}.inputs[{i}]", definitions, factors)
    name = f"{where} ({term.label})"
    if term.inputs:
        values = [child.value for child in term.inputs]
        if term.operation == "quotient" and values[1] == 0:
            yield f"{name}: the divisor is 0"
        elif evaluate(term.operation, values) != term.value:
            yield f"{name}: stated {term.value}, but its inputs give {evaluate(term.operation, values)}"
    if term.factor is not None:
        yield from _quoted(term, name, factors)
    elif term.operation == "factor":
        yield f"{name}: no factor is named"
    if term.ref in definitions and definitions[term.ref].value != term.value:
        yield f"{name}: stated {term.value}, but {term.ref} is {definitions[term.ref].value}"


def _quoted(term: Term, name: str, factors: FactorSet) -> Iterator[str]:
    factor = factors.factors.get(term.factor or "")
    if factor is None:
        yield f"{name}: the set has no factor {term.factor}"
    elif term.operation in QUOTED and factor.value != term.value:
        yield f"{name}: stated {term.value}, but the factor {factor.id} is {factor.value}"

"""The tree of terms behind a figure, and its recomputation.

A term is a leaf (a factor, a measurement, a given or a policy) or an operation on its inputs. Every
figure that the engine gives is the value of such a tree, so recomputing the tree gives the figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

Operation = Literal[
    "sum", "product", "quotient", "factor", "measured", "modelled", "given", "policy", "constant"
]  # fmt: skip
LEAVES = frozenset({"factor", "measured", "modelled", "given", "policy", "constant"})


class Term(NamedTuple):
    """One term: `label` (a fixed English phrase) says what it is, `detail` what it is about.

    `factor` names the factor of a leaf; `tier` the quality of the evidence where that was a choice;
    `note` says in a sentence why this evidence and not better one; `ref` names where the term is stated in
    full, when that is elsewhere.
    """

    label: str
    value: float
    unit: str
    operation: Operation
    inputs: tuple[Term, ...] = ()
    detail: str = ""
    factor: str | None = None
    tier: str | None = None
    note: str = ""
    ref: str = ""


def leaf(label: str, value: float, unit: str, operation: Operation, **about: str | None) -> Term:
    """A term without inputs."""
    return Term(label, value, unit, operation, **about)  # type: ignore[arg-type]  # str values only


def total(
    label: str, unit: str, inputs: tuple[Term, ...], detail: str = "", tier: str | None = None, note: str = ""
) -> Term:
    """The sum of terms that share a unit."""
    value = evaluate("sum", [term.value for term in inputs])
    return Term(label, value, unit, "sum", inputs, detail, None, tier, note)


def product(
    label: str, unit: str, inputs: tuple[Term, ...], detail: str = "", tier: str | None = None, note: str = ""
) -> Term:
    """The product of terms."""
    value = evaluate("product", [term.value for term in inputs])
    return Term(label, value, unit, "product", inputs, detail, None, tier, note)


def quotient(label: str, unit: str, inputs: tuple[Term, Term], detail: str = "") -> Term:
    """The first term divided by the second."""
    value = evaluate("quotient", [term.value for term in inputs])
    return Term(label, value, unit, "quotient", inputs, detail)


def evaluate(operation: Operation, values: list[float]) -> float:
    """Apply an operation to the values of its inputs.

    Raises ValueError for an operation without inputs, which is a leaf and has a value of its own.
    """
    if operation == "sum":
        return math.fsum(values)
    if operation == "product":
        return math.prod(values)
    if operation == "quotient":
        return values[0] / values[1]
    raise ValueError(f"{operation} is a leaf: it is not computed from inputs")


def recompute(term: Term) -> float:
    """The value of the tree, from its leaves alone."""
    if term.operation in LEAVES:
        return term.value
    return evaluate(term.operation, [recompute(child) for child in term.inputs])


def walk(term: Term) -> Iterator[Term]:
    """The term and everything below it, parents first."""
    yield term
    for child in term.inputs:
        yield from walk(child)

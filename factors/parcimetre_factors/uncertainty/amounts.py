"""A tree of terms as amounts, each proportional to the factors whose errors it carries."""

from __future__ import annotations

from dataclasses import dataclass

from ..explanation.term import LEAVES, Term

Errors = tuple[str, ...]


@dataclass(frozen=True)
class Amount:
    """A value that is proportional to each named factor; `errors` are factor ids."""

    value: float
    errors: Errors = ()


def amounts(term: Term) -> list[Amount]:
    """The amounts that a tree adds up to: sums are taken apart, products multiplied out.

    A quotient takes the errors of its divisor as well, which spreads it as much upwards as downwards.
    """
    if term.operation in LEAVES:
        return [Amount(term.value, (term.factor,) if term.factor else ())]
    if term.operation == "sum":
        return [amount for child in term.inputs for amount in amounts(child)]
    if term.operation == "quotient":
        above, below = term.inputs
        errors = _errors(below)
        return [Amount(amount.value / below.value, (*amount.errors, *errors)) for amount in amounts(above)]
    found = [Amount(1.0)]
    for child in term.inputs:
        parts = amounts(child)
        found = [Amount(a.value * b.value, (*a.errors, *b.errors)) for a in found for b in parts]
    return found


def _errors(term: Term) -> Errors:
    return tuple(dict.fromkeys(error for amount in amounts(term) for error in amount.errors))

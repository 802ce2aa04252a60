"""JSON of explanations."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from parcimetre_factors.criteria import UNITS
from parcimetre_factors.explanation.term import Term

from .device import Explanation


def term_json(term: Term) -> dict[str, Any]:
    """Return a term and those below it as JSON, without empty fields."""
    optional = {
        "detail": term.detail,
        "factor": term.factor,
        "tier": term.tier,
        "note": term.note,
        "ref": term.ref,
    }
    return {
        "label": term.label,
        "value": term.value,
        "unit": term.unit,
        "operation": term.operation,
        **{name: text for name, text in optional.items() if text},
        **({"inputs": [term_json(child) for child in term.inputs]} if term.inputs else {}),
    }


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON; field names are part of the API."""
    return {
        "value": None if explanation.term is None else explanation.term.value,
        "unit": UNITS[explanation.criterion],
        "criterion": explanation.criterion,
        "from": explanation.span.first,
        "to": explanation.span.last,
        "absent": explanation.absent,
        "notes": explanation.notes,
        "term": None if explanation.term is None else term_json(explanation.term),
        "definitions": {name: term_json(term) for name, term in explanation.definitions.items()},
        "factors": [asdict(factor) for factor in explanation.factors],
        "factor_set": explanation.factor_set,
        "amortisation": explanation.amortisation,
        "electricity": explanation.electricity,
        "grid_tiers": explanation.grid_tiers,
        **({"beside": asdict(explanation.self_reported)} if explanation.self_reported else {}),
    }

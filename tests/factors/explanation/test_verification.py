"""An explanation is verified from its JSON and the factor set alone."""

import pytest
from parcimetre_factors.errors import BadExplanation
from parcimetre_factors.explanation.verification import first_difference


@pytest.fixture
def document(factors):
    """Two watts of a definition for three seconds, beside a factor."""
    factor = factors.get("category.laptop.gwp")
    power = {"label": "power", "value": 2.0, "unit": "W", "operation": "modelled", "ref": "off"}
    time = {"label": "time", "value": 3.0, "unit": "s", "operation": "measured"}
    energy = {"label": "energy", "value": 6.0, "unit": "J", "operation": "product", "inputs": [time, power]}
    quoted = {
        "label": "whole device", "value": factor.value, "unit": factor.unit, "operation": "factor",
        "factor": factor.id,
    }  # fmt: skip
    whole = {
        "label": "sum", "value": 6.0 + factor.value, "unit": "1", "operation": "sum",
        "inputs": [energy, quoted],
    }  # fmt: skip
    off = {"label": "off", "value": 2.0, "unit": "W", "operation": "given"}
    return {"value": whole["value"], "term": whole, "definitions": {"off": off}, "factor_set": factors.id}


def test_what_recomputes_holds(document, factors):
    assert first_difference(document, factors) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.update(value=1.0), "value"),
        (lambda d: d["term"]["inputs"][1].update(value=1.0), "category.laptop.gwp"),
        (lambda d: d["term"]["inputs"][1].update(factor="none.such"), "none.such"),
        (lambda d: d["term"]["inputs"][1].pop("factor"), "no factor is named"),
        (lambda d: d["term"]["inputs"][0].update(value=7.0), "term.inputs[0] (energy)"),
        (lambda d: d["term"]["inputs"][0]["inputs"][0].update(value=4.0), "term.inputs[0] (energy)"),
        (lambda d: d["definitions"]["off"].update(value=3.0), "term.inputs[0].inputs[1] (power)"),
    ],
    ids=["whole", "factor", "unknown factor", "unnamed factor", "operation", "measurement", "definition"],
)
def test_what_was_changed_is_named(document, factors, change, named):
    change(document)
    assert named in first_difference(document, factors)


@pytest.mark.parametrize(
    "change",
    [
        {"factor_set": "another"},
        {"definitions": None},
        {"term": {"label": "x"}},
        {"term": {"label": "x", "value": "1", "unit": "1", "operation": "given"}},
        {"term": {"label": "x", "value": 1.0, "unit": "1", "operation": "guess"}},
        {"term": {"label": "x", "value": 1.0, "unit": "1", "operation": "sum"}},
    ],
    ids=["other set", "no definitions", "no unit", "text", "operation", "no inputs"],
)
def test_what_is_no_explanation_is_refused(document, factors, change):
    with pytest.raises(BadExplanation):
        first_difference(document | change, factors)

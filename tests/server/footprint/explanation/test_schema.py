"""The published JSON Schema of an explanation: every answer keeps to it, and it refuses what is none."""

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.verification import first_difference
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.fleet.devices import devices
from parcimetre_server.footprint.explanation.as_json import as_json
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.org_unit import explain_unit

SCHEMA = json.loads((Path(__file__).parents[4] / "docs/explanation.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def as_answered(explanation):
    """What a client reads."""
    return json.loads(json.dumps(as_json(explanation)))


def faults(document):
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


@pytest.fixture
def explained(fleet):
    day = Span(fleet.today - DAY_S, fleet.today)
    reported = fleet.context.store.spans()
    device_id = next(key for key in devices(fleet.context.store) if key in reported and key != fleet.silent)
    return as_answered(explain_device(fleet.context, device_id, day, Criterion.GWP))


def test_the_schema_is_itself_in_order():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("days", [1, 7], ids=["by slot", "by day"])
@pytest.mark.parametrize("criterion", list(Criterion))
def test_every_explanation_keeps_to_the_schema_and_recomputes(fleet, criterion, days):
    span = Span(fleet.today - days * DAY_S, fleet.today)
    for device_id in fleet.context.store.spans():
        document = as_answered(explain_device(fleet.context, device_id, span, criterion))
        assert faults(document) == []
        assert first_difference(document, fleet.context.factors) is None
    assert faults(as_answered(explain_unit(fleet.context, None, span, criterion))) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda document: document.pop("factor_set"), "'factor_set' is a required property"),
        (lambda document: document["term"].pop("inputs"), "'inputs' is a required property"),
        (lambda document: document["term"].update(operation="magic"), "'magic' is not one of"),
        (lambda document: document["term"].update(value="12"), "'12' is not of type 'number'"),
        (lambda document: document["term"].update(operation="measured"), "False schema"),
        (lambda document: document.update(mood="good"), "Additional properties"),
        (lambda document: document["factors"][0].update(quality="fine"), "'fine' is not one of"),
    ],
)
def test_what_is_no_explanation_is_refused(explained, change, fault):
    assert faults(explained) == []
    broken = copy.deepcopy(explained)
    change(broken)
    assert any(fault in found for found in faults(broken)), faults(broken)

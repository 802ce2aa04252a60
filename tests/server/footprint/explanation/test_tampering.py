"""Any explanation holds to the last digit, and does not once any one thing in it is changed."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.errors import BadExplanation
from parcimetre_factors.explanation.term import LEAVES, evaluate
from parcimetre_factors.explanation.verification import first_difference
from parcimetre_factors.grid.observations import GridObservation
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.fleet.purchases import store_purchases as keep_purchases
from parcimetre_server.footprint.explanation.as_json import as_json
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.org_unit import explain_unit
from parcimetre_server.grid.observations import store_observations

SCHEMA = json.loads((Path(__file__).parents[4] / "docs/explanation.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
OPERATIONS = ("sum", "product", "quotient")
BY_FUEL = {"produced_mw": {"nuclear": 40_000.0, "gas": 3_000.0}}


def observed(fleet, reading):
    """A feed has stated every slot of yesterday."""
    starts = range(fleet.today - DAY_S, fleet.today, 900)
    store_observations(
        fleet.context.store,
        "FR",
        [GridObservation(start, "test", **reading) for start in starts],
        now=fleet.now,
    )


def explained(fleet, criterion, policy):
    """A quarter of a day and a week, of a device of each kind, an org unit and the whole fleet."""
    for span in (Span(fleet.today - DAY_S // 4, fleet.today), Span(fleet.today - 7 * DAY_S, fleet.today)):
        for device in (fleet.laptop, fleet.server, fleet.guest, fleet.silent):
            yield explain_device(fleet.context, device, span, criterion, policy)
        for org_unit in ("Métropole/Ville", None):
            yield explain_unit(fleet.context, org_unit, span, criterion, policy)


def documents(fleet, criterion, policy):
    """The same as a client reads them."""
    return [json.loads(json.dumps(as_json(each))) for each in explained(fleet, criterion, policy)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "reading", [None, {"kg_per_kwh": 0.05}, BY_FUEL], ids=["no feed", "published", "by fuel"]
)
@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("criterion", list(Criterion))
def test_it_keeps_to_the_schema_and_recomputes_to_the_last_digit(fleet, criterion, policy, reading):
    if reading is not None:
        observed(fleet, reading)
    lines = [
        "device,date,condition",
        f"{fleet.laptop},2025-11-03,reconditioned",
        f"{fleet.server},2026-02-01,",
    ]
    keep_purchases(fleet.context.store, lines, fleet.context.zone, fleet.now)
    for document in documents(fleet, criterion, policy):
        assert list(VALIDATOR.iter_errors(document)) == []
        assert first_difference(document, fleet.context.factors) is None


def terms(document):
    """Every term of a document, and those that its definitions tell."""
    waiting = [document["term"], *document["definitions"].values()]
    while waiting:
        term = waiting.pop()
        yield term
        waiting += term.get("inputs", [])


def holds(document, factors):
    """Whether verification finds nothing."""
    try:
        return first_difference(document, factors) is None
    except BadExplanation:
        return False


@pytest.fixture
def trees(fleet):
    """Documents that have a tree, by the slot's own grid and by amortisation."""
    observed(fleet, BY_FUEL)
    policies = (Policy.SERVICE_LIFE, Policy.ACTIVE_HOUR)
    found = [each for policy in policies for each in documents(fleet, Criterion.GWP, policy)]
    return [each for each in found if each["term"] is not None]


of_any_tree = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@of_any_tree
@given(data=st.data(), times=st.sampled_from([0.5, 0.999999, 1.000001, 2, -1]))
def test_a_changed_value_is_found(trees, factors, data, times):
    document = copy.deepcopy(data.draw(st.sampled_from(trees)))
    term = data.draw(st.sampled_from(list(terms(document))))
    term["value"] = term["value"] * times or 1.0
    assert not holds(document, factors)


@of_any_tree
@given(data=st.data(), operation=st.sampled_from(OPERATIONS))
def test_a_changed_operation_is_found(trees, factors, data, operation):
    document = copy.deepcopy(data.draw(st.sampled_from(trees)))
    term = data.draw(st.sampled_from([term for term in terms(document) if term["operation"] not in LEAVES]))
    assume(operation != term["operation"])
    values = [child["value"] for child in term["inputs"]]
    refused = operation == "quotient" and (len(values) != 2 or values[1] == 0)
    assume(refused or evaluate(operation, values) != term["value"])
    term["operation"] = operation
    assert not holds(document, factors)


@of_any_tree
@given(data=st.data(), times=st.sampled_from([0.999999, 2]))
def test_a_changed_factor_is_found(trees, factors, data, times):
    document = copy.deepcopy(data.draw(st.sampled_from([tree for tree in trees if tree["factors"]])))
    factor = data.draw(st.sampled_from(document["factors"]))
    name = data.draw(st.sampled_from(["value", "low", "high"]))
    assume(factor[name] != 0)
    factor[name] *= times
    assert not holds(document, factors)


@of_any_tree
@given(data=st.data())
def test_a_term_that_names_another_factor_is_found(trees, factors, data):
    document = copy.deepcopy(data.draw(st.sampled_from([tree for tree in trees if tree["factors"]])))
    quoted = [
        term for term in terms(document) if term["operation"] in {"factor", "policy"} and "factor" in term
    ]
    term = data.draw(st.sampled_from(quoted))
    other = data.draw(st.sampled_from(sorted(factors.factors)))
    assume(factors.get(other).value != term["value"])
    term["factor"] = other
    assert not holds(document, factors)

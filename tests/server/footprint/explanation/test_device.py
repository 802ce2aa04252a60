"""The tree behind a figure is the figure."""

import pytest
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import LEAVES, recompute, walk
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.explanation.as_json import as_json
from parcimetre_server.footprint.explanation.device import NothingToExplain, explain_device
from parcimetre_server.footprint.explanation.org_unit import explain_unit
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import DeviceId, Fact


def spans(fleet):
    last = fleet.now // SLOT_S * SLOT_S + SLOT_S
    return [Span(last - DAY_S, last), Span(last - 7 * DAY_S, last)]


@pytest.mark.parametrize("which", ["laptop", "guest", "server", "silent"])
@pytest.mark.parametrize("criterion", list(Criterion))
@pytest.mark.parametrize("days", [0, 1], ids=["slots", "days"])
def test_recomputing_the_tree_gives_the_figure(fleet, which, criterion, days):
    span, device = spans(fleet)[days], getattr(fleet, which)
    explained = explain_device(fleet.context, device, span, criterion)
    figure = footprint_rows(fleet.context, FootprintQuery(span, criterion, device=device))[0]
    if figure.value is None:
        assert explained.term is None
    else:
        assert recompute(explained.term) == explained.term.value == pytest.approx(figure.value, rel=1e-9)
    assert explained.absent == figure.absent


def test_slots_are_told_one_by_one_up_to_two_days(fleet):
    day, week = (explain_device(fleet.context, fleet.server, span, Criterion.GWP) for span in spans(fleet))
    assert len([term for term in walk(day.term) if term.label == "use of a slot"]) == 96 - 1
    assert len([term for term in walk(week.term) if term.label == "use of a day"]) == 8


def test_watts_are_told_once_and_named_where_they_are_used(fleet):
    found = explain_device(fleet.context, fleet.guest, spans(fleet)[0], Criterion.GWP)
    for term in walk(found.term):
        if term.ref:
            assert term.value == found.definitions[term.ref].value
            assert term.operation in LEAVES
    assert found.definitions


def test_every_factor_that_is_named_comes_with_its_source(fleet):
    found = explain_device(fleet.context, fleet.laptop, spans(fleet)[1], Criterion.GWP)
    trees = [found.term, *found.definitions.values()]
    named = {term.factor for tree in trees for term in walk(tree) if term.factor}
    assert {factor.id for factor in found.factors} == named
    assert all(factor.source.url and factor.source.licence for factor in found.factors)


def test_an_org_unit_is_the_sum_of_its_devices(fleet):
    span = spans(fleet)[1]
    found = explain_unit(fleet.context, "Métropole/Ville", span, Criterion.GWP)
    assert {term.ref for term in found.term.inputs} == {fleet.laptop, fleet.guest}
    for term in found.term.inputs:
        explained = explain_device(fleet.context, DeviceId(term.ref), span, Criterion.GWP)
        assert term.value == pytest.approx(explained.term.value, rel=1e-9)


def test_what_was_taken_for_granted_is_said(fleet):
    span = spans(fleet)[0]
    assert any(
        "purchase date" in note
        for note in explain_device(fleet.context, fleet.laptop, span, Criterion.GWP).notes
    )
    assert any(
        "typical host" in note
        for note in explain_device(fleet.context, fleet.guest, span, Criterion.GWP).notes
    )


def test_the_json_of_a_tree_recomputes_too(fleet):
    told = as_json(explain_device(fleet.context, fleet.laptop, spans(fleet)[0], Criterion.GWP))
    assert compute(told["term"]) == pytest.approx(told["value"], rel=1e-12)


def compute(term):
    inputs = [compute(child) for child in term.get("inputs", ())]
    match term["operation"]:
        case "sum":
            return sum(inputs)
        case "product":
            product = 1.0
            for factor in inputs:
                product *= factor
            return product
        case "quotient":
            return inputs[0] / inputs[1]
        case _:
            return term["value"]


def test_a_device_that_never_reported_has_nothing_to_explain(fleet):
    body = fleet.context.store.latest("device")[fleet.laptop].body
    fleet.context.store.append([Fact("device", "e" * 32, fleet.now, body)])
    with pytest.raises(NothingToExplain, match="has not reported yet"):
        explain_device(fleet.context, DeviceId("e" * 32), spans(fleet)[0], Criterion.GWP)


def test_what_a_power_supply_loses_before_a_counter_is_a_term_with_its_error(fleet):
    """The laptop counts on battery and by RAPL; the server's meter is at the wall."""
    found = explain_device(fleet.context, fleet.laptop, spans(fleet)[1], Criterion.GWP)
    lost = [term for term in walk(found.term) if term.label == "efficiency of the power supply"]
    assert lost
    assert {term.factor for term in lost} == {"power.supply.external.error"}
    assert all(0.7 < term.value < 1 for term in lost)
    at_the_wall = explain_device(fleet.context, fleet.server, spans(fleet)[1], Criterion.GWP)
    assert not [term for term in walk(at_the_wall.term) if "efficiency" in term.label]

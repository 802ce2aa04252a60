"""What rows say together: one meaning once, ratios and stages that add up, no fault that is known."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from parcimetre_factors.tables.check import faults_of
from parcimetre_factors.tables.consistency import disagreements

SHEET = {"subject": "Own Maker|Model 1", "id": "product.own.manufacturing.gwp", "value": 100.0, "low": 80.0,
         "high": 125.0, "note": "", "quality": "", "stage": "manufacturing"}  # fmt: skip


def with_rows(factors, table, *rows):
    """The shipped set with more rows in a table."""
    tables = {**factors.tables, table: (*factors.table(table), *rows)}
    return replace(factors, tables=MappingProxyType(tables))


def sheet(factors, *changes):
    """Rows of a product of one's own, each a change of the first."""
    row = replace(next(f for f in factors.table("products") if f.stage == "manufacturing"), **SHEET)
    return with_rows(factors, "products", *(replace(row, **change) for change in changes))


def faults(factors):
    """What is wrong, without the rows."""
    return [fault for _, fault in disagreements(factors)]


def test_the_shipped_rows_agree(factors):
    assert faults(factors) == []


def test_one_thing_under_two_ids_is_refused_unless_one_is_disputed(factors):
    twice = {}, {"id": "product.own.again.gwp", "value": 110.0}
    [fault] = faults(sheet(factors, *twice))
    assert fault.startswith("it means the same as product.own.manufacturing.gwp")
    disputed = {"quality": "disputed", "note": "contradicted by the other"}
    assert faults(sheet(factors, twice[0], twice[1] | disputed)) == []


@pytest.mark.parametrize(
    "other", [{"year": 1999}, {"zone": "FR"}, {"stage": "distribution"}, {"criterion": "adpe"}], ids=str
)
def test_what_differs_in_meaning_is_no_double(factors, other):
    assert faults(sheet(factors, {}, {"id": "product.own.again"} | other)) == []


def test_a_profile_that_does_not_average_to_1_is_refused(factors):
    profile = tuple(
        replace(f, value=f.value * 1.01) if f.unit == "1" else f for f in factors.table("grid_profile")
    )
    tables = MappingProxyType({**factors.tables, "grid_profile": profile})
    [fault] = faults(replace(factors, tables=tables))
    assert fault == "the 96 ratios of this day have a mean of 1.0100 instead of 1: divide each of them by it"


STAGES = [
    {},
    {"id": "own.d", "stage": "distribution", "value": 10.0, "low": 9.0, "high": 11.0},
    {"id": "own.e", "stage": "end_of_life", "value": 1.0, "low": 0.9, "high": 1.1},
]
USE = {"id": "own.u", "stage": "use", "value": 89.0, "low": 80.0, "high": 99.0}


def whole(kg):
    """The whole life of a sheet."""
    return {"id": "own.whole", "stage": None, "value": kg, "low": kg, "high": kg}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([*STAGES, whole(100.0)], "the whole is 100 kg CO2 eq, and its stages add up to 111; correct them"),
        ([*STAGES, USE, whole(300.0)], "the whole is 300 kg CO2 eq, and its stages add up to 200"),
        ([whole(100.0)], "so it is not used; write manufacturing for all"),
        ([USE, whole(100.0)], "so it is not used; write manufacturing for all"),
    ],
    ids=["more than the whole", "less than the whole", "no stage", "use alone"],
)
def test_stages_that_are_not_the_whole_are_refused(factors, rows, said):
    [fault] = faults(sheet(factors, *rows))
    assert said in fault


@pytest.mark.parametrize("rows", [[*STAGES, whole(200.0)], [*STAGES, USE, whole(201.0)]], ids=["part", "all"])
def test_stages_that_fit_the_whole_are_in_order(factors, rows):
    assert faults(sheet(factors, *rows)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": "ThinkPad T14"}, "must have the form maker|model"),
        ({"subject": "Lenovo|"}, "must have the form maker|model"),
        ({"criterion": None}, "the criterion is missing"),
    ],
    ids=str,
)
def test_a_product_that_nothing_can_be_matched_with_is_refused(factors, change, said):
    [fault] = faults(sheet(factors, change))
    assert said in fault


@pytest.mark.parametrize("subject", ["HP|ProLiant DL360 Gen10", "HPE|HPE ProLiant DL360 Gen10 Server"])
@pytest.mark.parametrize(
    "rows",
    [
        [{"value": 393.3, "low": 300.0, "high": 500.0}],
        [{}, whole(1710.0)],
        [{"value": 380.0}, {"id": "own.d", "stage": "distribution", "value": 12.0}],
    ],
    ids=["embodied", "whole", "by stage"],
)
def test_a_sheet_with_a_known_fault_is_refused_unless_it_is_disputed(factors, subject, rows):
    named = [row | {"subject": subject} for row in rows]
    [fault] = faults(sheet(factors, *named))
    assert "issues/51" in fault
    assert "or set quality to disputed" in fault
    assert (
        faults(sheet(factors, *(row | {"quality": "disputed", "note": "see issue 51"} for row in named)))
        == []
    )


def test_the_current_sheet_of_the_same_model_is_in_order(factors):
    """6,270 kg, 87 % of it use."""
    rows = [{"value": 815.0, "low": 500.0, "high": 1300.0}, whole(6270.0)]
    assert faults(sheet(factors, *(row | {"subject": "HPE|ProLiant DL360 Gen10"} for row in rows))) == []


def test_a_fault_names_the_place_of_its_row(factors):
    bad = sheet(factors, {"unit": "g"})
    [fault] = faults_of(bad, {"product.own.manufacturing.gwp": "products.csv line 2"})
    assert fault.startswith("products.csv line 2, product.own.manufacturing.gwp: unit 'g'")


def test_every_known_fault_is_told_in_full(factors):
    for fault in factors.facts["known_faults"]:
        assert "|" in fault["subject"]
        assert float(fault["low"]) <= float(fault["high"])
        assert fault["fault"]
        assert fault["source_url"].startswith("https://")

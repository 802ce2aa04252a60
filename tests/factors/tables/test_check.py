"""The rules that tables are held to."""

import re
from dataclasses import replace

import pytest
from parcimetre_factors.tables.check import faults_of, faults_of_one, unused_sources
from parcimetre_factors.tables.factor_set import load_factor_set


def test_the_shipped_tables_break_no_rule(factors):
    assert not list(faults_of(factors))
    assert not list(unused_sources(factors))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"unit": "g CO2 eq"}, "unit 'g CO2 eq' does not fit gwp"),
        ({"criterion": "beauty"}, "unknown criterion 'beauty'. Give one of: gwp"),
        ({"stage": "transport"}, "unknown stage 'transport'. Give one of: manufacturing, distribution"),
        ({"range_basis": "experience"}, "gives no origin"),
        ({"locator": "same as above"}, "not a valid provenance"),
        ({"note": "a guess"}, "not a valid provenance"),
        ({"quality": "excellent"}, "give 'estimate' or 'disputed', or leave it empty"),
        ({"quality": "disputed", "note": ""}, "needs a note"),
    ],
    ids=str,
)
def test_a_factor_that_cannot_be_defended_is_found(factors, change, fault):
    [found] = faults_of_one(replace(factors.get("component.mainboard.gwp"), **change))
    assert fault in found


def test_every_fault_says_what_would_mend_it(factors):
    bad = replace(
        factors.get("component.mainboard.gwp"),
        unit="g",
        stage="x",
        range_basis="x",
        quality="x",
        note="guess",
    )
    faults = list(faults_of_one(bad))
    assert len(faults) == 5
    assert all(re.search("[:.] ([Gg]ive|convert|begin)", fault) for fault in faults)


def test_a_number_of_ours_is_an_estimate_without_saying_so(factors):
    assert factors.get("life.start.unknown").quality == "estimate"
    assert factors.get("losses.fr").quality == ""
    assert all(
        f.quality == "estimate"
        for f in factors.factors.values()
        if f.source.id == "parcimetre-estimate" and f.range_basis.startswith(("estimate", "assumed"))
    )


def test_a_source_that_nothing_cites_is_found(tables):
    with (tables / "sources.csv").open("a") as out:
        out.write("nobody-2024,Nobody,Nothing,2024,https://example.org,CC0,2026-11\n")
    assert list(unused_sources(load_factor_set(tables))) == ["sources.csv: nothing cites 'nobody-2024'"]


def test_the_readme_of_the_tables_tells_of_every_table_and_column(tables):
    text = (tables / "README.md").read_text()
    for file in tables.glob("*.csv"):
        assert f"`{file.name}`" in text
        header = file.read_text().split("\n", 1)[0].split(",")
        assert all(f"`{column}`" in text for column in header)


def test_products_carry_their_licence_and_attribution(tables):
    text = (tables / "PRODUCTS-LICENCE.md").read_text()
    assert "ODbL" in text
    assert "Boavizta, environmental-footprint-data" in text

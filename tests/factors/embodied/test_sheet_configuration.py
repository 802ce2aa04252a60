"""A sheet of one configuration, an inventory of another: the difference by component, by hand."""

from dataclasses import replace

import pytest
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.embodied.sheet_configuration import corrections
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.hardware.description import Disk, Hardware, Memory

MADE = Criterion.GWP, Stage.MANUFACTURING
SHEET_KG = 1356.48
SHEET = Hardware(
    "server", "Dell Inc.", "PowerEdge R740", memory=(Memory(16, 2),), disks=(Disk("hdd", 1000, 3),)
)  # fmt: skip
R740 = "Dell|PowerEdge R740"


def made(hardware, factors):
    return embodied(hardware, factors).by_stage[MADE]


def test_the_sheet_s_own_configuration_is_the_sheet(factors):
    assert corrections(R740, SHEET, factors) == ()
    assert made(SHEET, factors).value == SHEET_KG


@pytest.mark.parametrize(
    ("change", "difference_kg"),
    [
        ({"memory": (Memory(32, 8),)}, (256 - 32) / 1.24436 * 2.2),
        ({"memory": (Memory(16, 1),)}, (16 - 32) / 1.24436 * 2.2),
        ({"disks": (Disk("ssd", 960, 2),)}, 2 * 960 / 54.884 * 2.2 - 3 * 31.11),
        ({"disks": (Disk("hdd", 4000, 8),)}, 5 * 31.11),
        ({"memory": (), "disks": ()}, 0.0),
    ],
    ids=("more memory", "less memory", "other disks", "more disks", "not known"),
)
def test_what_is_beyond_the_sheet_is_added_and_what_it_lacks_taken_off(factors, change, difference_kg):
    term = made(replace(SHEET, **change), factors)
    assert term.value == pytest.approx(SHEET_KG + difference_kg)
    assert recompute(term) == pytest.approx(term.value)


def test_a_sheet_that_states_no_configuration_is_taken_as_it_is(factors):
    laptop = Hardware("laptop", "Dell Inc.", "Latitude 5420", memory=(Memory(64, 2),))
    assert made(laptop, factors).value == made(replace(laptop, memory=()), factors).value


def test_a_nearly_equal_name_widens_the_interval_and_leaves_the_value(factors):
    exact, nearly = (
        made(Hardware("laptop", "Dell Inc.", model), factors)
        for model in ("Precision 5470", "Precision 14 5470")
    )
    assert nearly.value == exact.value
    [product] = nearly.inputs
    assert [term.factor for term in product.inputs][1] == "match.fuzzy.error"
    assert product.detail == "Dell Precision 5470: 90/100"


def test_configurations_are_of_products_that_exist(factors):
    subjects = {factor.subject for factor in factors.table("products")}
    assert {row["subject"] for row in factors.facts["configurations"]} <= subjects

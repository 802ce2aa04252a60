"""A wrong product is worse than none: what matches, and what must not."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from parcimetre_factors.hardware.product_matching import match
from parcimetre_factors.tables.factor_set import DISPUTED
from parcimetre_factors.tables.product_names import normal_maker, product_name

STRINGS = Path(__file__).parents[2] / "data/models/dmi_strings.csv"
LENOVO_VERSION_AND_TYPE = re.compile(r"(.+) ([0-9][0-9A-Z]{2,9})")

SAME = [
    ("Dell Inc.", "Latitude 5420", "laptop", "Dell|Latitude 5420"),
    ("Dell Inc.", "Latitude 7420", "laptop", "Dell|Latitude 7420"),
    ("Dell Inc.", "Latitude 5420 Rugged", "laptop", "Dell|Latitude Rugged 5420"),
    ("Dell Inc.", "XPS 13 9310", "laptop", "Dell|XPS 13 9310"),
    ("Dell Inc.", "Precision 3650 Tower", "desktop", "Dell|Precision 3650 Tower"),
    ("Dell Inc.", "OptiPlex 7090 SFF", "desktop", "Dell|OptiPlex 7090 Small Form Factor"),
    ("Dell Inc.", "OptiPlex 7090 Tower", "desktop", "Dell|OptiPlex 7090 Tower"),
    ("Dell Inc.", "OptiPlex 7470 AIO", "all_in_one", "Dell|OptiPlex 7470 All-in-One Desktop"),
    ("Dell Inc.", "PowerEdge R740", "server", "Dell|PowerEdge R740"),
    ("Dell Inc.", "PowerEdge R740xd", "server", "Dell|PowerEdge R740XD"),
    ("LENOVO", "ThinkPad T490", "laptop", "Lenovo|ThinkPad T490"),
    ("LENOVO", "ThinkPad T490s", "laptop", "Lenovo|ThinkPad T490s"),
    ("HP", "HP 250 G9 Notebook PC", "laptop", "HP|250 G9 Notebook PC"),
    ("HP", "HP ProBook 445 14 inch G9 Notebook PC", "laptop", "HP|ProBook 445 14 inch G9 Notebook PC"),
    ("LENOVO", "ThinkPad X1 Carbon 5th", "laptop", "Lenovo|ThinkPad X1 Carbon 5th Gen"),
    ("HPE", "ProLiant DL380 Gen10", "server", "HP|ProLiant DL380 Gen10 server4"),
    ("HPE", "ProLiant MicroServer Gen10 Plus", "server", "HP|ProLiant MicroServer Gen10 Plus4"),
    ("Hewlett-Packard", "HP ProBook 445 14 inch G9", "laptop", "HP|ProBook 445 14 inch G9 Notebook PC"),
    ("Dell Inc.", "PowerEdge R740 -[SKU=NotProvided]-", "server", "Dell|PowerEdge R740"),
    ("LENOVO", "ThinkPad P50s", "laptop", "Lenovo|ThinkPad T560. P50s"),  # one sheet of two models
    ("LENOVO", "ThinkPad T560", "laptop", "Lenovo|ThinkPad T560. P50s"),
]


@pytest.mark.parametrize(("maker", "model", "category", "subject"), SAME, ids=lambda text: text)
def test_the_same_model_matches_whatever_noise_the_firmware_adds(factors, maker, model, category, subject):
    found = match(maker, model, category, factors)
    assert found is not None
    assert (found.subject, found.tier, found.score) == (subject, "exact", 100)


NEARLY = [
    ("Dell Inc.", "Precision 14 5470", "Dell|Precision 5470"),  # the screen's size before the model
    ("Dell Inc.", "Lattitude 5420", "Dell|Latitude 5420"),
    ("Dell Inc.", "OptiPlx 3080 Micro", "Dell|OptiPlex 3080 Micro Form Factor"),
    ("LENOVO", "IdeaPad 320S-15ISK", "Lenovo|IdeaPad 320S-15"),  # the platform after the screen's size
]


@pytest.mark.parametrize(("maker", "model", "subject"), NEARLY, ids=lambda text: text)
def test_a_name_spelt_a_little_differently_matches_and_says_how_well(factors, maker, model, subject):
    found = match(maker, model, "laptop", factors)
    assert found is not None
    assert (found.subject, found.tier) == (subject, "fuzzy")
    assert 80 < found.score < 100


OTHER = [
    ("HP", "HP ProBook 430 G7 Notebook PC", "laptop"),  # no sheet of it, though of other ProBooks
    ("HP", "HP ProBook 445 14 inch G10 Notebook PC", "laptop"),
    ("HP", "HP ProBook 445 G9", "laptop"),  # the sheet is of 14 inches
    ("HP", "HP 250 G8 Notebook PC", "laptop"),
    ("Dell Inc.", "XPS 13 9350", "laptop"),  # GLPI's example inventory
    ("Dell Inc.", "XPS 13", "laptop"),
    ("Dell Inc.", "Latitude 5424", "laptop"),  # the sheet is of the Rugged
    ("Dell Inc.", "Latitude 5421 Rugged", "laptop"),
    ("Dell Inc.", "OptiPlex 7090", "desktop"),  # sheets of a tower, a small form, a micro and an Ultra
    ("Dell Inc.", "OptiPlex 7090 UFF", "desktop"),
    ("Dell Inc.", "OptiPlex 7091 Ultra", "desktop"),
    ("Dell Inc.", "Precision 3650", "desktop"),  # the sheet is of the Tower
    ("Dell Inc.", "PowerEdge R740xd2", "server"),
    ("LENOVO", "ThinkPad T490 Gen 2", "laptop"),
    ("LENOVO", "21AHCTO1WW", "laptop"),
    ("LENOVO", "ThinkPad", "laptop"),
    ("HP", "Latitude 5420", "laptop"),  # another maker's
    ("Dell Inc.", "Latitude", "laptop"),
    ("Dell Inc.", "", "laptop"),
    ("HPE", "ProLiant DL385 Gen10 Plus", "server"),
    ("HPE", "ProLiant DL360 Gen10", "server"),  # its sheets contradict each other
    ("Dell Inc.", "Vostro 5420", "laptop"),
    ("Dell Inc.", "Latitude 5240", "laptop"),
    ("Dell Inc.", "Latitude 13 5420 Rugged Extreme", "laptop"),
    ("HPE", "ProLiant DL380 Gen9", "server"),
    ("HPE", "ProLiant MicroServer Gen10 Plus v2", "server"),
    ("HPE", "ProLiant DL345 Gen10", "server"),
    ("LENOVO", "ThinkPad X1 Carbon 6th", "laptop"),
    ("LENOVO", "ThinkPad X1 Carbon Gen 9", "laptop"),
    (None, "Latitude 5420", "laptop"),
    ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "desktop"),
    ("To Be Filled By O.E.M.", "To Be Filled By O.E.M.", "desktop"),
    ("System manufacturer", "System Product Name", "desktop"),
]  # fmt: skip


@pytest.mark.parametrize(("maker", "model", "category"), OTHER, ids=lambda text: text or "nothing")
def test_another_generation_form_or_size_does_not_match(factors, maker, model, category):
    assert match(maker, model, category, factors) is None


def test_one_name_for_all_forms_is_told_apart_by_a_mini_pc_s_category(factors):
    found = match("Dell Inc.", "OptiPlex 3080", "mini_pc", factors)
    assert found is not None
    assert found.subject == "Dell|OptiPlex 3080 Micro Form Factor"


def test_a_match_brings_all_stages_of_the_sheet_and_no_other_product_s(factors):
    found = match("Dell Inc.", "OptiPlex 7090 Small Form Factor", "desktop", factors)
    assert found is not None
    assert {factor.stage for factor in found.factors} == {"manufacturing", "distribution", "end_of_life"}
    assert {factor.subject for factor in found.factors} == {found.subject}


def test_every_product_is_found_by_its_own_name_or_not_at_all(factors):
    for subject in {factor.subject for factor in factors.table("products")}:
        maker, model = subject.split("|", 1)
        found = match(maker, model, "", factors)
        assert found is None or found.subject == subject


def as_an_agent_reports(row):
    """Maker and model; Lenovo's strings are of SMBIOS version and product name, a machine type."""
    maker, model = row["maker"], row["model"]
    both = LENOVO_VERSION_AND_TYPE.fullmatch(model) if maker == "Lenovo" else None
    return maker, product_name(maker, both[2], both[1]) if both else model


def test_real_names_find_their_sheet_and_no_other(factors):
    """Of strings of the field with the sheet that a person found for each, or none: see ORIGIN.md."""
    rows = list(csv.DictReader(STRINGS.read_text().splitlines()))
    found = [match(*as_an_agent_reports(row), row["category"], factors) for row in rows]
    answers = [
        (row["model"], row["expected"], one.subject if one else "")
        for row, one in zip(rows, found, strict=True)
    ]
    matched = [answer for answer in answers if answer[2]]
    wrong = [answer for answer in matched if answer[1] != answer[2]]
    missed = [answer for answer in answers if answer[1] and not answer[2]]
    sheets = sum(bool(row["expected"]) for row in rows)
    assert len(rows) >= 150
    assert sheets >= 50
    assert len(wrong) <= 0.02 * len(matched), wrong
    assert len(missed) <= 0.2 * sheets, missed


def test_the_strings_of_the_field_name_sheets_that_exist(factors):
    rows = list(csv.DictReader(STRINGS.read_text().splitlines()))
    assert {row["expected"] for row in rows} - {""} <= {
        factor.subject for factor in factors.table("products")
    }
    assert all(row["origin"] for row in rows)
    assert len({(row["maker"], row["model"]) for row in rows}) == len(rows)


@pytest.mark.slow
def test_a_model_whose_sheet_is_missing_takes_no_other_s(factors):
    """Every ninth sheet hidden from its own name."""
    sheets = factors.table("products")
    wrong = []
    for subject in sorted({factor.subject for factor in sheets})[::9]:
        others = tuple(factor for factor in sheets if factor.subject != subject)
        found = match(*subject.split("|", 1), "laptop", replace(factors, tables={"products": others}))
        wrong += [(subject, found.subject)] if found else []
    assert wrong == []


def test_disputed_numbers_are_kept_and_used_by_nothing(factors):
    disputed = [factor for factor in factors.table("products") if factor.quality == DISPUTED]
    assert [factor.subject for factor in disputed] == ["HP|ProLiant DL360 Gen10"]
    assert all(match(*factor.subject.split("|"), "server", factors) is None for factor in disputed)


@pytest.mark.parametrize(
    ("stated", "normal"),
    [
        ("Dell Inc.", "dell"),
        ("Hewlett-Packard", "hp"),
        ("LENOVO", "lenovo"),
        ("HPE", "hp"),
        ("Acme", "acme"),
    ],
)
def test_makers_are_known_by_any_of_their_names(stated, normal):
    assert normal_maker(stated) == normal


STATED = [
    # https://github.com/fmujakitz/thinkpad-thermal/issues/28
    ("LENOVO", "20NJ0004US", "ThinkPad T495", None, "Lenovo|ThinkPad T495"),
    # https://github.com/memtest86plus/memtest86plus/issues/55
    ("LENOVO", "4384Z8S", "ThinkPad T510", "ThinkPad T510", None),
    # https://github.com/systemd/systemd/issues/31134
    ("LENOVO", "30C6S3WT00", "ThinkStation P330", "ThinkStation P330", None),
    ("Dell Inc.", "Precision 3640 Tower", "8Y6EHD3", None, "Dell|Precision 3640 Tower"),
    # https://github.com/puppetlabs/facter/issues/2654
    ("Supermicro", "X9DRW", "0123456789", None, None),
]


@pytest.mark.parametrize(("maker", "model", "version", "family", "subject"), STATED)
def test_what_real_firmware_states_finds_its_sheet_or_none(factors, maker, model, version, family, subject):
    found = match(maker, product_name(maker, model, version, family), "", factors)
    assert (found and found.subject) == subject


def test_a_machine_type_without_a_name_beside_it_stays_and_matches_nothing(factors):
    assert product_name("LENOVO", "20NJ0004US", "Not Specified", None) == "20NJ0004US"
    assert match("LENOVO", "20NJ0004US", "laptop", factors) is None

"""What describes the tables to other tools, and who is to be named: both follow from the tables."""

import csv
import json
import sys
from pathlib import Path

import pytest
from parcimetre_factors.tables.factor_set import SHIPPED, load_factor_set

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from write_datapackage import ATTRIBUTION, PACKAGE, ROOT, VERSION, written


@pytest.mark.parametrize("name", [PACKAGE, ATTRIBUTION])
def test_the_shipped_file_is_what_the_tables_give(factors, name):
    assert (SHIPPED / name).read_text(encoding="utf-8") == written(factors)[name], "run: make tables"


def test_every_table_and_column_is_described_and_licensed():
    package = json.loads((SHIPPED / PACKAGE).read_text(encoding="utf-8"))
    described = {resource["path"]: resource for resource in package["resources"]}
    assert set(described) == {file.name for file in SHIPPED.glob("*.csv")}
    for name, resource in described.items():
        with (SHIPPED / name).open(encoding="utf-8", newline="") as text:
            assert [field["name"] for field in resource["schema"]["fields"]] == next(csv.reader(text))
        assert name == "sources.csv" or (resource["licenses"] and resource["sources"])


def test_every_source_is_named_with_its_licence(factors):
    text = (SHIPPED / ATTRIBUTION).read_text(encoding="utf-8")
    for source in factors.sources.values():
        assert source.publisher in text
        assert source.url in text
        assert source.licence in text


BOUND = {
    "CC BY": "CC-BY-4.0", "Etalab": "etalab-2.0", "ODbL": "ODbL-1.0", "Open Government": "OGL-UK-3.0",
    "Apache-2.0": "Apache-2.0", "EUPL-1.2": None, "facts": None,
}  # fmt: skip


def test_each_table_is_under_the_licence_that_its_sources_ask_for(factors):
    package = json.loads((SHIPPED / PACKAGE).read_text(encoding="utf-8"))
    licensed = {r["name"]: {licence["name"] for licence in r["licenses"]} for r in package["resources"]}
    for name, table in factors.tables.items():
        for title in {factor.source.licence for factor in table}:
            [asked] = {spdx for words, spdx in BOUND.items() if words in title and spdx} or {None}
            assert asked is None or asked in licensed[name], (name, title)
    used = set().union(*licensed.values())
    assert used == {file.stem for file in (ROOT / "LICENSES").glob("*.txt")}


def test_every_column_of_a_factor_table_says_what_it_means_and_what_may_stand_in_it():
    package = json.loads((SHIPPED / PACKAGE).read_text(encoding="utf-8"))
    gases = next(r for r in package["resources"] if r["name"] == "gwp_values")
    fields = {field["name"]: field for field in gases["schema"]["fields"]}
    assert all(field["description"] for field in fields.values())
    assert fields["distribution"]["constraints"]["enum"] == ["", "lognormal", "normal", "uniform", "fixed"]


def test_the_set_carries_its_version_and_the_changelog_names_it(factors):
    assert factors.version == VERSION
    assert f"factor set {VERSION}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_tables_that_were_changed_have_no_version(tables):
    with (tables / "zones.csv").open("a") as out:
        out.write("NO,NOR,Norway\n")
    assert load_factor_set(tables).version == ""

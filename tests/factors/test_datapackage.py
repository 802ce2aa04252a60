"""What describes the tables to other tools, and who is to be named: both follow from the tables."""

import csv
import json
import sys
from pathlib import Path

import pytest
from parcimetre_factors.factor import SHIPPED

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from write_datapackage import ATTRIBUTION, PACKAGE, written


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

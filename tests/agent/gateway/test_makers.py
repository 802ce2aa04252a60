"""The tables of makers: a new maker is a file, and every file says what the code reads."""

import re

import pytest
from parcimetre_agent.configuration.settings import parse
from parcimetre_agent.gateway.makers import COUNTERS, TABLES, maker_of
from parcimetre_agent.gateway.outlet_tables import OIDS

FILES = sorted(TABLES.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_table_is_well_formed(file):
    table = parse(file.read_text(), file)
    assert set(table) <= {
        "maker", "enterprises", "serial", "model", "counters", "coded", "network", "power", "poe",
        "power_state",
    }  # fmt: skip
    assert set(table.get("counters", {})) <= set(COUNTERS)
    assert set(table.get("coded", {}).get("codes", {})) <= set(COUNTERS)
    for number in table["enterprises"]:
        assert maker_of(f"1.3.6.1.4.1.{number}.1.2").name == table["maker"]
    counted = [oid for oids in table.get("counters", {}).values() for oid in oids]
    tapped = [*table.get("power", []), *([table["poe"]] if "poe" in table else [])]
    oids = [*table.get("serial", []), *table.get("model", []), *counted]
    oids += [one[key] for one in tapped for key in OIDS if key in one]
    assert all(re.fullmatch(r"\d+(\.\d+)+", oid) for oid in oids)
    assert all(int(oid.partition(".")[0]) in table["enterprises"] for oid in oids)


def test_an_enterprise_without_a_table_has_no_maker():
    assert maker_of("1.3.6.1.4.1.8072.3.2.10") is None
    assert maker_of("1.3.6.1.2.1.1") is None


def test_a_table_that_is_added_needs_no_code(tmp_path):
    (tmp_path / "acme.toml").write_text(
        'maker = "Acme"\nenterprises = [99999]\n[counters]\nmono = ["99999.1.2"]\n'
    )
    assert maker_of("1.3.6.1.4.1.99999.7", tmp_path).counters["mono"] == ["1.3.6.1.4.1.99999.1.2"]

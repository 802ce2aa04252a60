"""`parcimetre factors`: found, checked, compared with their effect, adopted."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.factor import COLUMNS, load_factor_set
from parcimetre_server.cli import factors, footprint
from parcimetre_server.errors import ParcimetreError


@pytest.fixture
def run(fleet, monkeypatch):
    """Run a subcommand on the fleet's data folder; the click result."""
    monkeypatch.setenv("LC_ALL", "C")
    folder = str(fleet.collector.settings.data_dir)

    def go(*words):
        return CliRunner().invoke(factors.command, ["--data-dir", folder, *words])

    return go


@pytest.fixture
def doubled(tmp_path):
    """Own tables in which a French kilowatt-hour weighs twice ours, in every year."""
    folder = tmp_path / "own"
    folder.mkdir()
    shipped = [f for f in load_factor_set().table("grid_year") if f.zone == "FR" and f.criterion == "gwp"]
    rows = [
        (f.id, f.subject, f.stage, f.criterion, 2 * f.value, 2 * f.low, 2 * f.high, "source", f.unit, f.per,
         f.zone, f.year, f.source.id, "doubled", "")
        for f in shipped
    ]  # fmt: skip
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    (folder / "grid_year.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_factors_are_found_by_words_and_shown_with_their_source(run):
    found = json.loads(run("list", "electricity", "FR", "2024", "--json").output)
    assert {"grid.fr.2024.gwp"} <= {factor["id"] for factor in found}
    told = json.loads(run("show", "grid.fr.2024.gwp", "--json").output)
    assert told["source"]["licence"] == "CC BY 4.0"
    assert "CC BY 4.0" in run("show", "grid.fr.2024.gwp").output
    assert "grid.fr.2024.gwp" in run("list", "grid.fr.2024").output


def test_own_tables_change_nothing_until_they_are_adopted(run, doubled, fleet):
    def use():
        folder = ["--data-dir", str(fleet.collector.settings.data_dir)]
        words = ["--group-by", "stage", "--json", "--from", "2026-11-01", "--to", "2026-11-22"]
        rows = json.loads(CliRunner().invoke(footprint.command, [*folder, *words]).output)["rows"]
        return {row["group"]: row for row in rows}

    before = use()
    assert "can be compared" in run("import", str(doubled)).output
    assert use() == before
    told = json.loads(run("diff", "--json").output)
    assert all(change["after"]["value"] == 2 * change["before"]["value"] for change in told["changes"])
    assert told["gwp_kgco2e"][1] > told["gwp_kgco2e"][0]
    assert "in force" in run("adopt").output
    after = use()
    assert after["use"]["value"] == pytest.approx(2 * before["use"]["value"])
    assert after["manufacturing"]["value"] == pytest.approx(before["manufacturing"]["value"])
    assert after["use"]["factor_set"] == told["after"] != before["use"]["factor_set"]


def test_the_difference_is_told_with_its_effect(run, doubled):
    run("import", str(doubled))
    text = run("diff").output
    assert "grid.fr.2024.gwp" in text
    assert "Footprint of the last 28 days" in text


def test_nothing_imported_cannot_be_adopted(run):
    assert isinstance(run("adopt").exception, ParcimetreError)
    assert isinstance(run("diff").exception, ParcimetreError)


def test_tables_with_a_fault_are_neither_right_nor_taken(run, doubled):
    table = doubled / "grid_year.csv"
    table.write_text(table.read_text().replace(",source,kg", ",experience,kg"))
    for word in ("check", "import"):
        answer = run(word, str(doubled))
        assert isinstance(answer.exception, BadFactorRow)
        assert "names no origin" in str(answer.exception)
    assert isinstance(run("adopt").exception, ParcimetreError)


def test_tables_in_order_are_said_to_be(run, doubled):
    assert "in order" in run("check", str(doubled)).output

"""`parcimetre factors`: found, checked, compared with their effect, adopted."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.tables.factor_set import COLUMNS, load_factor_set
from parcimetre_server.base.errors import ParcimetreError
from parcimetre_server.cli import factors, footprint


@pytest.fixture
def run(fleet, monkeypatch):
    """Run a subcommand on the fleet's data folder; the click result."""
    monkeypatch.setenv("LC_ALL", "C")
    folder = str(fleet.context.settings.data_dir)

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
        folder = ["--data-dir", str(fleet.context.settings.data_dir)]
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
        assert "gives no origin" in str(answer.exception)
    assert isinstance(run("adopt").exception, ParcimetreError)


def test_tables_in_order_are_said_to_be_with_what_they_change(run, doubled):
    told = run("check", str(doubled)).output
    assert "are valid" in told
    assert "grid.fr.2024.gwp" in told


def test_the_set_in_force_is_checked_where_no_folder_is_named(run):
    assert load_factor_set().name in run("check").output


def test_each_fault_is_named_with_its_file_and_line(run, doubled):
    table = doubled / "grid_year.csv"
    table.write_text(table.read_text().replace(",source,kg", ",experience,kg"))
    faults = str(run("check", str(doubled)).exception).split("\n")
    assert [fault.split(",")[0] for fault in faults] == [
        f"grid_year.csv line {n + 2}" for n in range(len(faults))
    ]


def test_tables_with_invisible_characters_are_refused_with_their_place(run, doubled):
    (file,) = [one for one in doubled.glob("*.csv") if one.stem != "sources"][:1]
    head, row, *rest = file.read_text(encoding="utf-8").split("\n")
    cells = row.split(",")
    cells[-1] = "a\u202eb"
    file.write_text("\n".join([head, ",".join(cells), *rest]), encoding="utf-8")
    done = run("import", str(doubled))
    assert done.exit_code
    assert "U+202E" in str(done.exception)
    assert f"{file.name} line 2" in str(done.exception)


def test_a_product_of_one_s_own_with_a_deviation_is_in_force_once_adopted(run, tmp_path):
    """As a spreadsheet in French writes it."""
    columns = [name for name in COLUMNS if name not in ("low", "high")] + ["rel_sd"]
    cells = {"id": "pcf.own", "subject": "Own Maker|Model 1", "stage": "manufacturing", "criterion": "gwp",
             "value": "212,5", "range_basis": "source", "unit": "kg CO2 eq", "per": "device", "year": "2025",
             "source": "own-2026", "locator": "page 1", "rel_sd": "0,3"}  # fmt: skip
    row = ";".join(cells.get(name, "") for name in columns)
    (tmp_path / "products.csv").write_text("\n".join([";".join(columns), row]), encoding="utf-8-sig")
    (tmp_path / "sources.csv").write_text(
        "id;publisher;title;year;url;licence;retrieved\n"
        "own-2026;Own Maker;Sheet;2025;https://example.org;our own use;2026-11\n"
    )
    run("import", str(tmp_path))
    run("adopt")
    told = json.loads(run("show", "pcf.own", "--json").output)
    assert told["value"] == 212.5
    assert told["low"] * told["high"] == pytest.approx(212.5**2)


def test_an_estimate_is_said_to_be_one(run):
    assert "estimate" in run("show", "life.start.unknown").output
    assert "estimate" in run("list", "coverage.own").output
    assert json.loads(run("show", "life.start.unknown", "--json").output)["quality"] == "estimate"

"""An organisation's own tables over the shipped ones: replaced, added, refused."""

import re
from pathlib import Path

import pytest
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.hardware.description import Hardware
from parcimetre_factors.tables.check import faults_of
from parcimetre_factors.tables.factor_set import COLUMNS
from parcimetre_factors.tables.overlay import changes, overlaid, places

DOCS = Path(__file__).parents[3] / "docs"
SOURCE = (
    "id,publisher,title,year,url,licence,retrieved\n"
    "contract-2026,Example Energy,Supply contract,2026,https://example.org,figures of our own,2026-11\n"
)
GREEN = {
    "id": "grid.fr.2024.gwp", "subject": "electricity", "stage": "use", "criterion": "gwp", "value": "0.012",
    "low": "0.01", "high": "0.015", "range_basis": "source", "unit": "kg CO2 eq", "per": "kWh", "zone": "FR",
    "year": "2024", "source": "contract-2026", "locator": "annex 2", "note": "",
}  # fmt: skip
SHEET = {
    **GREEN, "id": "product.own.manufacturing.gwp", "subject": "Own Maker|Model 1", "stage": "manufacturing",
    "value": "100", "low": "80", "high": "125", "per": "device", "zone": "",
}  # fmt: skip


@pytest.fixture
def own(tmp_path):
    """Writes a folder of own tables."""

    def write(**tables):
        (tmp_path / "sources.csv").write_text(SOURCE)
        for name, rows in tables.items():
            lines = [",".join(COLUMNS), *(",".join(row[column] for column in COLUMNS) for row in rows)]
            (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
        return tmp_path

    return write


def test_residual_mixes_are_a_table_of_one_s_own(factors, own):
    laid = overlaid(factors, own(grid_residual=[GREEN | {"id": "residual.fr.2024"}]))
    assert [row.id for row in laid.table("grid_residual")] == ["residual.fr.2024"]
    assert factors.table("grid_residual") == ()


def test_a_row_of_ours_is_replaced_and_all_others_stay(factors, own):
    laid = overlaid(factors, own(grid_year=[GREEN]))
    assert laid.get("grid.fr.2024.gwp").value == 0.012
    assert [change.id for change in changes(factors, laid)] == ["grid.fr.2024.gwp"]
    assert laid.id != factors.id
    assert factors.get("grid.fr.2024.gwp").value != 0.012


def test_a_product_of_one_s_own_is_matched(factors, own):
    laid = overlaid(factors, own(products=[SHEET]))
    found = embodied(Hardware("laptop", "Own Maker", "Model 1"), laid)
    assert found.evidence == "product"
    assert found.by_stage[Criterion.GWP, Stage.MANUFACTURING].value == 100


@pytest.mark.parametrize("subject", ["Dell|Latitude 5420", "Dell Inc.|LATITUDE 5420 Notebook PC"])
def test_a_product_described_anew_takes_the_place_of_ours_however_it_is_spelt(factors, own, subject):
    laid = overlaid(factors, own(products=[{**SHEET, "subject": subject}]))
    found = embodied(Hardware("laptop", "Dell Inc.", "Latitude 5420"), laid)
    assert {stage: term.value for (_, stage), term in found.by_stage.items()} == {Stage.MANUFACTURING: 100}


def test_a_corrected_row_of_ours_leaves_the_product_s_other_rows(factors, own):
    ours = next(f for f in factors.table("products") if f.stage == "distribution")
    corrected = {**SHEET, "id": ours.id, "subject": ours.subject, "stage": "distribution"}
    laid = overlaid(factors, own(products=[corrected]))
    assert [change.id for change in changes(factors, laid)] == [ours.id]


def test_the_use_that_a_sheet_states_is_not_counted_with_what_making_the_product_cost(factors, own):
    use = {**SHEET, "id": "product.own.use.gwp", "stage": "use"}
    laid = overlaid(factors, own(products=[SHEET, use]))
    found = embodied(Hardware("laptop", "Own Maker", "Model 1"), laid)
    assert {stage for _, stage in found.by_stage} == {Stage.MANUFACTURING}


def test_a_set_with_own_tables_says_so_in_its_version(factors, own):
    laid = overlaid(factors, own(products=[SHEET]))
    assert laid.version == f"{factors.version}+own"
    assert laid.name == f"{laid.version} ({laid.id})"


def test_the_place_of_each_own_row_is_known(own):
    folder = own(products=[SHEET], grid_year=[GREEN])
    assert places(folder) == {GREEN["id"]: "grid_year.csv line 2", SHEET["id"]: "products.csv line 2"}


def test_the_same_tables_make_the_same_set(factors, own):
    folder = own(products=[SHEET])
    assert overlaid(factors, folder).id == overlaid(factors, folder).id


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("grid_year", {**GREEN, "unit": "g CO2 eq"}, "the meaning of an id must not change"),
        ("grid_year", {**GREEN, "source": "hearsay"}, "is not in sources.csv"),
        ("grid_year", {**GREEN, "low": "1"}, "is not between"),
        ("categories", GREEN, "belongs to another table"),
        ("cpus", GREEN, "unknown factor table"),
    ],
    ids=["meaning", "source", "range", "table", "facts"],
)
def test_a_row_that_cannot_be_defended_is_refused_with_the_mend(factors, own, table, row, said):
    with pytest.raises(BadFactorRow, match=said):
        overlaid(factors, own(**{table: [row]}))


def test_an_id_that_stands_twice_is_refused(factors, own):
    with pytest.raises(BadFactorRow, match=r"products\.csv line 3: .* is used twice"):
        overlaid(factors, own(products=[SHEET, SHEET]))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_tables_of_the_manual_are_in_order(factors, tmp_path, language):
    text = (DOCS / language / "factors.md").read_text(encoding="utf-8")
    for name, table in zip(
        ("products", "sources"), re.findall(r"```csv\n(.*?)```", text, re.DOTALL), strict=True
    ):
        (tmp_path / f"{name}.csv").write_text(table, encoding="utf-8")
    laid = overlaid(factors, tmp_path)
    assert list(faults_of(laid)) == []
    found = embodied(Hardware("laptop", "LENOVO", "ThinkPad T14 Gen 5"), laid)
    assert found.by_stage[Criterion.GWP, Stage.MANUFACTURING].value == 212.5


def test_an_empty_folder_is_refused(factors, tmp_path):
    with pytest.raises(BadFactorRow, match="contains no table"):
        overlaid(factors, tmp_path)

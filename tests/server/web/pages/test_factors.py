"""The pages of factors: which sets there are, and what another one would change before it is adopted."""

import pytest
from parcimetre_factors.tables.factor_set import COLUMNS, load_factor_set
from parcimetre_server.configuration.factor_sets import adopt, import_tables


@pytest.fixture
def candidate(fleet, tmp_path):
    """Own tables in which a French kilowatt-hour weighs twice ours, waiting to be adopted."""
    folder = tmp_path / "own"
    folder.mkdir()
    rows = [
        (f.id, f.subject, f.stage, f.criterion, 2 * f.value, 2 * f.low, 2 * f.high, "source", f.unit, f.per,
         f.zone, f.year, f.source.id, "doubled", "")
        for f in load_factor_set().table("grid_year") if f.zone == "FR" and f.criterion == "gwp"
    ]  # fmt: skip
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    (folder / "grid_year.csv").write_text("\n".join(lines) + "\n")
    return import_tables(fleet.context.settings.data_dir, folder)


def test_the_effect_of_a_candidate_is_shown_and_nothing_changes(reader, candidate):
    before = reader.get("/v1/footprint").json()
    text = reader.get("/factors/diff?lang=en").text
    assert "grid.fr.2024.gwp" in text
    assert "+100%" in text
    assert "Candidate, not adopted yet" in reader.get("/factors").text
    assert reader.get("/v1/footprint").json() == before


def test_a_set_that_was_adopted_since_the_start_is_said_to_wait_for_a_restart(reader, fleet, candidate):
    adopt(fleet.context.settings.data_dir)
    assert "Adopted, in force after a restart" in reader.get("/factors?lang=en").text
    assert reader.get("/factors/diff?after=adopted").status_code == 200


def test_a_set_that_is_not_there_is_not_found_and_one_alone_is_compared_with_itself(reader):
    assert reader.get("/factors/diff?after=../../etc").status_code == 404
    assert "The two sets have the same factors." in reader.get("/factors/diff?lang=en").text


def test_tables_that_no_longer_fit_over_the_shipped_ones_are_left_out(reader, fleet):
    folder = fleet.context.settings.data_dir / "factors" / "0123abcd"
    folder.mkdir(parents=True)
    (folder / "no_such_table.csv").write_text("id\n")
    answer = reader.get("/factors")
    assert answer.status_code == 200
    assert "0123abcd" not in answer.text

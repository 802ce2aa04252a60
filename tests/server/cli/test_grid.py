"""`parcimetre grid`: a feed goes in once, and its days are shown."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from parcimetre_factors.errors import UnknownZone
from parcimetre_server.cli.grid import command
from parcimetre_server.configuration.factor_sets import adopt, import_tables
from parcimetre_server.grid.feeds.times import BadFeed

SAMPLE = Path(__file__).parents[2] / "data/grid/eco2mix.csv"


@pytest.fixture
def run(tmp_path):
    """The command on a data folder of its own; what it raises is raised here."""

    def invoke(*words, given=None):
        words = [*words, "--data-dir", str(tmp_path)]
        return CliRunner().invoke(command, words, input=given, catch_exceptions=False, env={"LANG": "en"})

    return invoke


def test_a_feed_is_imported_once_and_its_days_are_shown(run):
    first, again = (json.loads(run("import", str(SAMPLE), "--zone", "FR", "--json").output) for _ in range(2))
    assert (first["added"], again["added"], again["known"]) == (288, 0, 288)
    lines = run("show", "FR", "--from", "2023-10-01T00:00Z", "--to", "2023-10-05T00:00Z").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [f"2023-10-0{day}" for day in (1, 2, 3, 4)]
    assert [line.split()[-1] for line in lines[1:]] == ["100%", "100%", "100%", "0%"]


def test_every_slot_is_told_to_machines(run):
    run("import", "-", "--zone", "FR", given=SAMPLE.read_bytes())
    told = json.loads(
        run("show", "FR", "--from", "2023-10-03T23:00Z", "--to", "2023-10-04T01:00Z", "--json").output
    )
    assert [slot["tier"] for slot in told["slots"]] == ["slot"] * 4 + ["profile"] * 4


def test_rte_s_own_latin_1_is_read(run):
    text = "Périmètre\tDate\tHeures\tNucléaire\nFrance\t2023-10-01\t02:00\t40000\n"
    answer = run("import", "-", "--zone", "FR", "--json", given=text.encode("latin-1"))
    assert json.loads(answer.output)["first"] == 1696118400


def month(tmp_path):
    """A feed of 24 days of one's own."""
    first = datetime(2023, 10, 1, tzinfo=UTC)
    lines = [
        f"{first + timedelta(minutes=15 * i):%Y-%m-%dT%H:%MZ},{0.04 + i % 96 / 5000}" for i in range(24 * 96)
    ]
    (tmp_path / "month.csv").write_text("\n".join(["start_utc,kg_per_kwh", *lines]) + "\n")
    return str(tmp_path / "month.csv")


def test_a_month_that_was_imported_becomes_factors_that_later_slots_follow(run, tmp_path):
    """The 40th quarter hour is 40 g and 40 / 5 g; it is told in 2024 with 7 % of losses."""
    run("import", month(tmp_path), "--zone", "FR")
    own = tmp_path / "own"
    told = json.loads(run("profile", "FR", "--into", str(own), "--json").output)
    assert told == [{"month": "2023-10", "days": 24, "profile": "yes"}]
    import_tables(tmp_path, own)
    adopt(tmp_path)
    shown = json.loads(
        run("show", "FR", "--from", "2024-10-05T10:00Z", "--to", "2024-10-05T10:15Z", "--json").output
    )
    assert shown["slots"][0] == {
        "start": 1728122400, "value": pytest.approx(0.048 * 1.07), "tier": "profile",
    }  # fmt: skip
    assert "grid_profile.fr.2023-10.error" in shown["factors"]


def test_a_profile_made_again_replaces_its_rows_and_leaves_others(run, tmp_path):
    run("import", month(tmp_path), "--zone", "FR")
    own = tmp_path / "own"
    run("profile", "FR", "--into", str(own))
    other = "own-sheet,Us,Our sheet,2026,https://example.org,ours,2026-11-01\n"
    with (own / "sources.csv").open("a") as text:
        text.write(other)
    before = (own / "grid_profile.csv").read_text()
    run("profile", "FR", "--into", str(own))
    assert (own / "grid_profile.csv").read_text() == before
    assert other in (own / "sources.csv").read_text()


CONTRACT = ("--supplier", "Énergies Sud", "--product", "Vert", "--kg-per-kwh", "0.012", "--at-meter", "no",
            "--evidence", "statement.pdf", "--from", "2026-01-01")  # fmt: skip


def test_a_contract_is_stated_listed_and_ended(run):
    (added,) = json.loads(run("contract", "add", *CONTRACT, "--json").output)
    assert (added["supplier"], added["from"], added["until"]) == ("Énergies Sud", "2026-01-01", None)
    assert "statement.pdf" in run("contract", "list").output
    run("contract", "end", added["id"], "--last-day", "2026-06-30")
    assert json.loads(run("contract", "list", "--json").output) == [added | {"until": "2026-06-30"}]


def test_contracts_of_a_file_are_stated_at_once(run, tmp_path):
    file = tmp_path / "contracts.csv"
    head = "supplier,product,kg_per_kwh,at_meter,evidence,from,until\n"
    file.write_text(head + "A,B,0.1,yes,x,2025-01-01,2025-12-31\nC,D,0.2,no,y,2026-01-01,\n", "utf-8-sig")
    assert len(json.loads(run("contract", "add", "--file", str(file), "--json").output)) == 2
    answer = run("contract", "add", *CONTRACT, "--file", str(file))
    assert (answer.exit_code, "either --file or the options of one contract" in answer.output) == (2, True)


def test_what_cannot_be_used_leaves_nothing_behind(run):
    with pytest.raises(BadFeed, match="unknown file format"):
        run("import", "-", "--zone", "FR", given=b"hello")
    with pytest.raises(UnknownZone, match="grid zone 'XX' has no factors"):
        run("import", str(SAMPLE), "--zone", "XX")

"""`parcimetre grid`: a feed goes in once, and its days are shown."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from parcimetre_factors.errors import UnknownZone
from parcimetre_server.cli.grid import command
from parcimetre_server.feeds.times import BadFeed

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


def test_what_cannot_be_used_leaves_nothing_behind(run):
    with pytest.raises(BadFeed, match="no known format"):
        run("import", "-", "--zone", "FR", given=b"hello")
    with pytest.raises(UnknownZone, match="'XX' is no grid zone"):
        run("import", str(SAMPLE), "--zone", "XX")

"""`parcimetre estimate`: lines in, lines out."""

import json

from click.testing import CliRunner
from parcimetre_server.cli.estimate import command

LINES = (
    '{"class": "laptop", "maker": "Dell Inc.", "model": "Latitude 5420"}\nnot json\n\n{"class": "server"}\n'
)


def test_each_line_has_its_answer_in_order():
    answer = CliRunner().invoke(command, input=LINES)
    assert answer.exit_code == 0
    told = [json.loads(line) for line in answer.output.splitlines()]
    assert [one.get("evidence", {}).get("embodied") for one in told] == ["product", None, "category"]
    assert "not JSON" in told[1]["error"]


def test_the_table_shows_offers_side_by_side():
    answer = CliRunner().invoke(command, ["--table"], input=LINES, env={"LANG": "en"})
    assert answer.exit_code == 0
    rows = answer.output.splitlines()
    assert "309 kg CO₂ eq" in rows[1].replace("\u00a0", " ")
    assert [row.split()[0] for row in rows[1:3]] == ["1", "3"]
    assert rows[-1].startswith("line 2: ")
    assert "not JSON" in rows[-1]


def test_a_table_is_not_json():
    answer = CliRunner().invoke(command, ["--table", "--json"], input=LINES)
    assert answer.exit_code == 2

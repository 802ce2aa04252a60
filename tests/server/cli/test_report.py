"""`parcimetre report`: files in every format, verification with its exit code, and what was published."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_server.access.served_settings import store_served_settings
from parcimetre_server.base.periods import week_span
from parcimetre_server.cli import parcimetre
from parcimetre_server.reports.publishing import publish
from parcimetre_server.store.records import WriteBatch

from tests.server.conftest import SLOT_S, slot

WEEK = "2026-W47"


@pytest.fixture
def run(fleet):
    """Run `parcimetre report` on the fleet's folder."""

    def go(*words):
        where = ["--data-dir", str(fleet.context.settings.data_dir)]
        return CliRunner().invoke(parcimetre, ["report", *words, *where], env={"LC_ALL": "en"})

    return go


@pytest.mark.parametrize(("format_", "beginning"), [("pdf", b"%PDF"), ("xlsx", b"PK"), ("html", b"<!doctype"),
                                                    ("csv", b"section,"), ("json", b"{")])  # fmt: skip
def test_every_format_is_written(run, tmp_path, format_, beginning):
    out = tmp_path / "report"
    made = run("weekly", WEEK, "--format", format_, "--out", str(out), "--lang", "fr")
    assert made.exit_code == 0, made.output
    assert out.read_bytes().startswith(beginning)


def test_a_units_report_is_of_its_subtree_as_the_role_is_told(run):
    told = json.loads(run("weekly", WEEK, "--unit", "Métropole/Ville", "--format", "json").output)
    assert told["devices"] == 2
    viewers = run("weekly", WEEK, "--unit", "Métropole/Ville", "--format", "json", "--role", "viewer")
    assert json.loads(viewers.output)["withheld"]


def test_verifying_says_that_every_figure_is_the_same_or_which_is_not(run, fleet):
    assert run("weekly", WEEK, "--verify").exit_code == 1
    publish(fleet.context, WEEK)
    same = run("weekly", WEEK, "--verify")
    assert (same.exit_code, "byte for byte" in same.output) == (0, True)
    first = week_span(WEEK, fleet.context.zone).first
    slots = [slot(start) for start in range(first, first + 20 * SLOT_S, SLOT_S)]
    fleet.context.store.write([WriteBatch(fleet.silent, slots)])
    differs = run("weekly", WEEK, "--verify")
    assert differs.exit_code == 1
    assert "data arrived after publication" in differs.output


def test_commands_tell_as_the_collector_was_served(run, fleet):
    store_served_settings(fleet.context)
    assert fleet.context.settings.organisation == "Métropole"
    assert "Métropole" in run("weekly", WEEK, "--lang", "en").output


def test_the_list_names_what_was_published(run, fleet):
    assert "No report is published" in run("list").output
    publish(fleet.context, WEEK)
    (told,) = json.loads(run("list", "--json").output)
    assert (told["week"], told["edition"], told["state"]) == (WEEK, 1, "provisional")

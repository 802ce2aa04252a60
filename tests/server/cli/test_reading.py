"""The commands that read figures: their tables, their JSON, their language and their errors."""

import csv
import io
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_server.access.served_settings import store_served_settings
from parcimetre_server.base.errors import ParcimetreError
from parcimetre_server.cli import devices, explain, footprint, grid, org, report


@pytest.fixture
def run(fleet, monkeypatch):
    """Run a command on the fleet's data folder; returns what it printed."""
    monkeypatch.setenv("COLUMNS", "200")

    def go(command, *words, lang="C"):
        env = {"LC_ALL": lang, "LANG": lang}
        folder = ["--data-dir", str(fleet.context.settings.data_dir)]
        monkeypatch.setenv("LC_ALL", lang)
        answer = CliRunner().invoke(command, [*words, *folder], env=env, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    return go


def test_footprint_shows_a_table_with_the_total(run):
    text = run(footprint.command, "--group-by", "category")
    assert "Server" in text
    assert "Total" in text
    assert "95 % interval" in text


def test_commands_speak_french_where_the_terminal_does(run):
    text = run(footprint.command, "--group-by", "category", lang="fr_FR.UTF-8")
    assert "Serveur" in text
    assert "Part mesurée" in text


def test_json_of_the_command_is_that_of_the_api(run, reader):
    told = json.loads(
        run(footprint.command, "--group-by", "device", "--from", "2026-11-20", "--to", "2026-11-22", "--json")
    )
    asked = {"from": "2026-11-20", "to": "2026-11-22", "group_by": "device"}
    assert told == reader.get("/v1/footprint", params=asked).json()


def test_commands_tell_days_and_policy_as_the_collector_is_served_with_them(run, fleet, client_of):
    settings = replace(fleet.context.settings, time_zone="Indian/Reunion", amortisation=Policy.ACTIVE_HOUR)
    served = replace(fleet.context, settings=settings)
    store_served_settings(served)
    asked = {"from": "2026-11-20", "to": "2026-11-22", "group_by": "device"}
    answer = client_of(served).get("/v1/footprint", params=asked).json()
    told = json.loads(
        run(footprint.command, "--group-by", "device", "--from", "2026-11-20", "--to", "2026-11-22", "--json")
    )
    assert told == answer
    assert told["amortisation"] == "active_hour"
    run(org.command, "create", "Métropole/Port")
    run(devices.command, "transfer", fleet.laptop, "--to", "Métropole/Port", "--from", "2026-11-20")
    (move,) = fleet.context.store.history("transfer")
    assert move.body["at"] == told["from"]


def test_an_explanation_is_by_the_policy_that_is_served_unless_another_is_asked_for(run, fleet):
    store_served_settings(replace(fleet.context, settings=replace(
        fleet.context.settings, amortisation=Policy.ACTIVE_HOUR)))  # fmt: skip
    policy_of = {
        words: json.loads(run(explain.command, "--device", fleet.laptop, "--json", *words))["amortisation"]
        for words in ((), ("--amortisation", "service_life"))
    }
    assert policy_of == {(): "active_hour", ("--amortisation", "service_life"): "service_life"}


def test_explain_takes_the_beginning_of_an_id(run, fleet):
    assert "footprint of a device" in run(explain.command, "--device", fleet.laptop[:6])
    told = json.loads(run(explain.command, "--device", fleet.laptop, "--json"))
    assert told["term"]["inputs"]


def test_explain_of_an_org_unit_lists_its_devices(run):
    assert "guest-1" in run(explain.command, "--org-unit", "Métropole/Ville")


@pytest.mark.parametrize("days", [("2026-11-22", "2026-11-23"), ("2026-11-15", "2026-11-22")])
@pytest.mark.parametrize("which", ["laptop", "server", "guest"])
def test_what_explain_tells_is_verified_from_its_file_alone(run, fleet, tmp_path, which, days):
    begin, end = days
    device, file = getattr(fleet, which), tmp_path / "explanation.json"
    text = run(explain.command, "--device", device, "--from", begin, "--to", end, "--json")
    file.write_text(text, encoding="utf-8")
    answer = CliRunner().invoke(explain.command, ["--verify", str(file)])
    assert (answer.exit_code, "recomputes" in answer.output) == (0, True), answer.output
    told = json.loads(text)
    file.write_text(json.dumps(told | {"value": told["value"] + 1}), encoding="utf-8")
    assert CliRunner().invoke(explain.command, ["--verify", str(file)]).exit_code == 1


def test_a_market_based_explanation_is_verified_with_the_contracts_of_its_folder(run, fleet, tmp_path):
    run(grid.command.commands["contract"].commands["add"], "--supplier", "S", "--product", "P",
        "--kg-per-kwh", "0.02", "--at-meter", "no", "--evidence", "E", "--from", "2026-11-01")  # fmt: skip
    asked = ("--from", "2026-11-22", "--to", "2026-11-23", "--electricity", "market")
    assert "Market-based" in run(footprint.command, *asked)
    file = tmp_path / "explanation.json"
    file.write_text(run(explain.command, "--device", fleet.laptop, *asked, "--json"), encoding="utf-8")
    assert "recomputes" in run(explain.command, "--verify", str(file))
    assert "supplier's contract 100%" in run(explain.command, "--device", fleet.laptop, *asked)


def test_report_is_written_where_it_is_asked_for(run, tmp_path):
    file = tmp_path / "week.html"
    run(report.command.commands["weekly"], "2026-W47", "--lang", "fr", "--out", str(file))
    assert '<html lang="fr">' in file.read_text(encoding="utf-8")
    assert (
        json.loads(run(report.command.commands["weekly"], "2026-W47", "--format", "json"))["week"]
        == "2026-W47"
    )


def test_explain_needs_to_know_what(fleet):
    answer = CliRunner().invoke(explain.command, ["--data-dir", str(fleet.context.settings.data_dir)])
    assert answer.exit_code == 2
    assert "either --device ID or --org-unit PATH" in answer.output


@pytest.mark.parametrize(
    "command", [footprint.command, explain.command, report.command], ids=lambda c: c.callback.__module__
)
def test_help_shows_examples(command):
    assert "Example" in CliRunner().invoke(command, ["--help"]).output


def test_a_folder_without_store_is_an_expected_error(tmp_path, clock_at):
    answer = CliRunner().invoke(footprint.command, ["--data-dir", str(tmp_path / "nothing")])
    assert isinstance(answer.exception, ParcimetreError)


def test_a_device_is_found_by_its_name_and_by_the_folder_of_the_group(fleet):
    folder = str(fleet.context.settings.data_dir)
    answer = CliRunner().invoke(devices.command, ["--data-dir", folder, "show", "guest-1", "--json"])
    assert json.loads(answer.output)["device"]["id"] == fleet.guest


def test_what_fits_several_devices_or_none_is_refused(fleet):
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    for wanted, told in (("", "there is no device"), ("nobody", "there is no device")):
        answer = CliRunner().invoke(devices.command, ["show", wanted, *folder])
        assert told in str(answer.exception)


def test_the_list_of_devices_speaks_french(run):
    text = run(devices.command, lang="fr_FR.UTF-8")
    assert "Machine virtuelle" in text
    assert "guest-1 [simulé]" in text


def test_footprint_draws_the_course_of_each_group_where_it_is_asked_to(run):
    asked = ("--group-by", "category", "--interval", "day", "--from", "2026-11-16", "--to", "2026-11-23")
    drawn = run(footprint.command, *asked, "--spark")
    plain = run(footprint.command, *asked).splitlines()
    lines = [line for line in drawn.splitlines() if line not in plain]
    assert [line.split(":")[0] for line in lines[::2]] == [
        "Desktop", "Laptop", "Server", "Virtual machine [simulated]",
    ]  # fmt: skip
    assert all(len(line) == 7 and set(line) <= set("▁▂▃▄▅▆▇█ ") for line in lines[1::2])


def test_footprint_in_csv_is_its_rows_in_json(run):
    asked = ("--group-by", "category", "--from", "2026-11-20", "--to", "2026-11-22")
    told = list(csv.DictReader(io.StringIO(run(footprint.command, *asked, "--csv"))))
    rows = json.loads(run(footprint.command, *asked, "--json"))["rows"]
    assert [(one["group"], float(one["value"]), one["unit"]) for one in told] == [
        (row["group"], row["value"], row["unit"]) for row in rows
    ]

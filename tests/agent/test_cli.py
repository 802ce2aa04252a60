"""The command line as users meet it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from parcimetre_agent.configuration.settings import resolve
from parcimetre_agent.recording.slot import SlotRecord
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.recording.spool_opening import open_spool
from parcimetre_agent.report import Report
from pydantic import TypeAdapter

from .. import programs

COMMANDS = ("run", "once", "inventory", "enrol", "status", "show", "doctor")
pytestmark = pytest.mark.slow  # each waits for a process that samples
ROOT = Path(__file__).resolve().parents[2]


def _agent(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return programs.run("parcimetre-agent", *arguments, **environ)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("s3cret")
    return file


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example(command: str) -> None:
    done = _agent(command, "--help")
    assert done.returncode == 0
    assert f"parcimetre-agent {command}" in done.stdout.partition("example:")[2]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_command_is_in_the_handbook(command: str, lang: str) -> None:
    assert f"`{command}" in (ROOT / "docs" / lang / "agent.md").read_text()


def test_once_print_shows_a_valid_report_and_changes_nothing(tmp_path: Path) -> None:
    done = _agent("once", "--print", "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    report = TypeAdapter(Report).validate_json(done.stdout)
    assert report.device_id == "0" * 32
    assert report.slots
    assert report.inventory is not None
    assert not (tmp_path / "data").exists()


def test_once_print_leaves_out_a_spooled_slot_that_contradicts_itself(tmp_path: Path) -> None:
    odd = SlotRecord(0, 7, 0, 0, 0, 0, [], None, [])
    (tmp_path / "data").mkdir(mode=0o700)
    Spool(str(tmp_path / "data")).put([odd], [], None, 900)
    done = _agent("once", "--print", "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert 0 not in {slot["start"] for slot in json.loads(done.stdout)["slots"]}


def test_once_enrols_sends_and_says_so(collector, tmp_path: Path, secret: Path) -> None:
    done = _agent("once", "--server", collector.url, "--secret-file", secret, "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert "accepted 1 records" in done.stdout
    assert [path for path, _, _ in collector.requests] == ["/v1/enrol", "/v1/reports"]


def test_enrol_then_status_names_the_device(collector, tmp_path: Path, secret: Path) -> None:
    data = tmp_path / "data"
    done = _agent("enrol", "--server", collector.url, "--secret-file", secret, "--data-dir", data)
    assert done.returncode == 0, done.stderr
    status = json.loads(_agent("status", "--json", "--data-dir", data).stdout)
    assert status["device_id"] == "d" * 32


def test_doctor_shows_settings_with_origin_and_every_sensor(collector) -> None:
    found = json.loads(_agent("doctor", "--json", PARCIMETRE_AGENT_SERVER=collector.url).stdout)
    assert found["settings"]["server"] == {"value": collector.url, "origin": "environment"}
    assert {"cpu_load", "power.rapl", "inventory.dmi"} <= set(found["sensors"])
    assert found["collector"]["reachable"]


def test_inventory_answers_people_and_machines() -> None:
    assert "processor:" in _agent("inventory").stdout
    assert json.loads(_agent("inventory", "--json").stdout)["cpus"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("run",), 2, "no collector is set; give --server"),
        (
            ("once", "--server", "http://127.0.0.1:9", "--data-dir", "/proc/no"),
            2,
            "choose another folder with --data-dir",
        ),
        (("status", "--data-dir", "/nowhere"), 2, "give its --data-dir"),
        (("doctor", "--upload-period", "soon"), 2, "whole seconds"),
    ],
)
def test_errors_are_one_sentence_with_the_mend(arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = _agent(*arguments)
    assert done.returncode == code
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_secret_ends_run_with_the_collectors_sentence(
    collector, reply_problem, tmp_path: Path, secret: Path
) -> None:
    collector.replies.append(reply_problem(403, "unknown secret; ask your administrator"))
    done = _agent("run", "--server", collector.url, "--secret-file", secret, "--data-dir", tmp_path / "data")
    assert (done.returncode, done.stderr) == (2, "parcimetre-agent: unknown secret; ask your administrator\n")


def test_absent_collector_keeps_the_measurement(tmp_path: Path, secret: Path) -> None:
    data = tmp_path / "data"
    done = _agent("once", "--server", "http://127.0.0.1:9", "--secret-file", secret, "--data-dir", data)
    assert done.returncode == 1
    assert Spool(str(data)).waiting().slots == 1


def test_damaged_spool_is_put_aside_and_work_goes_on(collector, tmp_path: Path, secret: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "spool.sqlite").write_bytes(b"not a database" * 100)
    done = _agent("once", "--server", collector.url, "--secret-file", secret, "--data-dir", data)
    assert done.returncode == 0, done.stderr
    assert (data / "spool.sqlite.damaged").exists()


def test_nobody_else_may_read_what_is_kept(collector, tmp_path: Path, secret: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    _agent("enrol", "--server", collector.url, "--secret-file", secret, "--data-dir", data)
    assert {file.stat().st_mode & 0o077 for file in data.iterdir()} == {0}


@pytest.mark.slow
def test_run_reports_within_seconds_and_writes_the_open_slot_when_stopped(
    collector, tmp_path: Path, secret: Path
) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "parcimetre_agent", "run", "--server", collector.url]
    running = subprocess.Popen([*command, "--secret-file", str(secret), "--data-dir", str(data)])
    deadline = time.monotonic() + 60
    while not collector.bodies("/v1/reports") and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=20) == 0
    (report,) = collector.bodies("/v1/reports")
    assert report["slots"]
    assert report["inventory"]["cpus"]
    assert Spool(str(data)).get("heartbeat") is not None


@pytest.mark.slow
def test_second_agent_on_one_data_folder_is_refused(collector, tmp_path: Path, secret: Path) -> None:
    arguments = ("run", "--server", collector.url, "--secret-file", secret, "--data-dir", tmp_path / "data")
    first = subprocess.Popen([sys.executable, "-m", "parcimetre_agent", *map(str, arguments)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "data" / "resident.lock").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    second = _agent(*arguments)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=20) == 0
    assert (second.returncode, second.stderr.count("\n")) == (2, 1)
    assert "another agent uses" in second.stderr


def test_doctor_tells_people_power_sources_apart_and_how_to_mend_a_denial(collector, tmp_path: Path) -> None:
    done = _agent("doctor", "--server", collector.url)
    assert done.returncode == 0, done.stderr
    _, _, sources = done.stdout.partition("power sources\n")
    named = {line.split()[0] for line in sources.partition("sensors\n")[0].splitlines()}
    assert {"rapl", "battery", "nvml", "hwmon", "acpi_meter", "bmc_ipmi", "bmc_redfish"} <= named
    assert "no data here" in sources


def test_status_shows_what_counts_energy_and_what_measuring_costs(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    spool.remember(power={"rapl": "denied", "battery": "no_data"}, cost=[1.5, 16.2, 7], bytes_sent=900)
    found = json.loads(_agent("status", "--json", "--data-dir", tmp_path).stdout)
    assert (found["power"]["rapl"], found["cpu_s"], found["bytes_sent"]) == ("denied", 1.5, 900)
    assert "power: rapl denied, battery no_data" in _agent("status", "--data-dir", tmp_path).stdout


def test_status_left_for_everybody_is_shown_to_who_may_not_read_the_data_folder(
    collector, tmp_path: Path, secret: Path
) -> None:
    data, public = tmp_path / "data", tmp_path / "run"
    public.mkdir()
    settings = resolve({"server": collector.url, "secret_file": str(secret), "data_dir": str(data)}, {})
    open_spool(settings.data_dir)
    command = [sys.executable, "-m", "parcimetre_agent.sending.courier", settings.to_json()]
    subprocess.run(command, check=True, env={**os.environ, "RUNTIME_DIRECTORY": str(public)})
    assert (public / "status.json").stat().st_mode & 0o777 == 0o644
    done = _agent("status", "--json", "--data-dir", "/nowhere", RUNTIME_DIRECTORY=str(public))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["device_id"] == "d" * 32


def test_show_prints_the_last_report_word_for_word(collector, tmp_path: Path, secret: Path) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        _agent("once", "--server", collector.url, "--secret-file", secret, "--data-dir", data)
    first, last = collector.bodies("/v1/reports")
    assert json.loads(_agent("show", "--last-report", "--data-dir", data).stdout) == last
    shown = json.loads(_agent("show", "--last-inventory", "--data-dir", data).stdout)
    assert shown == first["inventory"]


def test_show_says_how_to_see_what_would_be_sent_before_anything_was(tmp_path: Path) -> None:
    done = _agent("show", "--last-report", "--data-dir", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "once --print" in done.stderr


def test_an_address_without_tls_gets_no_secret_without_the_setting(tmp_path: Path, secret: Path) -> None:
    where = ("--server", "http://192.0.2.1:8787", "--secret-file", secret, "--data-dir", tmp_path / "data")
    for command in ("once", "enrol", "run"):
        done = _agent(command, *where)
        assert done.returncode == 2
        assert "without TLS" in done.stderr
        assert "--allow-http" in done.stderr


def test_doctor_warns_of_an_address_without_tls_even_where_it_is_allowed(tmp_path: Path) -> None:
    where = (
        "--server",
        "http://192.0.2.1:9",
        "--data-dir",
        tmp_path / "data",
        "--proxy",
        "http://127.0.0.1:9",
    )
    plain = _agent("doctor", *where)
    assert "warning: http://192.0.2.1:9 is without TLS" in plain.stdout
    assert "--allow-http" in plain.stdout
    allowed = json.loads(_agent("doctor", *where, "--allow-http", "--json").stdout)
    assert "reverse proxy" in allowed["collector"]["warning"]
    assert allowed["settings"]["allow_http"] == {"value": True, "origin": "command line"}


def test_once_print_shows_the_report_in_the_form_that_is_sent(
    collector, tmp_path: Path, secret: Path
) -> None:
    data = tmp_path / "data"
    secret.write_text("ps_x." + "A" * 43)
    done = _agent("enrol", "--server", collector.url, "--secret-file", secret, "--data-dir", data)
    assert done.returncode == 0, done.stderr
    assert collector.bodies("/v1/enrol")[0]["secret"] == "ps_x"
    report = json.loads(_agent("once", "--print", "--data-dir", data).stdout)
    assert (report["schema"], report["hash_form"]) == (2, "organisation")
    status = json.loads(_agent("status", "--json", "--data-dir", data).stdout)
    assert status["hash_form"] == "organisation"

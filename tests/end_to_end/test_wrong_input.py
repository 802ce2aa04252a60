"""Wrong input: one sentence with its mend, exit code 2 or a problem document, and nothing is lost."""

import sqlite3
import time
from contextlib import closing
from dataclasses import asdict

import httpx
import pytest
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.report import SLOT_S, Report, Slot

NOWHERE = "/proc/parcimetre"


def complaint(done):
    """The one sentence on standard error; exit code 2, no traceback."""
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


def waiting(served):
    """How many slots wait in the agent's spool."""
    return len(Spool(str(served.folder / "agent")).pending(500))


def secret_in(served, text):
    file = served.folder / "other-secret"
    file.write_text(text)
    return file


def test_a_wrong_secret_is_refused_and_what_was_measured_waits_for_the_right_one(served):
    said = complaint(served.once(secret_in(served, "ps_not-a-secret")))
    assert "secret" in said
    assert waiting(served) > 0
    told = served.once(served.secret())
    assert told.returncode == 0, told.stderr
    assert waiting(served) <= 1


def test_a_revoked_secret_is_refused_and_what_was_measured_waits(served, run):
    secret = served.secret()
    listed = run("parcimetre", "enrolment-secret", "list", "--json", "--data-dir", served.data_dir)
    secret_id = listed.stdout.split('"id": "')[1].split('"')[0]
    run("parcimetre", "enrolment-secret", "revoke", secret_id, "--data-dir", served.data_dir)
    assert "revoked" in complaint(served.once(secret))
    assert waiting(served) > 0


def test_a_machine_enrolled_before_its_secret_was_revoked_stays(served, run):
    secret = served.secret()
    assert served.once(secret).returncode == 0
    listed = run("parcimetre", "enrolment-secret", "list", "--json", "--data-dir", served.data_dir)
    secret_id = listed.stdout.split('"id": "')[1].split('"')[0]
    run("parcimetre", "enrolment-secret", "revoke", secret_id, "--data-dir", served.data_dir)
    assert served.once(secret).returncode == 0


@pytest.mark.parametrize(
    ("about", "status", "kind", "mend"),
    [
        ({"schema": 3}, 409, "unknown-schema", "update the older of agent and collector"),
        ({"sent_at": 86_400}, 409, "clock-ahead", "set it"),
        ({"device_id": "e" * 32}, 403, "not-your-device", "enrol again"),
    ],
    ids=["unknown schema", "clock a day ahead", "another's device"],
)
def test_a_report_that_cannot_be_taken_is_a_problem_document_and_changes_nothing(
    served, about, status, kind, mend
):
    enrolled = served.enrol(served.secret(), "1" * 32).json()
    now = int(time.time())
    slot = Slot(now // SLOT_S * SLOT_S - SLOT_S, 0, 0, 0, SLOT_S, 0)
    document = asdict(Report(1, enrolled["device_id"], now, "0.1.0", [slot])) | about
    if "sent_at" in about:
        document["sent_at"] = now + about["sent_at"]
    headers = {"Authorization": f"Bearer {enrolled['credential']}"}
    answer = httpx.post(f"{served.url}/v1/reports", json=document, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{kind}"
    assert mend in answer.json()["detail"]
    right = document | {"schema": 1, "sent_at": now, "device_id": enrolled["device_id"]}
    answer = httpx.post(f"{served.url}/v1/reports", json=right, headers=headers).json()
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)


def test_a_port_in_use_is_named(served, tmp_path, run):
    said = complaint(run("parcimetre", "serve", "--data-dir", tmp_path / "other", "--port", served.port))
    assert str(served.port) in said
    assert "--port" in said


@pytest.mark.parametrize("folder", [f"{NOWHERE}/data", "{file}"], ids=["not allowed", "a file"])
def test_a_data_folder_that_cannot_be_made_is_named(tmp_path, folder, run):
    (tmp_path / "file").write_text("")
    folder = folder.format(file=tmp_path / "file")
    said = complaint(run("parcimetre", "serve", "--data-dir", folder, "--port", "0"))
    assert folder in said
    assert "--data-dir" in said


def test_a_command_on_a_folder_without_store_says_what_to_start(tmp_path, run):
    said = complaint(run("parcimetre", "footprint", "--data-dir", tmp_path / "nothing"))
    assert "parcimetre serve --data-dir" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = ", "not valid TOML"),
        ("prot = 8787", "unknown setting 'prot'"),
        ("port = 'many'", "port"),
        ('time_zone = "Mars/Olympus"', "Mars/Olympus"),
    ],
)
def test_a_damaged_configuration_of_the_collector_is_named(tmp_path, text, says, run):
    file = tmp_path / "parcimetre.toml"
    file.write_text(text)
    done = run("parcimetre", "serve", "--config", file, "--data-dir", tmp_path / "data")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["server = ", "sever = 'x'", "upload_period_s = 'often'"])
def test_a_damaged_configuration_of_the_agent_is_named(tmp_path, text, run):
    file = tmp_path / "agent.toml"
    file.write_text(text)
    said = complaint(run("parcimetre-agent", "once", "--config", file, "--data-dir", tmp_path / "data"))
    assert "agent.toml" in said


def test_an_agent_without_a_usable_folder_or_secret_says_so(tmp_path, run):
    asked = ["--server", "http://127.0.0.1:9", "--secret-file"]
    said = complaint(run("parcimetre-agent", "once", *asked, tmp_path / "s", "--data-dir", NOWHERE))
    assert NOWHERE in said
    said = complaint(run("parcimetre-agent", "once", *asked, tmp_path / "s", "--data-dir", tmp_path / "a"))
    assert str(tmp_path / "s") in said


def garbage(file):
    file.write_bytes(b"this is no database, however long it is" * 500)


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 + 100])


def newer(file):
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version=99")


@pytest.mark.parametrize(
    ("damage", "mend"),
    [(garbage, "backup"), (cut, "backup"), (newer, "newer Parcimètre")],
    ids=["garbage", "cut short", "newer layout"],
)
def test_a_store_that_cannot_be_used_is_left_as_it_is_and_named(served, damage, mend, run):
    assert served.once(served.secret()).returncode == 0
    served.stop()
    file = served.data_dir / "store.sqlite3"
    damage(file)
    before = file.read_bytes()
    said = complaint(run("parcimetre", "serve", "--data-dir", served.data_dir, "--port", "0"))
    assert "store.sqlite3" in said
    assert mend in said
    assert file.read_bytes() == before

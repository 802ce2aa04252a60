"""`parcimetre doctor`: what is in force and from where, and every fault with its mend."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from parcimetre_server.access.credentials import CREDENTIAL_KEY
from parcimetre_server.access.tokens import all_tokens, create_token, revoke_token
from parcimetre_server.cli import doctor
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.reports.publishing import publish
from parcimetre_server.store.records import Fact

from tests.server.access.shaped_provider import running


@pytest.fixture
def examine(fleet):
    """Run the command on the fleet's data folder; findings by what they are about, and the exit code."""

    def go(*words, data_dir=None, **env):
        folder = Path(data_dir or fleet.context.settings.data_dir)
        line = ["--data-dir", str(folder), "--port", "1", "--json", *words]
        answer = CliRunner().invoke(doctor.command, line, env=env, catch_exceptions=False)
        found = json.loads(answer.output)
        assert answer.exit_code == any(one["state"] == "failed" for one in found)
        assert all((one["mend"] is None) == (one["state"] == "ok") for one in found)
        return {one["what"]: one for one in found}

    return go


@pytest.fixture
def well(fleet):
    """The fleet's folder as a careful operator keeps it."""
    context = fleet.context
    CREDENTIAL_KEY.of_folder(context.settings.data_dir)
    create_secret(context, "Métropole/Ville")
    create_token(context, "IT", "admin", None)
    publish(context, "2026-W47")
    context.store.tidy(fleet.now)
    folder = Path(context.settings.data_dir)
    folder.chmod(0o700)
    return folder


def test_of_a_folder_that_is_well_only_the_absent_collector_is_told(examine, well):
    assert {what for what, one in examine().items() if one["state"] != "ok"} == {"collector"}


def test_a_setting_says_where_it_comes_from(examine, well, tmp_path):
    file = tmp_path / "parcimetre.toml"
    file.write_text('organisation = "Ville"\nhost = "127.0.0.2"\n')
    variables = {"PARCIMETRE_SERVE_TIME_ZONE": "Indian/Reunion", "PARCIMETRE_SERVE_SILENT_AFTER_HOURS": "24"}
    found = examine("--config", str(file), "--host", "127.0.0.1", **variables)
    names = ("organisation", "host", "time_zone", "silent_after_hours", "log_format")
    told = {name: found[f"setting {name}"]["told"] for name in names}
    assert told == {
        "organisation": "Ville (file)",
        "host": "127.0.0.1 (command line)",
        "time_zone": "Indian/Reunion (environment)",
        "silent_after_hours": "24 (environment)",
        "log_format": "text (default)",
    }


def test_a_setting_that_cannot_be_obeyed_has_failed(examine, well):
    assert examine("--time-zone", "Paris")["settings"]["state"] == "failed"


LOGIN = """
public_url = "https://intranet.example.org/parcimetre"
[login]
issuer = "{issuer}"
client_id = "parcimetre"
client_secret_file = "{secret}"
groups = {{ it = {{ role = "admin", everything = true }} }}
"""


@pytest.fixture
def with_login(examine, well, tmp_path):
    """Run the command with a login provider in the settings file."""

    def go(provider, secret="of the client"):
        (tmp_path / "secret").write_text(secret) if secret else None
        file = tmp_path / "parcimetre.toml"
        file.write_text(LOGIN.format(issuer=provider.address, secret=tmp_path / "secret"))
        found = examine("--config", str(file))
        return {what: one for what, one in found.items() if what.startswith(("login", "settings"))}

    return go


def test_a_login_provider_is_asked_and_its_unusable_keys_are_named(with_login, clock_at):
    clock_at(int(time.time()))
    with running() as provider:
        provider.keys += [{"kty": "AKP", "kid": "pq"}]
        found = with_login(provider)
        assert {one["state"] for one in found.values()} == {"ok"}
        assert "https://intranet.example.org/parcimetre/login/callback" in found["login provider"]["told"]
        assert "skipped: 'pq': key type 'AKP' is not supported" in found["login keys"]["told"]
        assert "client_secret_basic" in found["login client"]["told"]
        provider.keys = [{"kty": "AKP", "kid": "pq"}]
        assert with_login(provider)["login keys"]["state"] == "failed"


@pytest.mark.parametrize(("ahead_s", "state"), [(90, "warning"), (-600, "failed")])
def test_a_login_providers_clock_is_compared(with_login, clock_at, ahead_s, state):
    clock_at(int(time.time()) - ahead_s)
    with running() as provider:
        found = with_login(provider)["login clock"]
    assert found["state"] == state
    assert "the limit is 120 s" in found["told"]


def test_a_login_provider_that_is_away_or_a_missing_secret_has_failed(with_login):
    with running() as provider:
        assert "cannot read" in with_login(provider, "")["login provider"]["told"]
    assert "cannot be reached" in with_login(provider)["login provider"]["told"]


def damaged(folder):
    shutil.copytree(folder, copy := folder.with_name("copy"))
    with closing(sqlite3.connect(copy / "store.sqlite3")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = (copy / "store.sqlite3").read_bytes()
    (copy / "store.sqlite3").write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    return copy


def without_store(folder):
    shutil.copytree(folder, copy := folder.with_name("copy"))
    (copy / "store.sqlite3").unlink()
    return copy


def newer(folder):
    shutil.copytree(folder, copy := folder.with_name("copy"))
    with closing(sqlite3.connect(copy / "store.sqlite3")) as db:
        db.execute("PRAGMA user_version = 99")
    return copy


@pytest.mark.parametrize("harm", [damaged, without_store, newer])
def test_a_store_that_does_not_serve_has_failed_and_is_left_alone(examine, well, harm):
    folder = harm(well)
    before = {file.name: file.read_bytes() for file in folder.glob("store.sqlite3")}
    assert examine(data_dir=folder)["store"]["state"] == "failed"
    assert {file.name: file.read_bytes() for file in folder.glob("store.sqlite3")} == before


def test_a_missing_folder_has_failed_and_is_not_made(examine, tmp_path):
    assert examine(data_dir=tmp_path / "none")["data folder"]["state"] == "failed"
    assert not (tmp_path / "none").exists()


def test_a_folder_or_key_that_others_may_read_is_told(examine, well):
    well.chmod(0o755)
    (well / "credential.key").chmod(0o644)
    found = examine()
    assert "chmod 700" in found["data folder"]["mend"]
    assert "chmod 600" in found["signing key"]["mend"]


def test_a_truncated_key_has_failed(examine, well):
    (well / "credential.key").write_bytes(b"short")
    assert examine()["signing key"]["state"] == "failed"


def test_slots_from_the_future_put_the_clock_in_doubt(examine, well, clock_at, fleet):
    clock_at(fleet.now - 40 * 86_400)
    assert examine()["clock"]["state"] == "failed"


def test_what_has_waited_too_long_is_a_warning(examine, well, fleet, clock_at):
    create_secret(fleet.context, "Métropole/DSI", expires_at=fleet.now + 5 * 86_400)
    fleet.context.store.append([Fact("grid", "FR/20000", fleet.now - 9 * 86_400, {"slots": {}})])
    fleet.context.store.append([Fact("dead_letter", "x", fleet.now, {"device": "a", "reason": "odd"})])
    found = examine()
    assert found["grid feed"]["state"] == found["refused records"]["state"] == "warning"
    assert len(found["enrolment secrets"]) == 4
    clock_at(fleet.now + 9 * 86_400)
    found = examine()
    assert {found[what]["state"] for what in ("slots", "device-days", "weekly report")} == {"warning"}


def test_another_program_on_the_port_is_no_collector(examine, well):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.handle_request).start()
        found = examine("--port", str(server.server_port))
    assert (found["collector"]["state"], "not a collector" in found["collector"]["told"]) == ("failed", True)


def test_a_person_reads_lines_with_the_mend(well):
    answer = CliRunner().invoke(doctor.command, ["--data-dir", str(well), "--port", "1"])
    assert answer.exit_code == 0
    assert "warning collector: nothing answers on 127.0.0.1 port 1" in answer.output


def test_who_can_read_is_said_with_the_fix(examine, well, fleet):
    found = examine()["readers"]
    assert (found["state"], "a token (1 valid)" in found["told"]) == ("ok", True)
    (token,) = all_tokens(fleet.context.store)
    revoke_token(fleet.context, token.id)
    found = examine()["readers"]
    assert (found["state"], "nobody can read" in found["told"]) == ("warning", True)
    assert "parcimetre token create" in found["mend"]
    found = examine("--trust-this-machine")["readers"]
    assert found["state"] == "warning"
    assert "anyone on this machine reads and administers everything without a login" in found["told"]


def test_names_that_readers_may_use_are_listed(examine, well):
    told = examine("--allowed-hosts", "p.example.org")["host names"]["told"]
    assert "localhost" in told
    assert "p.example.org" in told
    assert examine("--allowed-hosts", "https://p")["settings"]["state"] == "failed"


@pytest.mark.parametrize("way", ["option", "file", "environment"])
def test_settings_of_earlier_versions_are_named_and_change_nothing(examine, well, tmp_path, way):
    file = tmp_path / "old.toml"
    file.write_text("read_from_network = true\nrequire-login = true\n", "utf-8")
    words, variables = (), {}
    if way == "option":
        words = ("--read-from-network", "--require-login")
    elif way == "file":
        words = ("--config", str(file))
    else:
        variables = {"PARCIMETRE_SERVE_READ_FROM_NETWORK": "1", "PARCIMETRE_SERVE_REQUIRE_LOGIN": "true"}
    found = examine(*words, **variables)
    for name in ("read_from_network", "require_login"):
        assert found[f"setting {name}"]["told"].startswith("has no effect any more: ")
        assert found[f"setting {name}"]["mend"] == "remove it"

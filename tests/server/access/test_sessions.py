"""Sessions: signed with a key of their own, ended on the server, and no longer than what opened them."""

import hashlib
import stat
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest
from click.testing import CliRunner
from itsdangerous import URLSafeTimedSerializer
from parcimetre_server.access import ended_sessions, sessions
from parcimetre_server.access.key_files import KeyUnusable
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.tokens import all_tokens
from parcimetre_server.base.scope import Scope
from parcimetre_server.cli import parcimetre
from parcimetre_server.configuration.login_settings import login_settings
from parcimetre_server.operations.jobs import _tidy
from parcimetre_server.organisation.audit import entries
from starlette.responses import Response

COOKIE = "parcimetre_session"
A = "Métropole/Aubeclair"
HTML = {"accept": "text/html"}


@pytest.fixture
def logged_in(asking, communes):
    """Make a browser with a session of the admin's token, where nothing of the store is remembered."""

    def make():
        reader = asking()
        at_once(reader.app)
        answer = reader.post("/login", data={"token": communes.tokens["admin"], "next": "/"})
        assert answer.status_code == 303
        return reader

    return make


def at_once(app):
    """Let an app see within no time what other processes state, instead of within seconds."""
    known = app.state.sessions
    known._refresh_s = known._ended.refresh_s = app.state.tokens.refresh_s = 0.0


def status_with(reader, cookie):
    """What a copy of a session's cookie gives access to."""
    reader.cookies = httpx.Cookies({COOKIE: cookie})
    return reader.get("/v1/devices").status_code


def signed(key, about):
    """A session's cookie, signed as the collector signs it."""
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(key, salt="parcimetre/session", signer_kwargs=how).dumps(about)


def about_session(communes, **about):
    """What a session of the admin's token says."""
    (token,) = [token for token in all_tokens(communes.context.store) if token.role == "admin"]
    now = communes.context.now()
    return {"token": token.id, "id": "x", "opened_at": now, "scope": [A, "admin"], **about}


def command(communes, *words):
    """Run a command on the data folder, as another process would."""
    done = CliRunner().invoke(parcimetre, [*words, "--data-dir", str(communes.settings.data_dir)])
    assert done.exit_code == 0, done.output
    return done


def test_the_key_of_devices_signs_no_session(logged_in, communes):
    reader = logged_in()
    folder = communes.settings.data_dir
    stolen = (folder / "credential.key").read_bytes()
    command(communes, "credential-key", "rotate")
    for key in (stolen, (folder / "credential.key").read_bytes()):
        assert status_with(reader, signed(key, about_session(communes))) == 401
    assert status_with(reader, signed((folder / "session.key").read_bytes(), about_session(communes))) == 200


def test_a_rotation_ends_sessions_and_forgery_without_a_restart(logged_in, communes):
    reader = logged_in()
    file = communes.settings.data_dir / "session.key"
    stolen, devices = file.read_bytes(), (communes.settings.data_dir / "credential.key").read_bytes()
    command(communes, "session-key", "rotate", "--json")
    assert status_with(reader, reader.cookies[COOKIE]) == 401
    assert status_with(reader, signed(stolen, about_session(communes))) == 401
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (communes.settings.data_dir / "credential.key").read_bytes() == devices
    assert entries(communes.context.store)[-1].act == "session key rotated"
    assert logged_in().get("/v1/devices").status_code == 200


def test_a_copy_of_the_cookie_is_worth_nothing_after_log_out(logged_in):
    reader, other = logged_in(), logged_in()
    copy = reader.cookies[COOKIE]
    assert reader.post("/logout").status_code == 303
    assert status_with(reader, copy) == 401
    assert other.get("/v1/devices").status_code == 200, "another session of the same token goes on"


def test_log_out_counts_for_other_collectors_and_after_a_restart(logged_in, communes, client_of):
    reader = logged_in()
    copy = reader.cookies[COOKIE]
    context = open_context(communes.settings)
    other = client_of(context)
    at_once(other.app)
    assert status_with(other, copy) == 200
    reader.post("/logout")
    assert status_with(other, copy) == 401
    context.store.close()
    restarted = open_context(communes.settings)
    assert status_with(client_of(restarted), copy) == 401
    restarted.store.close()


def test_log_out_without_a_session_stores_nothing(logged_in, communes):
    reader = logged_in()
    for cookie in ("", "forged", signed(b"k" * 32, about_session(communes))):
        reader.cookies = httpx.Cookies({COOKIE: cookie})
        assert reader.post("/logout").status_code == 303
    assert communes.context.store.latest("ended_session") == {}


def test_a_session_expires_after_twelve_hours(logged_in, clock_at, communes):
    reader = logged_in()
    clock_at(communes.context.now() + 12 * 3600 - 1)
    assert reader.get("/v1/devices").status_code == 200
    clock_at(communes.context.now() + 1)
    assert reader.get("/v1/devices").status_code == 401


def test_a_session_ends_with_the_role_that_it_was_opened_with(communes, asking):
    table = {"issuer": "https://id.example", "client_id": "c", "public_url": "https://p.example"}
    provider = {
        role: login_settings({**table, "groups": {"it": {"role": role, "org_unit": A}}})
        for role in ("admin", "viewer")
    }
    reader = asking(login=provider["admin"])
    answer = Response()
    request = SimpleNamespace(headers={}, url=SimpleNamespace(scheme="https"))
    reader.app.state.sessions.open(answer, request, {"group": "it", "name": "ada"}, Scope(A, "admin"))
    cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert status_with(reader, cookie) == 200
    assert status_with(asking(login=provider["viewer"]), cookie) == 401
    assert "ada" not in str(communes.context.store.history("ended_session"))


def test_ended_sessions_are_bounded_and_forgotten_once_they_have_expired(
    logged_in, communes, clock_at, monkeypatch
):
    monkeypatch.setattr(ended_sessions, "MOST_OF_A_HOLDER", 2)
    copies = []
    for _ in range(5):
        reader = logged_in()
        copies.append(reader.cookies[COOKIE])
        reader.post("/logout")
        clock_at(communes.context.now() + 60)
    store = communes.context.store
    assert len(store.latest("ended_session")) == 3
    assert [status_with(reader, copy) for copy in copies] == [401] * 5
    assert logged_in().get("/v1/devices").status_code == 200
    clock_at(communes.context.now() + sessions.LIFETIME_S)
    assert _tidy(communes.context)
    assert store.latest("ended_session") == {}


def test_a_collector_without_the_sessions_key_serves_agents_and_tokens(asking, communes):
    reader, folder = asking(), communes.settings.data_dir
    at_once(reader.app)
    (folder / "session.key").write_bytes(b"short")
    assert reader.get("/healthz").status_code == 200
    assert asking("admin").get("/v1/devices").status_code == 200
    refused = reader.post("/v1/reports", json={}).json()
    assert refused["type"] == "/problems/bad-credential"
    answer = reader.get("/login", headers=HTML)
    assert answer.status_code == 503
    assert "session.key is damaged" in answer.json()["detail"]


def test_collectors_of_a_shared_store_need_the_same_key(communes, tmp_path):
    shared = replace(communes.context, store=Shared(communes.context.store))
    key = sessions.SESSION_KEY.in_force(shared.store, communes.settings.data_dir)
    (tmp_path / "other").mkdir()
    with pytest.raises(KeyUnusable, match=r"has no session\.key, .* copy session\.key"):
        sessions.SESSION_KEY.in_force(shared.store, tmp_path / "other")
    (tmp_path / "other" / "session.key").write_bytes(b"x" * 32)
    with pytest.raises(KeyUnusable, match="differs from the key of the store's other collectors"):
        sessions.SESSION_KEY.in_force(shared.store, tmp_path / "other")
    elsewhere = replace(shared, settings=replace(shared.settings, data_dir=tmp_path / "other"))
    sessions.rotate(elsewhere)
    assert sessions.SESSION_KEY.in_force(shared.store, tmp_path / "other") not in (key, b"x" * 32)
    with pytest.raises(KeyUnusable, match="differs"):
        sessions.SESSION_KEY.in_force(shared.store, communes.settings.data_dir)


class Shared:
    """A store that says that other collectors write to it too."""

    shared = True

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

"""Tokens: shown once, kept as a hash, refused with the reason; roles and doors."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_server.access import tokens
from parcimetre_server.access.served_settings import open_as_served
from parcimetre_server.access.tokens import BadToken, BadTokenName, Tokens, create_token, revoke_token
from parcimetre_server.base.scope import Scope
from parcimetre_server.cli import parcimetre
from parcimetre_server.organisation.audit import entries

A = "Métropole/Aubeclair"
NETWORK = "192.0.2.7"


def test_what_is_kept_of_a_token_does_not_give_it_away(communes):
    for text in communes.tokens.values():
        kept = json.dumps([dict(fact.body) for fact in communes.context.store.history("token")])
        assert text.startswith("pt_")
        assert text not in kept
        assert text.removeprefix("pt_") not in kept


@pytest.mark.parametrize(
    "authorization", ["Bearer pt_nobody", "Bearer ", "Bearer", "Basic YTpi", "pt_x", "Bearer é"]
)
def test_a_wrong_token_is_a_problem_even_on_the_collectors_own_machine(asking, authorization):
    reader = asking(trust_this_machine=True)
    answer = reader.get("/v1/footprint", headers={"authorization": authorization.encode()})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "token" in answer.json()["detail"]


def test_an_expired_token_lets_nobody_in(communes, asking, clock_at):
    now = communes.context.now()
    _, text = create_token(communes.context, "short", "admin", A, now + 60)
    assert asking(token=text).get("/v1/devices").status_code == 200
    clock_at(now + 60)
    answer = asking(token=text).get("/v1/devices")
    assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)


def test_a_revocation_by_another_process_is_seen_at_the_next_look(communes):
    token, text = create_token(communes.context, "gone", "admin", A)
    known = Tokens(communes.context, refresh_s=0.0)
    assert known.of_text(text).scope == Scope(A, "admin")
    other = open_as_served(communes.settings.data_dir)
    revoke_token(other, token.id)
    other.store.close()
    with pytest.raises(BadToken, match="revoked"):
        known.of_text(text)
    with pytest.raises(BadToken, match="revoked"):
        known.of_id(token.id)


def test_a_token_made_by_another_process_works_at_once(communes):
    known = Tokens(communes.context)
    known.of_text(communes.tokens["admin"])
    _, text = create_token(communes.context, "fresh", "viewer", A)
    assert known.of_text(text).name == "fresh"


def test_the_day_of_last_use_is_kept_and_never_undoes_a_revocation(communes, clock_at):
    token, text = create_token(communes.context, "used", "admin", A)
    known, now = Tokens(communes.context), communes.context.now()
    known.of_text(text)
    assert tokens.last_use_days(communes.context.store)[token.id] == now // 86_400 * 86_400
    revoke_token(communes.context, token.id)
    clock_at(now + 86_400)
    known.of_text(text)
    (after,) = [found for found in tokens.all_tokens(communes.context.store) if found.id == token.id]
    assert after.revoked_at is not None


@pytest.mark.parametrize(("name", "unit"), [("", A), ("x" * 101, A), ("x", "Métropole/Nowhere")])
def test_a_token_needs_a_name_and_an_org_unit_that_exists(communes, name, unit):
    with pytest.raises(BadTokenName):
        create_token(communes.context, name, "admin", unit)


def test_a_role_that_does_not_suffice_is_told_which_one_does(asking):
    answer = asking("viewer").get("/v1/devices")
    assert answer.status_code == 403
    assert "needs the role analyst; yours is viewer" in answer.json()["detail"]


def test_from_the_network_nobody_reads_without_a_token(asking):
    for settings in ({}, {"trust_this_machine": True}):
        assert asking(address=NETWORK, **settings).get("/v1/footprint").status_code == 401
        assert asking("viewer", address=NETWORK, **settings).get("/v1/footprint").status_code == 200


def invoke(communes, *words):
    run = CliRunner().invoke(parcimetre, ["token", *words, "--data-dir", str(communes.settings.data_dir)])
    return run, run.stdout


def test_the_command_creates_lists_and_revokes(communes, asking):
    _, out = invoke(communes, "create", "--name", "IT", "--role", "admin", "--org-unit", A, "--json")
    made = json.loads(out)
    assert asking(token=made["token"]).get("/v1/devices").status_code == 200
    _, out = invoke(communes, "list", "--json")
    (row,) = [row for row in json.loads(out) if row["id"] == made["id"]]
    assert (row["state"], row["role"], row["org_unit"]) == ("valid", "admin", A)
    assert row["last_used"] == "2026-11-24"
    assert made["token"] not in out
    _, out = invoke(communes, "revoke", made["id"], "--json")
    assert json.loads(out)["state"] == "revoked"
    assert asking(token=made["token"], organisation="fresh").get("/v1/devices").status_code == 401


@pytest.mark.parametrize("where", [[], ["--org-unit", A, "--everything"]])
def test_nobody_sees_everything_by_an_oversight(communes, where):
    run, _ = invoke(communes, "create", "--name", "IT", "--role", "admin", *where)
    assert run.exit_code == 2
    assert "either --org-unit PATH or --everything" in run.stderr


def test_the_audit_log_tells_of_tokens_without_what_lets_anybody_in(communes):
    token, text = create_token(communes.context, "Grafana", "viewer", A)
    revoke_token(communes.context, token.id)
    told = entries(communes.context.store, token.id)
    assert [entry.act for entry in told] == ["token created", "token revoked"]
    assert told[0].after["name"] == "Grafana"
    assert not {text, token.hash} & {str(value) for entry in told for value in entry.after.values()}

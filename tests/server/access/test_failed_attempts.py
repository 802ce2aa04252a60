"""Failures of an address are limited, and what is right is answered all the same."""

import gzip
import json

import pytest
from parcimetre_server.access.failed_attempts import BURST, FailedAttempts, TooManyFailures
from parcimetre_server.access.tokens import create_token
from parcimetre_server.configuration.settings import networks_of
from parcimetre_server.fleet.enrolment import BadSecret, KnownSecrets, create_secret, revoke_secret
from parcimetre_server.web.api import enrol
from parcimetre_server.web.client_address import client_address

MACHINE = {
    "schema": 1,
    "hardware": {"install_id": "1" * 32, "virtual": "none", "fingerprint": "f" * 64},
    "category": "laptop",
    "agent_version": "0.1.0",
}
ENOUGH = BURST + 50


@pytest.fixture
def client(empty, client_of):
    """A client of a collector nobody has reported to."""
    return client_of(empty)


def wrong_secrets(client, number, secret="ps_wrong"):
    """The statuses of enrolments with that secret."""
    return [client.post("/v1/enrol", json=MACHINE | {"secret": secret}).status_code for _ in range(number)]


def test_wrong_secrets_are_limited_and_a_right_one_enrols(empty, client):
    _, secret = create_secret(empty, "Ville")
    statuses = wrong_secrets(client, ENOUGH)
    assert statuses[:BURST] == [403] * BURST
    assert 429 in statuses
    refused = client.post("/v1/enrol", json=MACHINE | {"secret": "ps_wrong"})
    assert refused.json()["type"] == "/problems/too-many-failures"
    assert int(refused.headers["retry-after"]) >= 1
    assert client.post("/v1/enrol", json=MACHINE | {"secret": secret}).status_code == 200


def test_agents_with_a_revoked_secret_keep_no_neighbour_out(empty, client):
    revoked, old = create_secret(empty, "Ville")
    revoke_secret(empty, revoked.id)
    _, secret = create_secret(empty, "Ville")
    told = client.post("/v1/enrol", json=MACHINE | {"secret": secret}).json()
    assert 429 in wrong_secrets(client, ENOUGH, old)
    report = {
        "schema": 1, "device_id": told["device_id"], "sent_at": empty.now(), "agent_version": "0.1.0",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {told['credential']}"}
    assert client.post("/v1/reports", json=report, headers=headers).status_code == 200


def test_wrong_credentials_tokens_and_logins_share_the_limit_and_right_ones_are_answered(empty, client):
    _, token = create_token(empty, "dashboard", "analyst", None)
    wrong = {"Authorization": "Bearer wrong"}
    asked = [
        lambda: client.post("/v1/reports", json={}, headers=wrong),
        lambda: client.get("/v1/devices", headers=wrong),
        lambda: client.post("/login", data={"token": "pt_wrong"}),
    ]
    statuses = [asked[i % 3]().status_code for i in range(ENOUGH)]
    assert statuses[:BURST] == [401] * BURST
    assert 429 in statuses
    right = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/devices", headers=right).status_code == 200
    assert client.post("/login", data={"token": token}, follow_redirects=False).status_code == 303


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("path", ["/v1/enrol", "/login"])
def test_what_anyone_may_send_is_short(client, path, encoding):
    body = json.dumps(MACHINE | {"secret": "ps_wrong", "more": "x" * 17_000}).encode()
    headers = {"Content-Encoding": encoding} if encoding else {}
    answer = client.post(path, content=gzip.compress(body) if encoding else body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_an_unknown_schema_is_said_before_anything_else(client):
    answer = client.post("/v1/enrol", json={"schema": 99, "secret": 7, "more": [1] * 3000})
    assert answer.json()["type"] == "/problems/unknown-schema"


def test_repeated_keys_and_many_errors_are_answered_shortly(empty, client):
    _, secret = create_secret(empty, "Ville")
    fields = json.dumps(MACHINE | {"secret": secret})[1:-1]
    repeated = "{" + '"category":"pdu",' * 500 + fields + "}"
    assert client.post("/v1/enrol", content=repeated).status_code == 200
    unknown = "{" + ",".join(f'"u{i}":1' for i in range(1000)) + "," + fields + "}"
    answer = client.post("/v1/enrol", content=unknown)
    assert answer.status_code == 422
    assert len(answer.text) < 1000


def test_memory_is_bounded_and_addresses_beyond_it_share_a_bucket():
    failures = FailedAttempts(burst=2, per_s=0.001, most_addresses=10)
    for i in range(10):
        failures.count(f"10.0.0.{i}")
    failures.count("10.1.0.1")
    failures.count("10.1.0.2")
    with pytest.raises(TooManyFailures):
        failures.count("10.1.0.3")
    failures.count("10.0.0.1")
    assert len(failures._buckets) == 11


def test_an_ipv6_network_is_one_address_and_a_mapped_one_is_ipv4():
    failures = FailedAttempts(burst=1, per_s=0.001)
    failures.count("2001:db8::1")
    failures.count("2001:db8:0:1::1")
    failures.count("192.0.2.1")
    for again in ("2001:db8::2", "::ffff:192.0.2.1"):
        with pytest.raises(TooManyFailures):
            failures.count(again)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        ("", "203.0.113.9", "10.0.0.2"),
        ("10.0.0.0/24", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/24", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/24", "203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.0/24", "", "10.0.0.2"),
        ("10.9.0.1", "203.0.113.9", "10.0.0.2"),
    ],
)
def test_only_a_declared_proxy_names_the_client(proxies, forwarded, expected):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"client": ("10.0.0.2", 1), "headers": headers}
    assert client_address(scope, networks_of(proxies)) == expected


def test_secrets_are_known_without_asking_a_shared_store_for_each(empty, client, monkeypatch):
    _, secret = create_secret(empty, "Ville")
    assert 429 in wrong_secrets(client, ENOUGH)
    known = KnownSecrets(empty.store)
    assert known.has(secret)
    assert not known.has("ps_wrong")
    monkeypatch.setattr(type(empty.store), "shared", True)
    asked = []
    monkeypatch.setattr(enrol, "check_secret", lambda *about: asked.append(about))
    client.app.state.enrol._check_secret(secret, "127.0.0.1")
    with pytest.raises(BadSecret):
        client.app.state.enrol._check_secret("ps_wrong", "127.0.0.1")
    assert len(asked) == 1

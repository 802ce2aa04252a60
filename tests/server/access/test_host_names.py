"""Names by which readers address the collector, and who is this very machine: nobody else is trusted."""

import socket

import pytest
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.configuration.login_settings import login_settings
from parcimetre_server.configuration.settings import host_names_of

EVIL = {"host": "evil.example"}
READING = ("/", "/login", "/metrics", "/v1/devices", "/openapi.json", "/static/parcimetre.css")
LOGIN = {
    "issuer": "https://id.example",
    "client_id": "c",
    "public_url": "https://Parcimetre.example.org:8443",
    "groups": {"it": {"role": "admin", "everything": True}},
}


def status(reader, host, path="/v1/devices"):
    return reader.get(path, headers={"host": host}).status_code


@pytest.mark.parametrize("path", READING)
def test_a_name_of_another_site_is_refused_whoever_asks(asking, path):
    for reader in (asking("admin"), asking(trust_this_machine=True), asking("admin", address="192.0.2.7")):
        answer = reader.get(path, headers=EVIL)
        assert answer.status_code == 421
        assert answer.json()["type"] == "/problems/unknown-host"
        assert "allowed_hosts" in answer.json()["detail"]


def test_a_token_is_not_accepted_at_a_name_of_another_site(asking, communes):
    sent = {"token": communes.tokens["admin"], "next": "/"}
    answer = asking().post("/login", data=sent, headers=EVIL)
    assert (answer.status_code, "set-cookie" in answer.headers) == (421, False)


@pytest.mark.parametrize("host", ["evil.example", "", "a b", "[::1"])
def test_agents_and_health_checks_are_answered_at_any_name(asking, host):
    reader = asking(address="192.0.2.7")
    about = {"headers": {"host": host}}
    assert reader.get("/healthz", **about).status_code == 200
    assert reader.get("/readyz", **about).status_code == 200
    assert reader.post("/v1/enrol", json={}, **about).json()["type"] != "/problems/unknown-host"
    assert reader.post("/v1/reports", json={}, **about).json()["type"] == "/problems/bad-credential"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8787", "192.0.2.9", "[::1]:8787", "[2001:db8::1]", "localhost", "LOCALHOST.:80",
        socket.gethostname(), f"{socket.gethostname()}:8787",
    ],
)  # fmt: skip
def test_addresses_and_the_machines_own_names_are_answered(asking, host):
    assert status(asking("admin"), host) == 200


def test_the_public_address_and_the_listed_names_are_answered_and_no_other(asking):
    listed = asking("admin", allowed_hosts=host_names_of("A.example, bücher.example."))
    assert [status(listed, host) for host in ("a.example", "a.example:1", "b.a.example")] == [200, 200, 421]
    assert status(listed, "xn--bcher-kva.example") == 200
    public = asking("admin", login=login_settings(LOGIN))
    assert [status(public, host) for host in ("parcimetre.example.org:8443", "example.org")] == [200, 421]


@pytest.mark.parametrize("host", ["", ":8787", "a b", "[::1", "user@127.0.0.1", "127.0.0.1/x", "\x01"])
def test_a_host_that_is_not_one_is_a_bad_request(asking, host):
    assert status(asking("admin"), host) == 400


@pytest.mark.parametrize("name", ["https://a.example", "a.example:443", "*", "*.example", "a b", "a..b"])
def test_a_list_with_what_is_no_name_is_refused_with_the_fix(name):
    with pytest.raises(BadSetting, match=r"allowed_hosts: .* is not a host name\. Give names like"):
        host_names_of(f"good.example, {name}")


@pytest.mark.parametrize("header", [
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via",
])  # fmt: skip
def test_whoever_a_proxy_brings_is_not_this_machine(asking, header):
    reader = asking(trust_this_machine=True)
    assert reader.get("/v1/devices").status_code == 200
    assert reader.get("/v1/devices", headers={header: "192.0.2.7"}).status_code == 401


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "192.0.2.7", "x"])
def test_without_the_option_nobody_is_trusted_for_their_address(asking, address):
    reader = asking(address=address)
    assert reader.get("/v1/devices").status_code == 401
    assert reader.get("/", headers={"accept": "text/html"}).headers["location"] == "/login?next=%2F"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", 200), ("127.9.9.9", 200), ("::1", 200), ("::ffff:127.0.0.1", 200),
        ("192.0.2.7", 401), ("::ffff:192.0.2.7", 401), ("fe80::1", 401), ("x", 401),
    ],
)  # fmt: skip
def test_with_the_option_only_this_machine_is_trusted(asking, address, expected):
    assert asking(trust_this_machine=True, address=address).get("/v1/devices").status_code == expected


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost:8787", 200), ("[::1]", 200), ("192.0.2.9", 401), ("a.example", 401)]
)
def test_with_the_option_only_the_machines_own_address_is_trusted(asking, host, expected):
    reader = asking(trust_this_machine=True, allowed_hosts=("a.example",))
    assert status(reader, host) == expected


@pytest.mark.parametrize(
    ("site", "mode", "expected"),
    [
        ("none", "navigate", 200), ("same-origin", "cors", 200), ("cross-site", "navigate", 200),
        ("cross-site", "no-cors", 401), ("same-site", "no-cors", 401),
    ],
)  # fmt: skip
def test_with_the_option_other_sites_pages_get_nothing(asking, site, mode, expected):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    assert asking(trust_this_machine=True).get("/v1/devices", headers=headers).status_code == expected

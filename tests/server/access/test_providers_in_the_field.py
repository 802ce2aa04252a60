"""Login with providers as they are in the field: odd keys, claims elsewhere or of odd types, clocks, clients.

Shapes of Keycloak and Entra ID are as their documentation and their public documents have them:
https://www.keycloak.org/docs/latest/server_admin/ and /securing-apps/oidc-layers,
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference and
https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration.
"""

import logging
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from parcimetre_server.configuration.login_settings import login_settings

from tests.server.access.shaped_provider import (
    DROPPED,
    OTHER,
    SIGNING,
    SUBJECT,
    callback_of,
    running,
    signed,
)

A = "Métropole/Aubeclair"
HTML = {"accept": "text/html"}
PUBLIC = "http://127.0.0.1:8787"
BASIC, POST = "client_secret_basic", "client_secret_post"
IT = {"role": "admin", "org_unit": A}
PUBLIC_KEY = SIGNING.as_dict(private=False)
ODD_KEYS = {
    "for encryption, as Keycloak's": {**PUBLIC_KEY, "kid": "enc", "use": "enc", "alg": "RSA-OAEP"},
    "for encryption, of the same id": {**PUBLIC_KEY, "use": "enc", "alg": "RSA-OAEP"},
    "with a point off its curve": {"kty": "EC", "crv": "secp256k1", "kid": "w", "x": "AA", "y": "AA"},
    "of an unknown curve": {"kty": "EC", "crv": "BP-256", "kid": "b", "x": "AA", "y": "AA"},
    "of an unknown type": {"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "pub": "AAAA", "use": "sig"},
    "symmetric": {"kty": "oct", "k": "AAAA", "kid": "o"},
    "of Ed448": {"kty": "OKP", "crv": "Ed448", "kid": "e", "x": "X9dEm1m0Yf0s54fsYWrUah2hNCSF"},
    "too short": {"kty": "RSA", "kid": "s", "n": "AQAB", "e": "AQAB"},
    "with an id that is a number": {**PUBLIC_KEY, "kid": 7},
    "with a list as type": {**PUBLIC_KEY, "kid": "l", "kty": ["RSA"]},
    "with a list as algorithm": {**PUBLIC_KEY, "kid": "l", "alg": ["RS256"]},
    "with a number as modulus": {**PUBLIC_KEY, "kid": "m", "n": 65537},
    "with other operations": {**PUBLIC_KEY, "kid": "k", "key_ops": ["encrypt"]},
    "an empty object": {},
    "a text": "key",
    "null": None,
}  # fmt: skip


@pytest.fixture
def provider():
    """A provider to be shaped."""
    with running() as provider:
        yield provider


@pytest.fixture
def browser_of(asking, provider, clock_at, tmp_path):
    """Make a browser at a collector that knows the provider, with settings of its table [login]."""
    clock_at(int(time.time()))
    secret = tmp_path / "client-secret"
    secret.write_text("of the client\n")

    def make(**table):
        about = {"issuer": provider.metadata["issuer"], "client_id": "parcimetre", "public_url": PUBLIC}
        groups = {"it-aubeclair": IT, "/it/aubeclair": IT, "42": IT}
        return asking(
            login=login_settings(about | {"groups": groups, "client_secret_file": str(secret)} | table)
        )

    return make


def log_in(browser):
    """The collector's answer to a browser that went to the provider and came back."""
    begun = browser.get("/login/oidc")
    if begun.status_code != 303:
        return begun
    return browser.get(callback_of(begun.headers["location"]).removeprefix(PUBLIC))


def is_in(browser, answer):
    """Whether a login worked, and its session as well."""
    return answer.status_code == 303 and browser.get("/v1/devices").status_code == 200


def text_of(answer, status=403):
    """The page of a login that was refused in a sentence."""
    assert answer.status_code == status
    assert "not logged in" in answer.text
    return answer.text


@pytest.mark.parametrize("name", ODD_KEYS)
def test_a_key_that_is_not_usable_is_skipped(browser_of, provider, name):
    provider.keys = [ODD_KEYS[name], PUBLIC_KEY]
    browser = browser_of()
    assert is_in(browser, log_in(browser))


def test_no_usable_key_is_a_sentence_and_the_log_names_the_keys(browser_of, provider, caplog):
    provider.keys = list(ODD_KEYS.values())
    assert "cannot verify" in text_of(log_in(browser_of()))
    assert "'pq': key type 'AKP' is not supported" in caplog.text
    assert "'enc': for use 'enc'" in caplog.text


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048), "PS512"),
        (ECKey.generate_key("P-256"), "ES256"),
        (ECKey.generate_key("P-521"), "ES512"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
)
def test_tokens_without_a_key_id_are_verified_by_whichever_key_signed(browser_of, provider, key, algorithm):
    provider.key, provider.header = key, {"alg": algorithm}
    provider.keys = [OTHER.as_dict(private=False), key.as_dict(private=False), PUBLIC_KEY]
    browser = browser_of()
    assert is_in(browser, log_in(browser))


@pytest.mark.parametrize(
    ("key", "header"),
    [
        (OTHER, {"alg": "RS256", "kid": "signing"}),
        (OTHER, {"alg": "RS256", "kid": "unknown"}),
        (OTHER, {"alg": "RS256"}),
        (SIGNING, {"alg": "RS256", "kid": "signing", "crit": ["vendor"], "vendor": 1}),
        (OctKey.import_key("a secret of thirty-two characters"), {"alg": "HS256"}),
    ],
)
def test_a_token_that_none_of_the_keys_signed_is_refused(browser_of, provider, key, header):
    provider.key, provider.header = key, header
    assert "cannot verify" in text_of(log_in(browser_of()))


def test_headers_that_are_not_known_are_ignored(browser_of, provider):
    certificate = "MII" + "A" * 900
    provider.header = {**provider.header, "typ": "JWT", "x5c": [certificate], "x5t#S256": "abc", "vendor": 1}
    browser = browser_of()
    assert is_in(browser, log_in(browser))


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("given", [DROPPED, None, []])
def test_groups_of_userinfo_count_where_the_id_token_has_none(browser_of, provider, given, is_signed):
    claims = {"sub": SUBJECT, "groups": ["it-aubeclair"], "preferred_username": "ada.lovelace"}
    provider.userinfo = signed(claims | {"aud": "parcimetre"}) if is_signed else claims
    provider.claims = {"groups": given}
    browser = browser_of()
    assert is_in(browser, log_in(browser))
    assert "ada.lovelace" in browser.get("/?lang=en", headers=HTML).text


@pytest.mark.parametrize(
    "userinfo",
    [
        {"sub": "another", "groups": ["it-aubeclair"]},
        {"groups": ["it-aubeclair"]},
        signed({"sub": SUBJECT, "groups": ["it-aubeclair"]}, OTHER),
        signed({"sub": SUBJECT, "groups": ["it-aubeclair"], "aud": "others"}),
        signed({"sub": SUBJECT, "groups": ["it-aubeclair"], "iss": "https://others.example"}),
    ],
)
def test_userinfo_of_another_person_or_party_is_refused(browser_of, provider, userinfo):
    provider.claims, provider.userinfo = {}, userinfo
    text_of(log_in(browser_of()))


def test_userinfo_that_fails_matters_only_for_groups(browser_of, provider):
    provider.userinfo_status, provider.claims = 503, {"groups": ["it-aubeclair"]}
    browser = browser_of()
    assert is_in(browser, log_in(browser))
    provider.claims = {}
    assert "did not answer correctly" in text_of(log_in(browser_of()), 502)


def test_a_claim_that_is_nowhere_is_a_sentence_and_the_log_names_it(browser_of, provider, caplog):
    provider.claims = {"preferred_username": "ada"}
    assert "sent no groups" in text_of(log_in(browser_of()))
    assert "claim 'groups' is neither in the ID token nor in userinfo" in caplog.text


@pytest.mark.parametrize(
    ("stated", "accepted", "used"),
    [
        ([BASIC], [BASIC], [BASIC]),
        ([POST], [POST], [POST]),
        (None, [BASIC], [BASIC]),
        ([POST, BASIC], [POST], [BASIC, POST]),
    ],
)
def test_the_client_authenticates_as_the_provider_accepts_it(browser_of, provider, stated, accepted, used):
    provider.metadata |= {} if stated is None else {"token_endpoint_auth_methods_supported": stated}
    provider.accepted_methods = accepted
    browser = browser_of()
    assert is_in(browser, log_in(browser))
    assert provider.clients == [(method, "parcimetre", "of the client") for method in used]


def test_a_secret_and_an_id_of_any_characters_arrive(browser_of, provider, tmp_path):
    (tmp_path / "odd").write_text("é:+ %&=~\n", encoding="utf-8")
    browser = browser_of(client_secret_file=str(tmp_path / "odd"), client_id="of: us")
    assert is_in(browser, log_in(browser))
    assert provider.clients == [("client_secret_basic", "of: us", "é:+ %&=~")]


def test_the_method_of_the_settings_is_used_alone(browser_of, provider):
    provider.accepted_methods = ["client_secret_basic"]
    browser = browser_of(client_auth="client_secret_post")
    assert "client ID or the secret" in text_of(log_in(browser))
    assert [method for method, *_ in provider.clients] == ["client_secret_post"]


def test_a_public_client_names_itself(browser_of, provider):
    browser = browser_of(client_secret_file="")
    assert is_in(browser, log_in(browser))
    assert provider.clients == [("none", "parcimetre", None)]


def test_a_provider_that_accepts_no_secret_is_told_in_the_log(browser_of, provider, caplog):
    provider.metadata["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    assert "did not answer correctly" in text_of(log_in(browser_of()), 502)
    assert "['private_key_jwt'] only" in caplog.text


def test_a_clock_90_seconds_ahead_is_tolerated_and_said(browser_of, provider, caplog):
    provider.ahead_s = 90
    browser = browser_of()
    assert is_in(browser, log_in(browser))
    assert "s ahead of this machine's" in caplog.text
    assert "the limit is 120 s" in caplog.text


@pytest.mark.parametrize(("ahead_s", "told"), [(200, "ahead of"), (-600, "ago")])
def test_a_clock_that_differs_by_more_is_a_sentence(browser_of, provider, caplog, ahead_s, told):
    provider.ahead_s = ahead_s
    assert "differ by more than two minutes" in text_of(log_in(browser_of()))
    assert told in caplog.text


@pytest.mark.parametrize(
    "groups",
    [
        "it-aubeclair",
        ["it-aubeclair"],
        [None, {}, "it-aubeclair", 3],
        42,
        [42],
        {"it-aubeclair": {"id": "x"}},
    ],
)
def test_groups_of_several_types_count(browser_of, provider, groups):
    provider.claims["groups"] = groups
    browser = browser_of()
    assert is_in(browser, log_in(browser))


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        (True, "in a form"),
        (1.5, "in a form"),
        ([{"name": "it-aubeclair"}], "in a form"),
        ([["it-aubeclair"]], "in a form"),
        ([None], "in a form"),
        (None, "sent no groups"),
        ([], "none of your groups"),
        ({}, "none of your groups"),
        (["others"], "none of your groups"),
        ("x" * 10_000, "none of your groups"),
        (["a\x00\u202e"], "none of your groups"),
    ],
)
def test_groups_that_give_no_access_are_a_sentence(browser_of, provider, groups, told):
    provider.claims["groups"] = groups
    if groups in ([], {}):
        provider.userinfo = {"sub": SUBJECT, "groups": groups}
    assert told in text_of(log_in(browser_of()))


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"preferred_username": DROPPED}, SUBJECT),
        ({"preferred_username": ["x"], "email": {"x": 1}, "name": 7}, SUBJECT),
        ({"preferred_username": "", "email": " \n", "name": "Ada"}, "Ada"),
        ({"preferred_username": "a\u202ed\x1b[2Ja"}, "ad[2Ja"),
        ({"preferred_username": "é" * 10_000}, "é" * 100),
        ({"preferred_username": "<b>\"'&"}, "&lt;b&gt;&#34;&#39;&amp;"),
    ],
)
def test_names_of_any_type_are_shown_plainly(browser_of, provider, names, shown):
    provider.claims |= names
    browser = browser_of()
    assert is_in(browser, log_in(browser))
    assert f">{shown} ·" in browser.get("/?lang=en", headers=HTML).text


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("it-aubeclair")
    | st.sampled_from([10**400, -(10**400), 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
CLAIMS = (
    "groups",
    "preferred_username",
    "sub",
    "aud",
    "azp",
    "iss",
    "nonce",
    "iat",
    "nbf",
    "exp",
    "_claim_names",
)

MEMBERS = [*PUBLIC_KEY, "alg", "key_ops", "crv", "x"]


@given(
    claims=st.dictionaries(st.sampled_from(CLAIMS), ANYTHING, max_size=4),
    userinfo=st.dictionaries(st.sampled_from([*CLAIMS, "sub"]), ANYTHING, max_size=3),
    keys=st.lists(
        ANYTHING | st.dictionaries(st.sampled_from(MEMBERS), ANYTHING).map(PUBLIC_KEY.__or__), max_size=3
    ),
    claim=st.sampled_from(["groups", "groups.it", "a.b.c", "sub"]),
)  # fmt: skip
@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_provider_sends_is_a_session_or_a_sentence(
    browser_of, provider, caplog, claims, userinfo, keys, claim
):
    caplog.set_level(logging.CRITICAL)
    provider.claims, provider.userinfo = claims, {"sub": SUBJECT} | userinfo
    provider.keys = [*keys, PUBLIC_KEY]
    answer = log_in(browser_of(claim=claim))
    assert answer.status_code in (303, 403, 502)


DOCUMENT = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "issuer")


@pytest.mark.parametrize("name", DOCUMENT)
@pytest.mark.parametrize(
    "value", [None, 7, "", "not an address", "http://[", "http://127.0.0.1:9/", ["x"], "\x00"]
)
def test_a_description_of_odd_addresses_is_a_sentence(browser_of, provider, name, value):
    browser = browser_of()
    provider.claims = {}
    begun = browser.get("/login/oidc")
    provider.metadata[name] = value
    back = callback_of(begun.headers["location"]).removeprefix(PUBLIC)
    answer = browser.get(back)
    text_of(answer, answer.status_code)
    assert answer.status_code in (403, 502)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"error": "access_denied"}, "cancelled"),
        ({}, "cancelled"),
        ({"error": "invalid_scope"}, "refused this login"),
    ],
)
def test_what_the_provider_refuses_is_a_sentence_and_its_reason_is_logged(
    browser_of, provider, caplog, said, sentence
):
    browser = browser_of()
    asked = dict(
        part.split("=") for part in urlsplit(browser.get("/login/oidc").headers["location"]).query.split("&")
    )
    answer = browser.get(
        "/login/callback", params={"state": asked["state"], **said, "error_description": "why"}
    )
    assert sentence in text_of(answer)
    assert "'why'" in caplog.text


def test_the_answer_of_another_issuer_is_refused(browser_of, provider):
    browser = browser_of()
    back = callback_of(browser.get("/login/oidc").headers["location"]).removeprefix(PUBLIC)
    text_of(browser.get(f"{back}&iss=https%3A%2F%2Fothers.example"))


@pytest.fixture
def keycloak(provider):
    """A realm as Keycloak publishes it: two keys with certificates, groups as paths, roles by client."""
    about = {"x5c": ["MIICmzCCAYMCBgGV"], "x5t": "abc", "x5t#S256": "abcdef"}
    provider.keys = [
        {**OTHER.as_dict(private=False), **about, "kid": "enc", "use": "enc", "alg": "RSA-OAEP"},
        {**PUBLIC_KEY, **about, "alg": "RS256"},
    ]
    provider.metadata |= {
        "token_endpoint_auth_methods_supported": [
            "private_key_jwt", BASIC, POST, "tls_client_auth", "client_secret_jwt",
        ],
        "authorization_response_iss_parameter_supported": True,
    }  # fmt: skip
    provider.claims = {
        "typ": "ID", "azp": "parcimetre", "sid": "x", "acr": "1", "email_verified": False, "at_hash": "x",
        "preferred_username": "ada", "groups": ["/it/aubeclair", "/staff"],
        "realm_access": {"roles": ["offline_access", "it-aubeclair"]},
        "resource_access": {
            name: {"roles": ["it-aubeclair"]} for name in ("parcimetre", "a.b.example")
        },
    }  # fmt: skip
    return provider


@pytest.mark.parametrize(
    "claim",
    ["groups", "realm_access.roles", "resource_access.parcimetre.roles", "resource_access.a.b.example.roles"],
)
def test_keycloaks_groups_and_roles_are_found(browser_of, keycloak, claim):
    browser = browser_of(claim=claim)
    assert is_in(browser, log_in(browser))


def test_keycloaks_paths_are_hinted_at_in_the_log(browser_of, keycloak, caplog):
    browser = browser_of(groups={"aubeclair": IT})
    assert "none of your groups" in text_of(log_in(browser))
    assert "'aubeclair' is there in another spelling" in caplog.text
    assert "staff" not in caplog.text


@pytest.fixture
def entra(provider):
    """A tenant as Entra ID publishes it: keys without algorithm, roles of the application."""
    provider.keys = [
        {**key.as_dict(private=False), "x5t": key.kid, "x5c": ["MIIC/jCCAeagAwIBAgIJ"], "issuer": "https://x"}
        for key in (OTHER, SIGNING)
    ]
    provider.header = {"typ": "JWT", "alg": "RS256", "kid": "signing", "x5t": "signing"}
    provider.metadata |= {
        "token_endpoint_auth_methods_supported": [
            POST, "private_key_jwt", BASIC, "self_signed_tls_client_auth",
        ],
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["pairwise"],
    }  # fmt: skip
    provider.claims = {
        "ver": "2.0", "tid": "t", "oid": "o", "rh": "0.A", "uti": "u", "name": "Ada", "nbf": int(time.time()),
        "preferred_username": "ada@example.org", "roles": ["it-aubeclair"],
    }  # fmt: skip
    return provider


def test_entras_app_roles_are_found(browser_of, entra):
    browser = browser_of(claim="roles")
    assert is_in(browser, log_in(browser))


@pytest.mark.parametrize(
    "overage",
    [
        {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": "https://graph.microsoft.com/v1.0/users/o/getMemberObjects"}},
        },
        {"hasgroups": True},
    ],
)  # fmt: skip
def test_entras_reference_in_place_of_too_many_groups_is_a_sentence(browser_of, entra, caplog, overage):
    entra.claims |= overage
    assert "too many groups" in text_of(log_in(browser_of()))
    assert 'use app roles and claim = "roles"' in caplog.text


def test_entras_address_of_all_tenants_is_told_in_the_log(browser_of, entra, caplog):
    browser = browser_of()
    entra.metadata["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0"
    text_of(log_in(browser), 502)
    assert "use the issuer of one tenant" in caplog.text

"""Login on pages: with a small real OpenID provider and real redirects, with a token, and what is refused."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from parcimetre_server.access.oidc_tokens import check_party
from parcimetre_server.access.tokens import revoke_token
from parcimetre_server.configuration.login_settings import login_settings
from parcimetre_server.web.pages import login as page

A = "Métropole/Aubeclair"
HTML = {"accept": "text/html"}
PUBLIC = "http://127.0.0.1:8787"
GROUPS = {"it-aubeclair": {"role": "admin", "org_unit": A}, "readers": {"role": "viewer", "org_unit": A}}


@pytest.fixture(scope="module")
def provider():
    """The address of a provider that runs as a process of its own."""
    script = Path(__file__).with_name("provider.py")
    line = [sys.executable, "-W", "ignore", str(script)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


@pytest.fixture
def browser(asking, provider, clock_at, tmp_path):
    """A browser at a collector that knows the provider, at today's time."""
    clock_at(int(time.time()))
    secret = tmp_path / "client-secret"
    secret.write_text("of the client\n")
    table = {"issuer": provider, "client_id": "parcimetre", "public_url": PUBLIC, "groups": GROUPS}
    return asking(login=login_settings({**table, "client_secret_file": str(secret)}))


def begin(browser, target="/"):
    """The provider's address to which the collector sends the browser."""
    answer = browser.get("/login/oidc", params={"next": target})
    assert answer.status_code == 303
    return answer.headers["location"]


def log_in_there(provider, address, sub="ada", **claims):
    """Where the provider sends the browser back to, after somebody of these claims logged in there."""
    httpx.put(f"{provider}/users/{sub}", json=claims).raise_for_status()
    answer = httpx.post(address, data={"sub": sub}, timeout=30)
    assert answer.status_code == 302, answer.text
    back = answer.headers["location"]
    assert back.startswith(f"{PUBLIC}/login/callback?")
    return back.removeprefix(PUBLIC)


def test_who_is_in_a_mapped_group_sees_its_org_unit_and_no_other(browser, provider):
    asked = browser.get("/?period=today", headers=HTML)
    assert asked.headers["location"] == "/login?next=%2F%3Fperiod%3Dtoday"
    assert "/login/oidc?next=%2F%3Fperiod%3Dtoday" in browser.get(asked.headers["location"]).text
    back = log_in_there(
        provider, begin(browser, "/?period=today"), email="ada@example.org", groups=["it-aubeclair"]
    )
    answer = browser.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?period=today")
    text = browser.get("/?lang=fr", headers=HTML).text
    assert "ada@example.org · administrateur · Métropole/Aubeclair" in text
    assert "Boisverre" not in text
    assert browser.get("/v1/devices").json()["items"][0]["name"] == "hostofa0"


def test_the_session_cookie_is_kept_from_scripts_and_foreign_forms(browser, provider):
    answer = browser.get(log_in_there(provider, begin(browser), groups=["readers"]))
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith("parcimetre_session=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=43200" in cookie
    assert "Secure" not in cookie
    again = browser.get(
        log_in_there(provider, begin(browser), groups=["readers"]), headers={"x-forwarded-proto": "https"}
    )
    assert "Secure" in again.headers.get_list("set-cookie")[0]


def test_who_is_in_no_mapped_group_is_told_so(browser, provider):
    answer = browser.get(log_in_there(provider, begin(browser), groups=["others"]))
    assert answer.status_code == 403
    assert "none of your groups" in answer.text
    assert browser.get("/", headers=HTML).status_code == 303


def changed(address, **parameters):
    """An address with some parameters of its query changed."""
    place, _, query = address.partition("?")
    return f"{place}?{urlencode({**{k: v[0] for k, v in parse_qs(query).items()}, **parameters})}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"state": "forged"}),
        ({"nonce": "forged"}, {}),
        ({}, {"code": "forged"}),
        ({"client_id": "another"}, {}),
        ({"code_challenge": "forged"}, {}),
    ],
    ids=["state", "nonce", "code", "client", "challenge"],
)
def test_a_login_that_was_tampered_with_is_refused(browser, provider, before, after):
    back = log_in_there(provider, changed(begin(browser), **before), groups=["it-aubeclair"])
    answer = browser.get(changed(back, **after))
    assert answer.status_code == 403
    assert "not logged in" in answer.text
    assert "parcimetre_session" not in browser.cookies


@pytest.mark.parametrize(
    ("claims", "fits"),
    [
        ({"aud": "us"}, True),
        ({"aud": ["us"]}, True),
        ({"aud": ["us", "others"]}, False),
        ({"aud": ["us", "others"], "azp": "us"}, True),
        ({"aud": "us", "azp": "others"}, False),
    ],
)
def test_a_token_for_several_audiences_must_be_given_to_us(claims, fits):
    if fits:
        check_party(claims, "us")
    else:
        with pytest.raises(ValueError, match="issued to"):
            check_party(claims, "us")


def test_a_login_works_once(browser, provider):
    back = log_in_there(provider, begin(browser), groups=["it-aubeclair"])
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403


def test_a_login_that_another_browser_began_is_refused(browser, provider, asking):
    back = log_in_there(provider, begin(browser), groups=["it-aubeclair"])
    browser.cookies = httpx.Cookies()
    assert browser.get(back).status_code == 403


def test_an_expired_id_token_is_refused(browser, provider, clock_at):
    back = log_in_there(provider, begin(browser), groups=["it-aubeclair"])
    clock_at(int(time.time()) + 2 * 3600)
    answer = browser.get(back)
    assert (answer.status_code, "The clocks of the login provider" in answer.text) == (403, True)


def test_a_login_that_took_too_long_is_refused(browser, provider, monkeypatch):
    back = log_in_there(provider, begin(browser), groups=["it-aubeclair"])
    monkeypatch.setattr(page, "FLOW_LIFETIME_S", -1)
    assert browser.get(back).status_code == 403


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
def test_a_login_leads_to_pages_of_the_collector_only(browser, provider, target):
    answer = browser.get(log_in_there(provider, begin(browser, target), groups=["readers"]))
    assert answer.headers["location"] == "/"


def test_a_provider_that_is_away_is_told_on_the_page(asking):
    table = {"issuer": "http://127.0.0.1:9", "client_id": "c", "public_url": PUBLIC, "groups": GROUPS}
    answer = asking(login=login_settings(table)).get("/login/oidc")
    assert answer.status_code == 502
    assert "did not answer correctly" in answer.text


def typed(reader, token, **headers):
    return reader.post("/login", data={"token": token, "next": "/"}, headers=headers)


def test_a_token_that_is_typed_in_makes_a_session_until_it_is_revoked(asking, communes):
    reader = asking()
    assert typed(reader, communes.tokens["viewer"]).status_code == 303
    assert "viewer · viewer · Métropole/Aubeclair" in reader.get("/?lang=en", headers=HTML).text
    reader.app.state.tokens.refresh_s = 0.0
    for fact in communes.context.store.latest("token").values():
        revoke_token(communes.context, fact.key)
    assert reader.get("/", headers=HTML).status_code == 303


def test_a_wrong_token_makes_none(asking):
    answer = typed(asking(), "pt_wrong")
    assert answer.status_code == 401
    assert "is not valid" in answer.text


def test_log_out_ends_the_session(asking, communes):
    reader = asking()
    typed(reader, communes.tokens["admin"])
    assert reader.get("/v1/devices").status_code == 200
    assert reader.post("/logout").headers["location"] == "/login"
    assert reader.get("/v1/devices").status_code == 401


def test_who_logged_in_at_the_provider_may_log_out_there_too(browser, provider):
    browser.get(log_in_there(provider, begin(browser), groups=["it-aubeclair"]))
    left = browser.post("/logout").headers["location"]
    assert browser.get("/v1/devices").status_code == 401
    assert "/logout/provider" in browser.get(left).text
    assert "/logout/provider" not in browser.get("/login").text
    address = browser.get("/logout/provider").headers["location"]
    asked = parse_qs(urlsplit(address).query)
    assert asked == {"client_id": ["parcimetre"], "post_logout_redirect_uri": [f"{PUBLIC}/login"]}
    assert httpx.get(address).status_code == 200


def test_a_foreign_form_is_refused_on_the_collectors_own_machine_too(asking):
    reader = asking(trust_this_machine=True)
    assert reader.post("/v1/estimate", json={"class": "laptop"}).status_code == 200
    foreign = {"sec-fetch-site": "cross-site"}
    assert reader.post("/v1/estimate", json={"class": "laptop"}, headers=foreign).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_forms_of_other_sites_are_refused(asking, communes, headers):
    reader = asking()
    assert typed(reader, communes.tokens["admin"], **headers).status_code == 403
    typed(reader, communes.tokens["admin"])
    for path in ("/logout", "/v1/estimate"):
        assert reader.post(path, headers=headers, content=b"{}").status_code == 403
    assert reader.get("/v1/devices").status_code == 200


def test_a_forged_session_is_nobodys(asking, communes):
    reader = asking()
    typed(reader, communes.tokens["viewer"])
    value = reader.cookies["parcimetre_session"]
    reader.cookies = httpx.Cookies({"parcimetre_session": "x" + value})
    assert reader.get("/v1/footprint").status_code == 401


def test_keys_that_did_not_sign_the_token_are_noticed(browser, provider):
    back = log_in_there(provider, begin(browser), groups=["it-aubeclair"])
    httpx.put(f"{provider}/fault").raise_for_status()
    assert browser.get(back).status_code == 403


def test_the_challenge_is_sent_and_the_verifier_is_not(browser):
    asked = parse_qs(urlsplit(begin(browser)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert "code_verifier" not in asked

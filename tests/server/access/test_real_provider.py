"""Login with a real OpenID provider program: oidc-provider (npm), with claims in userinfo as it has them."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from parcimetre_server.configuration.login_settings import login_settings

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".oidc"  # made by tools/set_up_oidc.py
ABSENT = FOLDER / "absent"
SCRIPT = Path(__file__).parent / "oidc_provider" / "provider.mjs"
PUBLIC = "http://127.0.0.1:8787"
SECRET = "a secret: +%&="
GROUPS = {"it-aubeclair": {"role": "admin", "org_unit": "Métropole/Aubeclair"}}
HTML = {"accept": "text/html"}


def program(ahead_s=0):
    """Yield the address of the program, running with its clock ahead; skip where it is not installed."""
    if ABSENT.is_file() or not (FOLDER / "node_modules").is_dir() or shutil.which("node") is None:
        reason = ABSENT.read_text() if ABSENT.is_file() else f"{FOLDER} is not set up: make oidc"
        pytest.skip(f"no OpenID provider: {reason}")
    line = ["node", "--no-warnings", "--input-type=module", "-"]
    env = os.environ | {"AHEAD_S": str(ahead_s), "NODE_ENV": "test"}
    with (
        SCRIPT.open() as script,
        subprocess.Popen(
            line, cwd=FOLDER, env=env, stdin=script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        said = next((port for text in process.stdout if (port := text.strip()).isdigit()), None)
        assert said, process.stderr.read()
        yield f"http://127.0.0.1:{said}"
        process.kill()


@pytest.fixture(scope="module")
def provider():
    """The address of the program."""
    yield from program()


@pytest.fixture(scope="module")
def provider_ahead():
    """The address of the program on a machine whose clock is 90 s ahead."""
    yield from program(90)


@pytest.fixture
def browser_of(asking, clock_at, tmp_path):
    """Make a browser at a collector that is one of the provider's clients."""
    clock_at(int(time.time()))
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")

    def make(provider, client_id="basic", **table):
        about = {
            "issuer": provider, "client_id": client_id, "public_url": PUBLIC, "groups": GROUPS,
            "client_secret_file": str(tmp_path / "secret"), "scopes": "openid profile groups",
        }  # fmt: skip
        return asking(login=login_settings(about | table))

    return make


def sent_back(address, login="ada"):
    """The address to which the program sends a browser back whose person filled its forms."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        answer = client.get(address)
        for _ in range(12):
            if answer.is_redirect:
                place = urljoin(str(answer.url), answer.headers["location"])
                if place.startswith(PUBLIC):
                    return place.removeprefix(PUBLIC)
                answer = client.get(place)
            else:
                form = dict(re.findall(r'name="(\w+)" value="(\w+)"', answer.text))
                action = re.search(r'action="([^"]+)"', answer.text)[1]
                answer = client.post(action, data=form | {"login": login, "password": "x"})
    raise AssertionError(answer.text)


def log_in(browser):
    """The collector's answer to a browser that logged in at the provider."""
    begun = browser.get("/login/oidc")
    assert begun.status_code == 303, begun.text
    return browser.get(sent_back(begun.headers["location"]))


@pytest.mark.parametrize("client_id", ["basic", "post", "signed", "PS256", "ES256", "Ed25519", "public"])
def test_a_person_of_a_mapped_group_gets_in(browser_of, provider, client_id):
    browser = browser_of(provider, client_id, **({"client_secret_file": ""} if client_id == "public" else {}))
    assert log_in(browser).status_code == 303
    text = browser.get("/?lang=fr", headers=HTML).text
    assert "ada@example.org · administrateur · Métropole/Aubeclair" in text


def test_a_scope_that_is_not_asked_for_is_a_sentence(browser_of, provider, caplog):
    answer = log_in(browser_of(provider, scopes="openid profile"))
    assert (answer.status_code, "sent no groups" in answer.text) == (403, True)
    assert "neither in the ID token nor in userinfo" in caplog.text


def test_a_wrong_secret_is_a_sentence(browser_of, provider, tmp_path):
    browser = browser_of(provider)
    (tmp_path / "secret").write_text("another")
    answer = log_in(browser)
    assert (answer.status_code, "the secret of this collector" in answer.text) == (403, True)


def test_a_clock_90_seconds_ahead_is_tolerated_and_said(browser_of, provider_ahead, caplog):
    assert log_in(browser_of(provider_ahead)).status_code == 303
    assert "ahead of this machine's" in caplog.text


def test_the_session_there_can_be_ended_too(browser_of, provider):
    browser = browser_of(provider)
    log_in(browser)
    browser.post("/logout")
    address = browser.get("/logout/provider").headers["location"]
    asked = parse_qs(urlsplit(address).query)
    assert asked["post_logout_redirect_uri"] == [f"{PUBLIC}/login"]
    assert httpx.get(address, trust_env=False).status_code == 200

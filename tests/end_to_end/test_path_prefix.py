"""A collector behind nginx at a path prefix: pages, logins, a real agent and a gateway, through the proxy."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway.book import Book
from parcimetre_agent.gateway.configuration import GatewayConfiguration, SnmpTarget
from parcimetre_agent.gateway.credentials import Credential
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.poll import PollingRound

from ..agent.gateway.conftest import simulator  # noqa: F401
from ..server.access.shaped_provider import callback_of, running
from ..server.web.link_walker import walk
from .conftest import PATIENCE_S, Agent, Collector

SLOT_S = 900
PREFIX = "/parcimetre"
CONF = """
{user}
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""
DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTED = "http://127.0.0.1:8787"
LOCATIONS = {
    "as documented": re.findall(
        r"```nginx\n(location .*?)```", (DOCS / "en/deploy.md").read_text(), re.DOTALL
    )[0],
    "takes the prefix off": "location /parcimetre/ { proxy_pass http://127.0.0.1:8787/; }",
}


@dataclass
class Proxied:
    """A collector, and the address under which a proxy publishes it."""

    collector: Collector
    url: str

    def get(self, path: str, **about) -> httpx.Response:
        """The proxy's answer to a request that follows no redirect."""
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=60, **about)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def publish(tmp_path) -> Iterator[object]:
    """Start nginx in front of a port; the skip names what is missing."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is absent: apt-get install nginx-light")
    running_ones = []

    def start(port: int, upstream: int, proxy: str) -> None:
        folder = tmp_path / "nginx"
        location = LOCATIONS[proxy].replace(DOCUMENTED, f"http://127.0.0.1:{upstream}")
        (folder / "tmp").mkdir(parents=True)
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONF.format(folder=folder, port=port, location=location, user=user)
        (folder / "nginx.conf").write_text(text)
        line = [nginx, "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"]
        running_ones.append(subprocess.Popen(line, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert running_ones[-1].poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)

    yield start
    for one in running_ones:
        one.terminate()
        one.wait(PATIENCE_S)


@pytest.fixture
def provider():
    """An OpenID provider, which knows nothing of the prefix but what the collector says."""
    with running() as provider:
        yield provider


@pytest.fixture
def proxied_by(publish, provider, collector_at, tmp_path):
    """Make a collector behind a proxy of a kind."""

    def make(proxy: str) -> Proxied:
        port = free_port()
        url = f"http://127.0.0.1:{port}{PREFIX}"
        config = tmp_path / "parcimetre.toml"
        config.write_text(
            f'public_url = "{url}"\n'
            f'[login]\nissuer = "{provider.address}"\nclient_id = "parcimetre"\n'
            '[login.groups]\nit-aubeclair = { role = "admin", everything = true }\n'
        )
        collector = collector_at(tmp_path / "collector", "--config", str(config), trusting=False)
        publish(port, collector.port, proxy)
        return Proxied(collector, url)

    return make


@pytest.fixture(params=LOCATIONS)
def proxied(request, proxied_by) -> Proxied:
    """A collector behind each kind of proxy."""
    return proxied_by(request.param)


def token_of(collector: Collector) -> str:
    """A token of an admin of everything."""
    told = collector.command("token", "create", "--name", "a", "--role", "admin", "--everything", "--json")
    assert told.returncode == 0, told.stderr
    return str(httpx.Response(200, text=told.stdout).json()["token"])


def agent_of(proxied: Proxied, tmp_path: Path) -> Agent:
    """An agent that knows the public address only."""
    made = Agent(tmp_path / "agent", tmp_path / "secret", proxied.url)
    made.hold(proxied.collector.secret()["secret"])
    return made


def test_both_languages_document_the_same_proxies():
    blocks = [
        re.findall(r"```.*?```", (DOCS / lang / "deploy.md").read_text(), re.DOTALL) for lang in ("en", "fr")
    ]
    assert blocks[0][-4:] == blocks[1][-4:]


def test_an_agent_reports_and_no_link_leads_outside(proxied, tmp_path):
    agent = agent_of(proxied, tmp_path)
    for _ in range(2):
        done = agent.once()
        assert done.returncode == 0, done.stderr
    asked = {"authorization": f"Bearer {token_of(proxied.collector)}", "accept": "text/html"}
    (device,) = proxied.get("/v1/devices", headers=asked).json()["items"]
    assert device["id"] == agent.status()["device_id"]
    found = walk(
        lambda address: httpx.get(address, headers=asked, trust_env=False, timeout=60), f"{proxied.url}/"
    )
    assert found.outside == set()
    assert found.broken() == {}
    parts = (
        "/devices/",
        "/static/",
        "/admin",
        "/v1/",
        "/explain",
        "/openapi.json",
        "/docs",
        "/reports/weekly/",
    )
    missing = [part for part in parts if not any(a.startswith(proxied.url + part) for a in found.answers)]
    assert missing == []


def test_people_log_in_by_forms_and_by_a_provider(proxied):
    with httpx.Client(trust_env=False, timeout=60) as browser:
        begun = browser.get(f"{proxied.url}/devices", headers={"accept": "text/html"})
        assert begun.headers["location"] == f"{PREFIX}/login?next=%2Fdevices"
        form = {"token": token_of(proxied.collector), "next": "/devices"}
        origin = proxied.url.removesuffix(PREFIX)
        sent = browser.post(f"{proxied.url}/login", data=form, headers={"origin": origin})
        assert sent.headers["location"] == f"{PREFIX}/devices"
        assert {cookie.path for cookie in browser.cookies.jar} == {PREFIX}
        assert browser.get(f"{proxied.url}/devices").status_code == 200
    with httpx.Client(trust_env=False, timeout=60) as browser:
        there = browser.get(f"{proxied.url}/login/oidc", params={"next": "/agents"}).headers["location"]
        assert parse_qs(urlsplit(there).query)["redirect_uri"] == [f"{proxied.url}/login/callback"]
        back = callback_of(there)
        assert back.startswith(f"{proxied.url}/login/callback?")
        assert browser.get(back).headers["location"] == f"{PREFIX}/agents"
        assert browser.get(f"{proxied.url}/agents").status_code == 200
        left = browser.post(f"{proxied.url}/logout", headers={"sec-fetch-site": "same-origin"})
        assert left.headers["location"].startswith(f"{PREFIX}/login")
        assert browser.get(f"{proxied.url}/v1/devices").status_code == 401


def test_whoever_comes_through_the_proxy_needs_a_login(proxied):
    for path in ("/v1/devices", "/openapi.json", "/metrics"):
        answer = proxied.get(path)
        assert answer.status_code == 401
        assert answer.json()["type"] == f"{PREFIX}/problems/not-recognised"
    assert proxied.get("/healthz").status_code == 200


def test_a_gateway_reports_its_printers(proxied_by, simulator, tmp_path):  # noqa: F811
    proxied = proxied_by("as documented")
    (tmp_path / "of-printers").write_text(proxied.collector.secret()["secret"])
    target = SnmpTarget(
        "127.0.0.1", simulator, Credential("2c", "hp-laserjet-m404dn"), str(tmp_path / "of-printers")
    )
    book, now = Book(tmp_path), time.time()
    first = (now - 4 * SLOT_S) // SLOT_S * SLOT_S + 60
    for i in range(4):
        configuration = GatewayConfiguration((target,), timeout_s=10)
        asyncio.run(PollingRound(configuration, book, first + i * SLOT_S, look_again_s=0.0).run())
    delivered = GatewayDelivery(Settings(server=proxied.url, data_dir=str(tmp_path)), book, now).run()
    book.close()
    assert delivered.refusals == ()
    asked = {"authorization": f"Bearer {token_of(proxied.collector)}"}
    (device,) = proxied.get("/v1/devices", headers=asked).json()["items"]
    assert device["category"] == "printer"

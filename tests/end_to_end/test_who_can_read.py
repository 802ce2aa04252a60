"""Who can read and administer a collector: by login only, whatever way a request comes."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import Collector, Done, Machine

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
EVIL = {"host": "evil.example"}
OLD_SETTINGS = "read_from_network = true\nrequire_login = false\n"


@pytest.fixture
def careful(tmp_path: Path, collector_at: Callable[..., Collector]) -> Collector:
    """A collector that trusts nobody, as `serve` starts it."""
    return collector_at(tmp_path / "collector", trusting=False)


def get(url: str, **about: Any) -> httpx.Response:
    """Ask without a proxy of the environment."""
    return httpx.get(url, trust_env=False, timeout=30, **about)


def token(collector: Collector) -> dict[str, str]:
    """The header of a first token, created by command on the data folder."""
    words = ("--name", "first", "--role", "admin", "--everything", "--json")
    done = collector.command("token", "create", *words)
    assert done.returncode == 0, done.stderr
    return {"authorization": f"Bearer {json.loads(done.stdout)['token']}"}


def test_nobody_reads_without_a_login_and_a_token_is_made_by_command(careful: Collector) -> None:
    assert "nobody can read" in careful.log.read_text()
    assert "parcimetre token create" in careful.log.read_text()
    for path in ("/v1/devices", "/metrics", "/openapi.json", "/admin"):
        assert get(careful.url + path).status_code == 401
    assert get(careful.url + "/", headers={"accept": "text/html"}).headers["location"].startswith("/login")
    header = token(careful)
    assert get(f"{careful.url}/v1/devices", headers=header).json()["items"] == []
    assert get(f"{careful.url}/metrics", headers=header).status_code == 200
    careful.stop()
    careful.start()
    assert "a token (1 valid)" in careful.log.read_text().splitlines()[-1]


def test_a_name_of_another_site_gets_nothing_and_agents_are_served(
    collector: Collector, machine: Callable[[], Machine]
) -> None:
    assert get(f"{collector.url}/v1/devices").status_code == 200, "this machine is trusted here"
    assert "without a login" in collector.log.read_text()
    assert get(f"{collector.url}/v1/devices", headers=EVIL).status_code == 421
    assert get(f"{collector.url}/healthz", headers=EVIL).status_code == 200
    known = machine()
    known.client.headers.update(EVIL)
    assert known.report([])["accepted"] == 0
    assert get(f"{collector.url}/v1/devices").json()["items"][0]["id"] == known.device_id


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="not applicable: no IPv6 on this machine")
def test_a_collector_on_all_addresses_knows_this_machine_by_ipv4_too(
    tmp_path: Path, collector_at: Callable[..., Collector]
) -> None:
    collector = collector_at(tmp_path / "collector", "--host", "::")
    assert get(f"http://127.0.0.1:{collector.port}/v1/devices").status_code == 200
    assert get(f"http://[::1]:{collector.port}/v1/devices").status_code == 200


def test_settings_of_an_earlier_version_keep_no_agent_out(
    tmp_path: Path, collector_at: Callable[..., Collector], enrol_at: Callable[..., Machine]
) -> None:
    (tmp_path / "old.toml").write_text(OLD_SETTINGS, encoding="utf-8")
    old = ("--config", str(tmp_path / "old.toml"), "--require-login")
    collector = collector_at(tmp_path / "collector", *old, trusting=False)
    enrol_at(collector, collector.secret()["secret"]).report([])
    log = collector.log.read_text()
    assert "read_from_network has no effect any more: readers need a token or a login" in log
    assert "require_login has no effect any more" in log
    assert get(f"{collector.url}/v1/devices").status_code == 401


def test_an_option_that_cannot_be_understood_is_one_sentence(
    run: Callable[..., Done], tmp_path: Path
) -> None:
    words = ("--port", 0, "--allowed-hosts", "https://parcimetre.example.org")
    done = run("parcimetre", "serve", "--data-dir", tmp_path / "data", *words)
    assert done.returncode == 2
    assert "is not a host name. Give names like" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def nginx(careful: Collector, tmp_path: Path) -> Iterator[str]:
    """The address of an nginx in front of it that adds no header, as it comes."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = " ".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    server = f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {careful.url}; }} }}"
    around = f"daemon off; error_log stderr; pid {tmp_path}/nginx.pid; events {{}}"
    settings = f"{around} http {{ access_log off; {places} {server} }}"
    (tmp_path / "nginx.conf").write_text(settings, encoding="utf-8")
    line = [NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if get(url).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail(f"nginx did not start: exit code {process.poll()}")


@pytest.mark.slow
def test_who_comes_through_nginx_as_it_comes_is_nobody(careful: Collector, nginx: str) -> None:
    assert get(f"{nginx}/v1/devices").status_code == 401
    assert get(f"{nginx}/admin").status_code == 401
    assert get(f"{nginx}/v1/devices", headers=token(careful)).status_code == 200

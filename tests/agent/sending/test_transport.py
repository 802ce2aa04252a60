"""Through proxies, with a private authority and a client certificate; and what each answer makes of it."""

import base64
import email.utils
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from parcimetre_agent.base.errors import BadSettings, Refused, Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.sending.transport import encode, open_client, post


class _Yes(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


@pytest.fixture
def server(authority: Path) -> Iterator[str]:
    """An HTTPS server that asks every client for a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    listening = HTTPServer(("127.0.0.1", 0), _Yes)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{listening.server_address[1]}"
    listening.shutdown()
    listening.server_close()
    thread.join()


def test_private_authority_and_client_certificate_are_enough(server: str, authority: Path) -> None:
    settings = Settings(server=server, ca_file=str(authority), client_cert=str(authority))
    with open_client(settings) as client:
        assert post(client, "/v1/reports", {}).body == {}


def test_unknown_authority_is_refused_and_the_mend_named(server: str) -> None:
    with (
        open_client(Settings(server=server)) as client,
        pytest.raises(Unreachable, match="give its CA with --ca-file"),
    ):
        post(client, "/v1/reports", {})


def test_missing_client_certificate_is_unreachable_not_a_crash(server: str, authority: Path) -> None:
    settings = Settings(server=server, ca_file=str(authority))
    with open_client(settings) as client, pytest.raises(Unreachable):
        post(client, "/v1/reports", {})


def test_unusable_ca_file_is_a_setting_to_mend(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    with pytest.raises(BadSettings, match="give PEM files"):
        open_client(Settings(server="https://127.0.0.1:1", ca_file=str(bad)))


def test_json_is_compact_and_keeps_accents() -> None:
    assert encode({"name": "Métropole"}) == '{"name":"Métropole"}'.encode()


def _tunnel(here: socket.socket, there: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    sides = {here: there, there: here}
    while True:
        for side in select.select(list(sides), [], [])[0]:
            data = side.recv(65_536)
            if not data:
                return
            sides[side].sendall(data)


class _Proxy(BaseHTTPRequestHandler):
    """A proxy that requires a name and password, for tunnels and for plain requests."""

    asked: ClassVar[list[str]] = []

    def _may(self) -> bool:
        self.asked.append(self.command)
        if self.headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"anne:s3cret").decode():
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def do_CONNECT(self) -> None:
        if self._may():
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                _tunnel(self.connection, there)
        self.close_connection = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self._may():
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def proxy() -> Iterator[str]:
    """Host and port of such a proxy."""
    _Proxy.asked.clear()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listening.server_address[1]}"
    listening.shutdown()
    listening.server_close()
    thread.join()


def _through(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy}")


def test_proxy_of_the_system_with_name_and_password_carries_tls_with_a_client_certificate(
    server: str, authority: Path, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _through(monkeypatch, f"anne:s3cret@{proxy}")
    settings = Settings(server=server, ca_file=str(authority), client_cert=str(authority))
    with open_client(settings) as client:
        assert post(client, "/v1/reports", {}).body == {}
    assert _Proxy.asked == ["CONNECT"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_wants_a_password_is_to_be_tried_again_and_the_mend_named(
    scheme: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _through(monkeypatch, f"anne:wrong@{proxy}")
    with (
        open_client(Settings(server=f"{scheme}://collector.example.org")) as client,
        pytest.raises(Unreachable, match="set HTTPS_PROXY=") as told,
    ):
        post(client, "/v1/reports", {})
    assert "wrong" not in str(told.value)


def test_proxy_of_the_settings_is_taken_before_the_systems(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _through(monkeypatch, "127.0.0.1:9")
    settings = Settings(server="http://collector.example.org", proxy=f"http://{proxy}")
    with open_client(settings) as client, pytest.raises(Unreachable, match="requires a name and password"):
        post(client, "/v1/reports", {})


def test_no_proxy_is_obeyed(
    server: str, authority: Path, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _through(monkeypatch, proxy)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings = Settings(server=server, ca_file=str(authority), client_cert=str(authority))
    with open_client(settings) as client:
        assert post(client, "/v1/reports", {}).body == {}
    assert _Proxy.asked == []


@pytest.mark.parametrize(
    ("status", "headers", "kind", "told"),
    [
        (503, {"Retry-After": "120"}, Unreachable, 120.0),
        (503, {"Retry-After": "Tue, 24 Nov 2020 09:00:00 GMT"}, Unreachable, 0.0),
        (503, {"Retry-After": "Tue, 24 Nov 2120 09:00:00 GMT"}, Unreachable, 86_400.0),
        (503, {"Retry-After": "soon"}, Unreachable, 0.0),
        (500, {}, Unreachable, 0.0),
        (408, {}, Unreachable, 0.0),
        (503, {"Retry-After": "9999999"}, Unreachable, 86_400.0),
        (511, {}, Unreachable, 0.0),
        (302, {"Location": "https://portal.example.org/"}, Unreachable, 0.0),
        (413, {}, Refused, None),
        (422, {}, Refused, None),
    ],
)
def test_each_answer_says_whether_and_when_to_come_again(
    collector: Any, status: int, headers: dict[str, str], kind: type[Refused], told: float | None
) -> None:
    collector.replies.append(
        (status, {"title": "no"}, {name.replace("-", "_"): v for name, v in headers.items()})
    )
    with open_client(Settings(server=collector.url)) as client, pytest.raises(kind) as error:
        post(client, "/v1/reports", {})
    assert getattr(error.value, "retry_after_s", None) == told


def test_retry_after_as_a_date_counts_from_the_collectors_clock(collector: Any) -> None:
    due = email.utils.formatdate(time.time() + 300, usegmt=True)
    collector.replies.append((429, {"title": "no"}, {"Retry_After": due}))
    with open_client(Settings(server=collector.url)) as client, pytest.raises(Unreachable) as error:
        post(client, "/v1/reports", {})
    assert error.value.retry_after_s == pytest.approx(300, abs=30)

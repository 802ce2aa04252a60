"""TLS with a private authority, and what the user is told when it is missing."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from parcimetre_agent.errors import BadSettings, Unreachable
from parcimetre_agent.settings import Settings
from parcimetre_agent.transport import encode, open_client, post


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

"""HTTPS by the collector itself, with real certificates: without one of the right authority, nothing."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from .conftest import PATIENCE_S, Agent, Collector, run

DAYS = ("-days", "2")


def openssl(*words: object) -> None:
    """One openssl command."""
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def authority(folder: Path, name: str) -> Path:
    """A certificate authority; its key lies beside it."""
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *DAYS)
    openssl(*new, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    return folder / f"{name}.pem"


def certificate(folder: Path, name: str, signed_by: str, extensions: str) -> Path:
    """A certificate that an authority signed; its key lies beside it."""
    request, about = folder / f"{name}.csr", folder / f"{name}.ext"
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", request)
    about.write_text(f"authorityKeyIdentifier=keyid\n{extensions}\n", encoding="utf-8")
    openssl("x509", "-req", "-in", request, "-CA", folder / f"{signed_by}.pem", "-CAkey",
            folder / f"{signed_by}.key", "-CAcreateserial", *DAYS, "-extfile", about,
            "-out", folder / f"{name}.pem")  # fmt: skip
    return folder / f"{name}.pem"


class SecureCollector(Collector):
    """A collector that serves HTTPS and asks for client certificates."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        super().__init__(folder)
        self.certificates = certificates
        self.url = f"https://127.0.0.1:{self.port}"
        self.options = [
            *(
                "--tls-cert",
                str(certificates / "collector.pem"),
                "--tls-key",
                str(certificates / "collector.key"),
            ),
            *("--client-ca", str(certificates / "fleet.pem")),
        ]

    def _answers(self) -> bool:
        try:
            return self.get("agent").is_success
        except httpx.HTTPError:
            return False

    def get(self, shown: str | None) -> httpx.Response:
        """Ask with a client certificate, or none."""
        collector = ssl.create_default_context(cafile=self.certificates / "city.pem")
        if shown is not None:
            collector.load_cert_chain(self.certificates / f"{shown}.pem", self.certificates / f"{shown}.key")
        return httpx.get(f"{self.url}/healthz", verify=collector, trust_env=False)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Of the collector by one authority, of an agent by another, and of a stranger by a third."""
    for name in ("city", "fleet", "other"):
        authority(tmp_path, name)
    certificate(tmp_path, "collector", "city", "subjectAltName=IP:127.0.0.1")
    certificate(tmp_path, "agent", "fleet", "extendedKeyUsage=clientAuth")
    certificate(tmp_path, "stranger", "other", "extendedKeyUsage=clientAuth")
    return tmp_path


@pytest.fixture
def secure(tmp_path: Path, certificates: Path) -> Iterator[SecureCollector]:
    """A running collector with HTTPS."""
    made = SecureCollector(tmp_path / "secure", certificates)
    made.start()
    yield made
    made.kill()


def test_only_clients_of_the_authority_get_an_answer(secure):
    assert secure.get("agent").json() == {"status": "ok"}
    for shown in (None, "stranger"):
        with pytest.raises(httpx.HTTPError):
            secure.get(shown)
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{secure.port}/healthz", trust_env=False)


def test_a_handshake_that_does_not_go_on_is_cut_off(secure):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"\x16\x03\x01")
        assert secure.get("agent").is_success
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_a_real_agent_reports_with_its_client_certificate_and_not_without(secure, certificates, tmp_path):
    agent = Agent(tmp_path / "agent-data", tmp_path / "secret", secure.url)
    agent.hold(secure.secret()["secret"])
    ours = ("--ca-file", certificates / "city.pem")
    without = agent.once(*ours)
    assert (without.returncode, without.stderr.count("\n")) == (1, 1)
    done = agent.once(
        *ours, "--client-cert", certificates / "agent.pem", "--client-key", certificates / "agent.key"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        (["--tls-cert", "collector.pem"], "both --tls-cert and --tls-key"),
        (["--client-ca", "fleet.pem"], "both --tls-cert and --tls-key"),
        (["--tls-cert", "collector.pem", "--tls-key", "agent.key"], "matching PEM files"),
        (["--tls-cert", "collector.pem", "--tls-key", "nowhere.key"], "matching PEM files"),
    ],
    ids=["no key", "no certificate", "another's key", "no such file"],
)
def test_certificates_that_do_not_serve_are_named_in_one_sentence(certificates, tmp_path, options, mend):
    words = [certificates / word if "." in word else word for word in options]
    done = run("parcimetre", "serve", "--data-dir", tmp_path / "data", "--port", 0, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert mend in done.stderr

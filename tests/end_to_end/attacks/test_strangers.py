"""Attacks of whoever can reach the collector, without any credential."""

import gzip
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from ..conftest import NO_LIMIT, PATIENCE_S, Collector
from .conftest import Siege

ENROL = {
    "schema": 1,
    "hardware": {"install_id": "1" * 32, "virtual": "none", "fingerprint": "f" * 64},
    "category": "laptop",
    "agent_version": "0.1.0",
}
HALF = b"POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
linux = pytest.mark.skipif(sys.platform != "linux", reason="not applicable: limits of Linux")


def repeated(size: int) -> bytes:
    """JSON that repeats an unknown key, compressed a thousandfold."""
    return gzip.compress(b'{"schema":1,' + b'"aaaaaa":1,' * (size // 11) + b'"secret":"x"}')


BOMBS = {
    "enrol": ("/v1/enrol", repeated(15_600_000)),
    "enrol-short": ("/v1/enrol", repeated(16_000)),
    "login": ("/login", gzip.compress(b"a=&" * 5_000_000)),
    "reports": ("/v1/reports", repeated(15_600_000)),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_of_strangers(siege, bomb):
    path, body = BOMBS[bomb]

    def attack():
        httpx.post(f"{siege.url}{path}", content=body, headers={"Content-Encoding": "gzip"}, trust_env=False)

    siege.endures(attack)


def test_thousands_of_wrong_secrets_and_the_right_one_is_answered(siege):
    wrong = json.dumps(ENROL | {"secret": "ps_wrong"}).encode()
    seen: set[int] = set()
    with httpx.Client(base_url=siege.url, trust_env=False, timeout=60) as client:
        siege.endures(
            lambda: seen.update(client.post("/v1/enrol", content=wrong).status_code for _ in "x" * 50)
        )
    assert seen == {403, 429}


def test_wrong_tokens_and_credentials(siege):
    with httpx.Client(base_url=siege.url, trust_env=False, timeout=60) as client:

        def attack():
            client.get("/v1/devices", headers={"Authorization": "Bearer pt_wrong"})
            client.post("/login", data={"token": "pt_wrong"})
            client.post("/v1/reports", json={}, headers={"Authorization": "Bearer wrong"})

        siege.endures(attack)


class FewFiles(Collector):
    """A collector that may open 1,024 files, as many service managers have it."""

    def start(self) -> None:
        """Start it by a shell that lowers the limit."""
        program = "from parcimetre_server.cli import main; main()"
        serve = [sys.executable, "-c", program, "serve", "--data-dir", self.folder]
        line = ["sh", "-c", 'ulimit -n 1024 && exec "$@"', "sh", *serve, "--port", str(self.port), *NO_LIMIT]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(list(map(str, line)), stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def few_files(tmp_path, enrol_at) -> Iterator[Siege]:
    """A siege of a collector that may open few files."""
    collector = FewFiles(tmp_path / "collector")
    collector.start()
    siege = Siege(collector, collector.secret()["secret"], enrol_at)
    yield siege
    siege.nothing_is_lost()


@linux
@pytest.mark.parametrize(
    ("first", "then"),
    [(b"", b""), (HALF, b"X: y\r\n"), (HALF + b"Content-Length: 9000\r\n\r\n{", b" ")],
    ids=["nothing", "half a head", "half a body"],
)
def test_half_sent_requests_beyond_the_open_files(few_files, first, then):
    with ExitStack() as opened:
        connections = [
            opened.enter_context(socket.create_connection(("127.0.0.1", few_files.port), timeout=PATIENCE_S))
            for _ in range(1100)
        ]
        for connection in connections:
            with suppress(OSError):
                connection.sendall(first)

        def attack() -> None:
            for connection in connections:
                with suppress(OSError):
                    connection.sendall(then)
            time.sleep(0.5)

        few_files.endures(attack, threads=1)
        assert "connections are open, as many as may be" in few_files.collector.log.read_text()


def test_a_client_that_is_late_is_told_and_cut_off(collector):
    for sent in (HALF, HALF + b"Content-Length: 9\r\n\r\n{", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000):
        with socket.create_connection(("127.0.0.1", collector.port), timeout=PATIENCE_S) as connection:
            connection.sendall(sent)
            assert connection.recv(12) in (b"HTTP/1.1 408", b"HTTP/1.1 431")

"""The real commands as processes of their own: a collector that can be killed, agents that report to it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.report import EnrolRequest, HardwareIdentity, Report, Slot
from parcimetre_agent.sending import wire_json
from parcimetre_agent.sending.transport import open_client, post

from .. import programs
from ..programs import PATIENCE_S, run

AGENT_VERSION = "0.1.0"
NO_LIMIT = ("--reports-per-hour", "1000000", "--report-burst", "1000000")
Done = subprocess.CompletedProcess[str]


class Collector:
    """`parcimetre serve` on a folder and a port of its own, which outlive its processes."""

    def __init__(self, folder: Path, *options: str, trusting: bool = True) -> None:
        """Nothing runs yet; `options` are given to `serve` each time, with trust in this machine or not."""
        self.folder, self.log = folder, folder.with_suffix(".log")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = [*(["--trust-this-machine"] if trusting else []), *options]
        self._process: programs.Program | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        line = [
            "parcimetre",
            "serve",
            "--data-dir",
            self.folder,
            "--port",
            str(self.port),
            *NO_LIMIT,
            *self.options,
        ]
        with self.log.open("ab") as log:
            self._process = programs.start(line, log, log, os.environ)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def terminate(self) -> None:
        """Tell it to end, without waiting for it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: no handler runs, nothing is flushed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a service manager does."""
        self._end(signal.SIGTERM)

    def command(self, *words: object) -> Done:
        """A `parcimetre` command on its folder."""
        return run("parcimetre", *words, "--data-dir", self.folder)

    def secret(self, org_unit: str = "Métropole/Commune") -> dict[str, str]:
        """A new enrolment secret as the command answers it: `id` and `secret` among others."""
        done = self.command("enrolment-secret", "create", "--org-unit", org_unit, "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, str] = json.loads(done.stdout)
        return told

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=PATIENCE_S)
            self._process = None


@dataclass(frozen=True)
class Machine:
    """An enrolled device that speaks as the agent does, by the agent's own code."""

    client: httpx.Client
    device_id: str
    credential: str

    def report(self, slots: Sequence[Slot], **about: Any) -> dict[str, Any]:
        """Send slots; the answer. Raises Refused and Unreachable, as the agent's transport does."""
        told = {"sent_at": int(time.time()), "agent_version": AGENT_VERSION, "schema": 1} | about
        message = Report(device_id=self.device_id, slots=list(slots), **told)
        return post(self.client, "/v1/reports", wire_json.as_json(message), self.credential).body

    def post(self, document: Mapping[str, Any]) -> httpx.Response:
        """Send any document as a report."""
        headers = {"Authorization": f"Bearer {self.credential}"}
        return self.client.post("/v1/reports", json=document, headers=headers)


@dataclass(frozen=True)
class Agent:
    """`parcimetre-agent` with a data folder and a secret file of its own."""

    folder: Path
    secret_file: Path
    server: str

    @property
    def about(self) -> list[str]:
        """Its settings as options of a command."""
        return [
            *("--server", self.server),
            *("--secret-file", str(self.secret_file)),
            *("--data-dir", str(self.folder)),
        ]

    def once(self, *words: object) -> Done:
        """Measure for two seconds and report."""
        return run("parcimetre-agent", "once", *self.about, *words)

    def enrol(self) -> Done:
        """Exchange the secret for a credential."""
        return run("parcimetre-agent", "enrol", *self.about)

    def hold(self, secret: str) -> None:
        """Write the secret into its file."""
        self.secret_file.write_text(secret + "\n", encoding="utf-8")

    def status(self) -> dict[str, Any]:
        """What `status --json` says."""
        done = run("parcimetre-agent", "status", "--json", "--data-dir", self.folder)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has, the collector is asked directly."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def collector_at() -> Iterator[Callable[..., Collector]]:
    """Starts collectors on folders, with options of `serve`."""
    made: list[Collector] = []

    def start(folder: Path, *options: str, log: Path | None = None, trusting: bool = True) -> Collector:
        made.append(Collector(folder, *options, trusting=trusting))
        made[-1].log = log or made[-1].log
        made[-1].start()
        return made[-1]

    yield start
    for collector in made:
        collector.kill()


@pytest.fixture
def collector(tmp_path: Path, collector_at: Callable[..., Collector]) -> Collector:
    """A running collector."""
    return collector_at(tmp_path / "collector")


@pytest.fixture
def enrol_at() -> Iterator[Callable[..., Machine]]:
    """Enrols devices at a collector, each a machine of its own."""
    clients: list[httpx.Client] = []

    def enrol(collector: Collector, secret: str, **about: Any) -> Machine:
        client = open_client(Settings(server=collector.url))
        clients.append(client)
        hardware = HardwareIdentity(secrets.token_hex(16), "none", secrets.token_hex(32))
        asked = EnrolRequest(1, secret, hardware, "laptop", AGENT_VERSION, **about)
        told = post(client, "/v1/enrol", wire_json.as_json(asked)).body
        return Machine(client, told["device_id"], told["credential"])

    yield enrol
    for client in clients:
        client.close()


@pytest.fixture
def machine(collector: Collector, enrol_at: Callable[..., Machine]) -> Callable[[], Machine]:
    """Makes enrolled devices, each a machine of its own."""
    return partial(enrol_at, collector, collector.secret()["secret"])


@pytest.fixture
def agent(collector: Collector, tmp_path: Path) -> Agent:
    """An agent with a good secret that has not reported yet."""
    made = Agent(tmp_path / "agent", tmp_path / "secret", collector.url)
    made.hold(collector.secret()["secret"])
    return made


@dataclass
class Served:
    """A running collector and an agent of its own, by folder."""

    folder: Path
    collector: Collector

    @property
    def data_dir(self) -> Path:
        """The collector's folder."""
        return self.collector.folder

    @property
    def url(self) -> str:
        """Where the collector answers."""
        return self.collector.url

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.collector.port

    def stop(self) -> None:
        """End the collector as a service manager does."""
        self.collector.stop()

    def secret(self) -> Path:
        """A file with a new enrolment secret."""
        told = self.collector.secret()
        file = self.folder / f"secret-{told['id']}"
        file.write_text(told["secret"], encoding="utf-8")
        return file

    def once(self, secret_file: Path) -> Done:
        """`parcimetre-agent once` with that secret."""
        return Agent(self.folder / "agent", secret_file, self.url).once()

    def enrol(self, secret_file: Path, install_id: str) -> httpx.Response:
        """Enrol a machine of that install id over HTTP."""
        hardware = HardwareIdentity(install_id, "none", install_id)
        asked = EnrolRequest(1, secret_file.read_text(encoding="utf-8"), hardware, "laptop", AGENT_VERSION)
        return httpx.post(f"{self.url}/v1/enrol", json=wire_json.as_json(asked), trust_env=False)


@pytest.fixture
def served(tmp_path: Path, collector: Collector) -> Served:
    """A running collector and an agent that has not reported yet."""
    return Served(tmp_path, collector)


@pytest.fixture(name="run")
def run_command() -> Callable[..., Done]:
    """Runs a command to its end."""
    return run

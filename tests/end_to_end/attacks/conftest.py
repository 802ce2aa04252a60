"""A collector under attack: meanwhile it answers /healthz, stores honest reports and enrols machines.

To add an attack, write a test that calls `siege.endures(attack)`: `attack` is called again and again from
several threads until honest work is done, and may fail. `siege.device()` is an enrolled device for attacks
that need a credential. Each attack leaves the collector as it was, so that the next one can begin.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId

from ..conftest import Collector, Machine

ROUNDS = 8
HEALTHY_S = 5  # it answers within one second; a test machine is busy with other tests
HONEST = 3
NOW = int(time.time()) // SLOT_S * SLOT_S


class Siege:
    """A running collector, honest devices, and all that it has acknowledged."""

    def __init__(self, collector: Collector, secret: str, enrol: Callable[..., Machine]) -> None:
        """Enrol the honest devices."""
        self.collector, self.secret, self._enrol = collector, secret, enrol
        self.url, self.port = collector.url, collector.port
        self.acknowledged: dict[str, list[int]] = {}
        self._sent = 0
        self._honest = [self.device() for _ in range(HONEST)]

    def device(self) -> Machine:
        """Enrol a device."""
        return self._enrol(self.collector, self.secret)

    def token(self, role: str = "analyst") -> dict[str, str]:
        """Return the headers of a reader of everything."""
        words = ("token", "create", "--name", role, "--role", role, "--everything", "--json")
        done = self.collector.command(*words)
        assert done.returncode == 0, done.stderr
        return {"Authorization": f"Bearer {json.loads(done.stdout)['token']}"}

    def endures(self, attack: Callable[[], object], threads: int = 2, rounds: int = ROUNDS) -> None:
        """Attack; meanwhile nothing honest fails."""
        with self.under(attack, threads):
            for _ in range(rounds):
                self.healthy()
                self.report()
            self.device()

    @contextmanager
    def under(self, attack: Callable[[], object], threads: int = 2) -> Iterator[None]:
        """Call the attack again and again while the block runs; it must have come through at least once."""
        over, came = threading.Event(), threading.Event()

        def repeat() -> None:
            while not over.is_set():
                with suppress(httpx.HTTPError, OSError):
                    attack()
                came.set()

        attackers = [threading.Thread(target=repeat) for _ in range(threads)]
        for attacker in attackers:
            attacker.start()
        try:
            yield
            assert came.wait(120)
        finally:
            over.set()
            for attacker in attackers:
                attacker.join()

    def healthy(self) -> None:
        """Ask for its health, over a new connection."""
        answer = httpx.get(f"{self.url}/healthz", timeout=HEALTHY_S, trust_env=False)
        assert answer.status_code == 200

    def report(self) -> None:
        """Report one more slot of each honest device."""
        self._sent += 1
        slot = Slot(NOW - self._sent * SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9])
        for machine in self._honest:
            assert machine.report([slot])["accepted"] == 1
            self.acknowledged.setdefault(machine.device_id, []).append(slot.start)

    def nothing_is_lost(self) -> None:
        """End the collector as a power cut would; find all that it has acknowledged."""
        self.collector.kill()
        store = open_store(self.collector.folder)
        for device_id, starts in self.acknowledged.items():
            found = store.activity(DeviceId(device_id), 0, NOW + SLOT_S)
            assert found.start.tolist() == sorted(starts)
        store.close()


@pytest.fixture
def siege_at(tmp_path: Path, collector_at, enrol_at) -> Iterator[Callable[..., Siege]]:
    """Makes sieges of collectors with options of `serve`; afterwards nothing acknowledged is lost."""
    made: list[Siege] = []

    def begin(*options: str) -> Siege:
        collector = collector_at(tmp_path / f"collector-{len(made)}", *options)
        made.append(Siege(collector, collector.secret()["secret"], enrol_at))
        return made[-1]

    yield begin
    for siege in made:
        siege.nothing_is_lost()


@pytest.fixture
def siege(siege_at) -> Siege:
    """A siege of a collector with the default settings."""
    return siege_at()

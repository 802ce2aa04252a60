"""A collector killed at any moment has everything it acknowledged, exactly once."""

import os
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.recording.slot import EnergyRecord, SlotRecord
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.recording.timeline import GapRecord
from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_factors.activity import Activity
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId

KILLS = int(os.environ.get("PARCIMETRE_KILLS", "8"))
CLIENTS = 4
RETRY_S, PATIENCE_S = 0.05, 60
BACKLOG = 600  # two reports of an agent, and the pause between them
EPOCH = int(time.time()) // SLOT_S * SLOT_S


def slot(number: int) -> Slot:
    """The slot that lies `number` quarter hours back, with values that only it has."""
    on_s, off_s = 1 + number % 600, number // 600
    deciles = [on_s, *([0] * 9)]
    energy = [Energy("rapl", "package", "measured", 10.0 + number / 4096, on_s)]
    return Slot(
        EPOCH - (number + 1) * SLOT_S, on_s, 0, 0, off_s, SLOT_S - on_s - off_s, deciles, energy=energy
    )


def spooled(number: int) -> SlotRecord:
    """The same slot as the agent keeps it in its spool."""
    made = slot(number)
    about = {name: getattr(made, name) for name in SlotRecord._fields}
    energy = [
        EnergyRecord(one.source, one.scope, one.quality, one.energy_j, one.duration_s) for one in made.energy
    ]
    return SlotRecord(**about | {"energy": energy})


def assert_exactly(found: Activity, sent: Sequence[Slot]) -> None:
    """The store's slots are those that were sent: each once, with its own values."""
    due = sorted(sent, key=lambda one: one.start)
    assert found.start.tolist() == [one.start for one in due]
    assert found.display_on_s.tolist() == [one.display_on_s for one in due]
    assert found.off_s.tolist() == [one.off_s for one in due]
    assert found.load_deciles_s[:, 0].tolist() == [one.load_deciles_s[0] for one in due]
    (package,) = found.measured
    assert package.energy_j.tolist() == [one.energy[0].energy_j for one in due]
    assert package.duration_s.tolist() == [one.energy[0].duration_s for one in due]


class Client:
    """Sends a stream of slots; what was not acknowledged it sends again, what was it never repeats."""

    def __init__(self, machine, seed: int) -> None:
        self.machine, self._random = machine, random.Random(seed)
        self.acknowledged: list[Slot] = []
        self.interrupted = 0

    def stream(self, over: threading.Event) -> None:
        """Until told that it is over, and the report in hand is acknowledged."""
        while not over.is_set():
            first = len(self.acknowledged)
            self._deliver([slot(first + i) for i in range(self._random.randint(1, 5))])

    def _deliver(self, slots: list[Slot]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                told = self.machine.report(slots)
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
                self.interrupted += 1
                time.sleep(RETRY_S)
                continue
            assert told["accepted"] + told["duplicates"] == len(slots)
            assert told["refused"] == []
            self.acknowledged += slots
            return


@pytest.mark.slow
def test_what_was_acknowledged_survives_sigkill_at_any_moment_exactly_once(collector, machine):
    moments, over = random.Random(20261124), threading.Event()
    clients = [Client(machine(), seed) for seed in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        streams = [pool.submit(client.stream, over) for client in clients]
        try:
            for _ in range(KILLS):
                time.sleep(moments.uniform(0.05, 0.8))
                collector.kill()
                collector.start()
            time.sleep(0.3)
        finally:
            over.set()
        for stream in streams:
            stream.result()
    collector.kill()
    assert all(client.interrupted for client in clients)
    store = open_store(collector.folder)
    for client in clients:
        found = store.activity(DeviceId(client.machine.device_id), 0, EPOCH + SLOT_S)
        assert_exactly(found, client.acknowledged)
    assert len(store.history("device")) == CLIENTS
    assert store.history("dead_letter") == []
    store.close()


@pytest.mark.slow
def test_a_real_agents_backlog_arrives_once_though_the_collector_dies_while_it_arrives(collector, agent):
    assert agent.once().returncode == 0
    device = DeviceId(agent.status()["device_id"])
    collector.kill()
    Spool(str(agent.folder)).put(
        [spooled(number) for number in range(BACKLOG)],
        [GapRecord(EPOCH - (BACKLOG + 96) * SLOT_S, 96 * SLOT_S, "off")],
        None,
        time.time(),
    )
    away = agent.once()
    assert (away.returncode, away.stderr.count("\n")) == (1, 1)
    assert "the data stays in the spool" in away.stderr
    collector.start()
    sending = threading.Thread(target=agent.once)
    sending.start()
    _kill_amid_arrival(collector, device)
    sending.join()
    collector.start()
    done = agent.once()
    assert done.returncode == 0, done.stderr
    assert agent.status()["slots"] == agent.status()["gaps"] == 0
    collector.stop()
    store = open_store(collector.folder)
    assert_exactly(store.activity(device, EPOCH - BACKLOG * SLOT_S, EPOCH), [slot(n) for n in range(BACKLOG)])
    gap = store.activity(device, EPOCH - (BACKLOG + 96) * SLOT_S, EPOCH - BACKLOG * SLOT_S)
    assert gap.off_s.tolist() == [SLOT_S] * 96
    assert len(store.activity(device, EPOCH, EPOCH + 4 * SLOT_S).start)
    store.close()


def _kill_amid_arrival(collector, device: DeviceId) -> None:
    """Kill the collector shortly after the first of the backlog was stored."""
    store = open_store(collector.folder)
    deadline = time.monotonic() + 30
    while not len(store.activity(device, 0, EPOCH).start) and time.monotonic() < deadline:
        time.sleep(0.005)
    store.close()
    collector.kill()

"""An agent that was away for weeks is told to wait, and everything arrives, once."""

import time

import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.machine.clock import Clock
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.sending.courier import BATCH, Courier
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId

from .conftest import Agent, Collector
from .test_sigkill import EPOCH, SLOT_S, assert_exactly, slot, spooled

DAYS, SLOTS_PER_DAY = 40, 96


class Unhurried(Clock):
    """A machine's clocks, on which the pauses between reports take no time."""

    def wait(self, seconds: float) -> None:
        """Go on at once."""


@pytest.fixture
def strict(tmp_path):
    """A collector that takes two reports of a device at once, and one an hour in the long run."""
    made = Collector(tmp_path / "strict")
    made.options = ["--reports-per-hour", "1", "--report-burst", "2"]
    made.start()
    yield made
    made.kill()


@pytest.mark.slow
def test_a_backlog_of_forty_days_arrives_once_though_it_is_paced(strict, tmp_path):
    agent = Agent(tmp_path / "agent", tmp_path / "secret", strict.url)
    agent.hold(strict.secret()["secret"])
    assert agent.once().returncode == 0
    device = DeviceId(agent.status()["device_id"])
    count = (DAYS - 1) * SLOTS_PER_DAY
    Spool(str(agent.folder)).put([spooled(number) for number in range(count)], [], None, time.time())
    settings = Settings(strict.url, str(agent.secret_file), str(agent.folder))
    with pytest.raises(Unreachable, match=r"rate limit exceeded.*it stays in the spool"):
        Courier(settings, clock=Unhurried()).deliver()
    strict.stop()
    strict.options = []
    strict.start()
    assert Courier(settings, clock=Unhurried()).deliver().accepted >= count - BATCH
    strict.stop()
    store = open_store(strict.folder)
    assert_exactly(store.activity(device, EPOCH - count * SLOT_S, EPOCH), [slot(n) for n in range(count)])
    assert store.history("dead_letter") == []
    store.close()

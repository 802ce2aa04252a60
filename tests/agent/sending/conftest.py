"""What the tests of sending share: settings of an agent, a spool with slots, a courier."""

from pathlib import Path

import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.recording.slot import Stretch, slot_of
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.recording.timeline import GapRecord
from parcimetre_agent.sending.courier import Courier
from parcimetre_agent.sensors.machine import Machine

T = 1_800_000_000


@pytest.fixture
def settings(collector, tmp_path: Path) -> Settings:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return Settings(server=collector.url, secret_file=str(secret), data_dir=str(data_dir))


@pytest.fixture
def spool(settings: Settings) -> Spool:
    spool = Spool(settings.data_dir)
    slots = [
        slot_of(T + 900 * i, [Stretch(T + 900 * i, T + 900 * i + 900, "off", None, None, {})])
        for i in range(4)
    ]
    spool.put(slots, [GapRecord(T + 9000, 1800, "asleep")], None, T)
    return spool


@pytest.fixture
def courier(settings: Settings, laptop: Path) -> Courier:
    return Courier(settings, Machine(laptop))

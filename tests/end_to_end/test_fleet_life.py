"""An agent's life on a fleet against the real collector: images cloned, machines re-imaged, long absences."""

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.machine.clock import Clock, Instant
from parcimetre_agent.metering.counters import Counter
from parcimetre_agent.recording.recorder import Recorder
from parcimetre_agent.recording.slot import Sample, Stretch, slot_of
from parcimetre_agent.recording.spool import MAX_BYTES, PendingSlot, Spool
from parcimetre_agent.sending.courier import Courier
from parcimetre_agent.sensors.machine import Machine
from parcimetre_factors.activity import Activity
from parcimetre_server.access.served_settings import open_as_served
from parcimetre_server.store.records import DeviceId

BIN = Path(sys.executable).parent
PATIENCE_S = 90
DAY_S, SLOT_S = 86_400, 900
RAPL_W = 10.0


class MovedClock(Clock):
    """A machine's clocks, moved by hand."""

    def __init__(self, wall_s: float) -> None:
        super().__init__()
        self._at = Instant(wall_s, 0.0, 0.0, "boot-1")

    def now(self) -> Instant:
        return self._at

    def run(self, seconds: float, asleep_s: float = 0.0) -> None:
        """Awake, then asleep."""
        wall_s, monotonic_s, boottime_s, boot_id = self._at
        both_s = seconds + asleep_s
        self._at = Instant(wall_s + both_s, monotonic_s + seconds, boottime_s + both_s, boot_id)

    def wait(self, seconds: float) -> None:
        """Pauses between reports take no time here."""


class Sensors:
    """A machine at half load whose processor takes 10 W."""

    def sample(self, at: Instant) -> Sample:
        """Its counters now."""
        busy = {"busy_s": at.monotonic_s, "total_s": 2 * at.monotonic_s, "display_on": 1.0}
        rapl = Counter("rapl", "package", "measured", "0", RAPL_W * at.monotonic_s, 0.0, 400.0)
        return Sample(at, busy, [rapl])


@pytest.fixture
def hasty_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool's writes are not waited for: 40 days have thousands of them."""
    connect = sqlite3.connect

    def hasty(*where: Any, **how: Any) -> sqlite3.Connection:
        db = connect(*where, **how)
        db.execute("pragma synchronous = off")
        return db

    monkeypatch.setattr(sqlite3, "connect", hasty)


def _machine(folder: Path, serial: str) -> Machine:
    """Hardware with a serial number."""
    (folder / "sys/class/dmi/id").mkdir(parents=True, exist_ok=True)
    (folder / "sys/class/dmi/id/product_serial").write_text(serial)
    return Machine(folder)


def _settings(agent, data_dir: Path) -> Settings:
    data_dir.mkdir(exist_ok=True)
    return Settings(server=agent.server, secret_file=str(agent.secret_file), data_dir=str(data_dir))


def _stored(collector, device_id: str, first: float, last: float) -> Activity:
    """What the collector has on disk of a device."""
    store = open_as_served(collector.folder).store
    try:
        return store.activity(DeviceId(device_id), int(first), int(last))
    finally:
        store.close()


def _devices(collector) -> set[str]:
    store = open_as_served(collector.folder).store
    try:
        return set(store.latest("device"))
    finally:
        store.close()


def _joules(slots: Sequence[PendingSlot]) -> float:
    return sum(energy["energy_j"] for slot in slots for energy in slot.fields["energy"])


def _one(start: int) -> list[Stretch]:
    return [Stretch(start, start + SLOT_S, "display_off", None, None, {})]


def test_clone_of_an_image_becomes_a_device_of_its_own_and_sends_nothing_of_the_other(
    collector, agent, tmp_path: Path
) -> None:
    start = int(time.time()) // SLOT_S * SLOT_S - DAY_S
    original = _settings(agent, tmp_path / "original")
    first = Courier(original, _machine(tmp_path / "pc-1", "PF3AAAAA")).deliver().device_id
    Spool(original.data_dir).put([slot_of(start, _one(start))], [], None, time.time())
    shutil.copytree(original.data_dir, tmp_path / "clone")
    clone = _settings(agent, tmp_path / "clone")
    second = Courier(clone, _machine(tmp_path / "pc-2", "PF3BBBBB")).deliver().device_id
    assert _devices(collector) == {first, second}
    assert list(_stored(collector, second, start, start + DAY_S).start) == []
    Courier(original, _machine(tmp_path / "pc-1", "PF3AAAAA")).deliver()
    assert list(_stored(collector, first, start, start + DAY_S).start) == [start]


def test_reimaged_machine_gets_its_device_back(collector, agent, tmp_path: Path) -> None:
    machine = _machine(tmp_path / "pc", "PF3AAAAA")
    before = Courier(_settings(agent, tmp_path / "before"), machine).deliver().device_id
    assert Courier(_settings(agent, tmp_path / "after"), machine).deliver().device_id == before
    assert _devices(collector) == {before}


@pytest.mark.slow
@pytest.mark.usefixtures("hasty_disk")
@pytest.mark.parametrize(
    ("days", "max_bytes"), [(40, MAX_BYTES), (20, 400_000)], ids=["40 days", "20 days in a small spool"]
)
def test_collector_away_for_long_loses_no_slot_and_no_joule_and_counts_none_twice(
    collector, agent, tmp_path: Path, days: int, max_bytes: int
) -> None:
    begun_s = float(int(time.time()) // DAY_S * DAY_S - days * DAY_S)
    clock, settings = MovedClock(begun_s), _settings(agent, tmp_path / "data")
    machine, spool = _machine(tmp_path / "pc", "PF3AAAAA"), Spool(settings.data_dir, max_bytes)
    device_id = Courier(settings, machine, clock).deliver().device_id
    collector.kill()
    recorder = Recorder(clock, Sensors(), spool)
    recorder.sample()
    awake_s = 0.0
    while clock.now().wall_s < begun_s + days * DAY_S:
        night = clock.now().wall_s % DAY_S == 0
        clock.run(300.0, asleep_s=6 * 3600.0 if night else 0.0)
        recorder.sample()
        awake_s += 300.0
        if clock.now().wall_s % (4 * DAY_S) == 0:
            with pytest.raises(Unreachable):
                Courier(settings, machine, clock).deliver()
    recorder.write()
    waiting, told = spool.waiting(), _joules(spool.pending(100_000))
    assert (waiting.dropped, waiting.coarsened > 0) == (0, max_bytes < MAX_BYTES)
    collector.start()
    Courier(settings, machine, clock).deliver()
    Courier(settings, machine, clock).deliver()
    assert (spool.waiting().slots, spool.waiting().gaps) == (0, 0)
    kept = _stored(collector, device_id, begun_s, begun_s + (days + 1) * DAY_S)
    assert list(kept.start[: days * 96]) == [int(begun_s) + SLOT_S * i for i in range(days * 96)]
    assert kept.covered_s.sum() == pytest.approx(clock.now().wall_s - begun_s, abs=0)
    (rapl,) = kept.measured
    assert round(rapl.energy_j.sum(), 1) == round(told, 1)
    assert rapl.energy_j.sum() == pytest.approx(RAPL_W * (awake_s - 300.0 * days), rel=1e-3)


@pytest.mark.slow
def test_secret_is_on_no_command_line(collector, agent, tmp_path: Path) -> None:
    secret, lines = agent.secret_file.read_text(encoding="utf-8").strip(), set[str]()
    line = [BIN / "parcimetre-agent", "run", *agent.about, "--upload-period", "60"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while (
            not (agent.folder / "spool.sqlite").is_file() or Spool(str(agent.folder)).get("last_sent") is None
        ):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            process = psutil.Process(running.pid)
            for one in (process, *process.children(recursive=True)):
                lines.update(one.cmdline())
            time.sleep(0.05)
    finally:
        running.terminate()
        running.wait(timeout=PATIENCE_S)
    assert any("parcimetre" in word for word in lines)
    assert not any(secret in word for word in lines)
    assert secret not in (tmp_path / "log").read_text()

"""When the resident starts a courier, and what it makes of its end."""

import json
from pathlib import Path

import pytest
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.sending import courier_process
from parcimetre_agent.sending.uploads import COURIER_LIMIT_S, DAMAGED, Uploads

PERIOD_S = 3600


class Child:
    """A courier that ends when the test says so."""

    code: int | None = None
    killed = False

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.killed = True


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Child:
    child = Child()
    monkeypatch.setattr(courier_process, "start", lambda _settings: child)
    return child


@pytest.fixture
def uploads(clock, tmp_path: Path, child: Child) -> Uploads:
    settings = {"upload_period_s": PERIOD_S}
    return Uploads(clock, Spool(str(tmp_path)), settings, json.dumps(settings))


def _started(clock, uploads: Uploads) -> None:
    clock.run(uploads.wait_s())
    assert uploads.due()
    uploads.start()


def test_first_courier_starts_within_ten_seconds_and_only_one_runs(clock, uploads: Uploads) -> None:
    assert uploads.wait_s() <= 10
    _started(clock, uploads)
    assert not uploads.due()


def test_sent_means_once_a_period(clock, uploads: Uploads, child: Child) -> None:
    _started(clock, uploads)
    child.code = 0
    uploads.check()
    assert PERIOD_S * 0.1 <= uploads.wait_s() <= PERIOD_S * 1.2


def test_failure_means_soon_again_and_never_before_the_collector_asked(
    clock, uploads: Uploads, child: Child, tmp_path: Path
) -> None:
    _started(clock, uploads)
    child.code = 1
    uploads.check()
    assert uploads.wait_s() <= 60
    Spool(str(tmp_path)).remember(retry_after_s=500.0)
    _started(clock, uploads)
    uploads.check()
    assert uploads.wait_s() >= 500


def test_hanging_courier_is_ended(clock, uploads: Uploads, child: Child) -> None:
    _started(clock, uploads)
    clock.run(COURIER_LIMIT_S + 1)
    uploads.check()
    assert child.killed
    assert uploads.wait_s() > 0


def test_machines_that_wake_together_do_not_send_together(clock, uploads: Uploads, child: Child) -> None:
    _started(clock, uploads)
    child.code = 0
    uploads.check()
    clock.sleep(8 * 3600)
    assert not uploads.due()
    assert uploads.wait_s() <= 300


def test_real_courier_that_cannot_be_understood_fails_without_taking_the_resident_along(capfd) -> None:
    child = courier_process.start("{")
    while child.poll() is None:
        pass
    assert child.poll() == 1
    assert "the courier failed" in capfd.readouterr().err


def test_spool_that_the_courier_finds_damaged_is_begun_anew(
    clock, uploads: Uploads, child: Child, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _started(clock, uploads)
    Path(tmp_path / "spool.sqlite").write_bytes(b"\xff" * 9000)
    child.code = DAMAGED
    uploads.check()
    assert Spool(str(tmp_path)).waiting().damaged == 1
    assert "renamed to .damaged" in capsys.readouterr().err
    assert uploads.wait_s() <= 60


@pytest.mark.parametrize(
    ("stated", "period_s"), [(10**12, 86_400), (0, 60), ("never", PERIOD_S), (float("inf"), 86_400)]
)
def test_a_period_stored_by_an_earlier_agent_silences_nobody(
    clock, tmp_path: Path, child: Child, stated: object, period_s: int
) -> None:
    spool = Spool(str(tmp_path))
    spool.remember(upload_period_s=stated, last_sent=clock.now().wall_s, device_id="not hexadecimal")
    uploads = Uploads(clock, spool, {"upload_period_s": None}, "{}")
    assert uploads.wait_s() <= 1.2 * period_s

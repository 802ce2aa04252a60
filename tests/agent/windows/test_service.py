"""The service of Windows: what is told of a state, and the log. Wine runs the rest (tests/deploy/msi)."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from parcimetre_agent.machine.waiting import STOP, TIME
from parcimetre_agent.service import windows_service
from parcimetre_agent.windows import log
from parcimetre_agent.windows.service import status

STOPPED, STOP_PENDING, RUNNING = 1, 3, 4
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (.*)")


def test_running_service_takes_stop_and_shutdown_and_a_stopping_one_asks_for_time() -> None:
    running, stopping = status(RUNNING), status(STOP_PENDING)
    assert (running.takes, running.wait_hint_ms) == (5, 0)
    assert (stopping.takes, stopping.wait_hint_ms > 0) == (0, True)


def test_exit_code_is_an_error_of_the_services_own_so_that_windows_starts_it_again() -> None:
    assert (status(STOPPED).error, status(STOPPED).own_error) == (0, 0)
    assert (status(STOPPED, 2).error, status(STOPPED, 2).own_error) == (1066, 2)


def test_missing_settings_are_looked_for_ever_more_rarely_until_windows_says_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> str:
        waits.append(seconds)
        return STOP if len(waits) == 9 else TIME

    monkeypatch.setattr(windows_service, "_prepared", str)
    monkeypatch.setattr(windows_service, "wait", wait)
    assert windows_service._measure() == 0
    assert (waits[0], waits[-1]) == (60, 3600)
    assert waits == sorted(waits)


def test_every_line_of_the_log_has_its_time_once() -> None:
    written = io.StringIO()
    timed = log.Timed(written)
    for text in ("first ", "line\nsecond\n", "third\n"):
        timed.write(text)
    lines = written.getvalue().splitlines()
    assert [match.group(1) for line in lines if (match := LINE.fullmatch(line))] == [
        "first line", "second", "third",
    ]  # fmt: skip


def test_log_takes_what_the_process_and_its_children_say_and_a_large_one_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / log.FILE_NAME
    file.write_bytes(b"x" * 1_000_001)
    child = (
        "import sys; from parcimetre_agent.windows import log; log.follow_log(); sys.stderr.write('child\\n')"
    )
    parent = (
        "import subprocess, sys; from parcimetre_agent.windows import log; log.open_log(sys.argv[1]);"
        "sys.stderr.write('parent\\n'); subprocess.run([sys.executable, '-c', sys.argv[2]], check=True)"
    )
    subprocess.run([sys.executable, "-c", parent, tmp_path, child], env=os.environ, check=True)
    lines = file.read_text().splitlines()
    assert [match.group(1) for line in lines if (match := LINE.fullmatch(line))] == ["parent", "child"]
    assert (tmp_path / "agent.log.1").stat().st_size > 1_000_000

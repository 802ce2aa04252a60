"""`make run`'s script on this very machine: its footprint is on the page within a minute."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[str]:
    """The script as the Makefile calls it, on a free port; the address it serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PORT": str(port), "DATA_DIR": str(tmp_path / "data")}
    script = subprocess.Popen(["sh", "tools/run.sh"], cwd=ROOT, env=env, start_new_session=True)
    yield f"http://127.0.0.1:{port}"
    os.killpg(script.pid, signal.SIGTERM)
    script.wait(timeout=30)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def _eventually(url: str, wanted: str) -> str:
    deadline = time.monotonic() + 60
    text = ""
    while time.monotonic() < deadline:
        try:
            text = _get(url)
        except OSError:
            text = ""
        if re.search(wanted, text):
            return text
        time.sleep(1)
    pytest.fail(f"{url} does not show {wanted!r} within 60 s: {text[:500]}")


def _value(term: dict[str, object]) -> float:
    """Recompute an explained figure from its leaves."""
    inputs = term.get("inputs") or []
    assert isinstance(inputs, list)
    if not inputs:
        return float(str(term["value"]))
    values = [_value(child) for child in inputs]
    if term["operation"] == "sum":
        return sum(values)
    if term["operation"] == "product":
        result = 1.0
        for value in values:
            result *= value
        return result
    assert term["operation"] == "quotient"
    return values[0] / values[1]


@pytest.mark.slow
def test_this_machines_footprint_shows_within_a_minute_and_its_explanation_adds_up(running: str) -> None:
    listing = json.loads(_eventually(f"{running}/v1/devices", '"id"'))
    device = listing["items"][0]["id"]
    _eventually(f"{running}/v1/footprint?group_by=stage&interval=total", r'"use"')
    page = _get(f"{running}/devices/{device}?lang=en")
    assert "Manufacturing" in page
    assert device in _get(f"{running}/")
    explained = json.loads(_get(f"{running}/v1/explain?device={device}"))
    figure = explained["term"]
    assert figure["value"] > 0
    assert _value(figure) == pytest.approx(figure["value"], rel=1e-12)


@pytest.mark.slow
def test_port_in_use_stops_the_script_with_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        env = {**os.environ, "PORT": str(port), "DATA_DIR": str(tmp_path / "data")}
        done = subprocess.run(
            ["sh", "tools/run.sh"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
    assert sys.executable not in done.stdout

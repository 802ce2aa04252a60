"""The agent itself on Windows, as far as Wine is Windows: Python for Windows runs this checkout's code.

`make wine` sets it up. What Wine has not (energy meters, batteries, display announcements, firmware texts) is
tested on constructed answers beside this file.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from parcimetre_agent.report import Report
from pydantic import TypeAdapter

from tests.end_to_end.conftest import Collector

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from set_up_wine import ABSENT, FOLDER, PREFIX, READY
from wine import WINE, Program, environment, session, windows_path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (READY.exists() and WINE.exists()),
        reason=ABSENT.read_text() if ABSENT.exists() else "Wine is not set up: make wine",
    ),
]

KEY = r"HKLM\SOFTWARE\Parcimetre\Agent"


def _start(*command: object, **environ: str) -> Program:
    return Program([*command], environment(PREFIX) | environ, FOLDER)


def _run(*command: object, **environ: str) -> str:
    code, out, err = _start(*command, **environ).ended()
    assert code == 0, err + out
    return out


def _agent(*arguments: object, **environ: str) -> str:
    return _run("python/python.exe", "-m", "parcimetre_agent", *arguments, **environ)


@pytest.fixture(scope="module", autouse=True)
def windows() -> Iterator[None]:
    """Wine runs for all of these tests."""
    with session(environment(PREFIX)):
        yield


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real collector on a free port, and the file with an enrolment secret."""
    served = Collector(tmp_path_factory.mktemp("collector"))
    served.start()
    secret = served.folder / "secret"
    secret.write_text(served.secret("Wine")["secret"])
    yield served.url, secret
    served.stop()


def _eventually(url: str, wanted: str) -> str:
    deadline = time.monotonic() + 240
    text = ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                text = answer.read().decode()
            if wanted in text:
                return text
        except OSError:
            text = ""
        time.sleep(0.5)
    pytest.fail(f"{url} does not show {wanted!r} within 240 s: {text[:500]}")


def test_report_made_on_windows_is_valid_and_no_sensor_fails() -> None:
    report = TypeAdapter(Report).validate_json(_agent("once", "--print"))
    assert report.inventory is not None
    assert [one for one in report.inventory.outcomes if one.state in ("failed", "denied")] == []
    assert "Windows" in report.inventory.os.name
    assert report.inventory.cpus[0].threads
    assert report.inventory.memory
    assert report.slots[0].display_on_s + report.slots[0].display_off_s > 0


def test_inventory_is_shown_to_people() -> None:
    assert "processor: 1 x" in _agent("inventory")


def test_clocks_of_windows_run_and_agree() -> None:
    script = (
        "import time; from parcimetre_agent.machine.clock import Clock; clock = Clock();"
        "a = clock.now(); time.sleep(1); b = clock.now();"
        "print(b.monotonic_s - a.monotonic_s, b.boottime_s - a.boottime_s, a.boot_id == b.boot_id)"
    )
    awake_s, since_boot_s, same_boot = _run("python/python.exe", "-c", script).split()
    assert float(awake_s) >= 0.9
    assert float(since_boot_s) == pytest.approx(float(awake_s), abs=0.1)
    assert same_boot == "True"


def test_devices_are_listed_with_paths_and_instance_names() -> None:
    script = (
        "from parcimetre_agent.windows.devices import Devices; seen = Devices();"
        "print(*seen.interfaces('{5b45201d-f2f2-4f3b-85bb-30ff1f953599}'));"
        "print(*seen.present('{4d36e968-e325-11ce-bfc1-08002be10318}'))"
    )
    path, name = _run("python/python.exe", "-c", script).splitlines()
    assert path.startswith("\\\\?\\pci#")
    assert name.startswith("PCI\\VEN_")


def test_resident_loads_nothing_it_does_not_need_on_windows_either() -> None:
    script = (
        "import sys; from parcimetre_agent.recording import sampling;"
        "from parcimetre_agent.service import resident;"
        "from parcimetre_agent.machine.clock import Clock;"
        "sampling.Sampler().sample(Clock().now()); print(*sys.modules)"
    )
    loaded = set(_run("python/python.exe", "-c", script).split())
    assert "parcimetre_agent.power.emi_windows" in loaded
    assert not loaded & {"httpx", "ssl", "hashlib", "pathlib", "dataclasses", "argparse", "logging", "random"}
    heavy = ("report", "configuration.settings", "sending.transport", "cli")
    assert not loaded & {f"parcimetre_agent.{name}" for name in heavy}


def test_interrupt_ends_the_residents_wait() -> None:
    script = (
        "import signal, threading; from parcimetre_agent.machine import waiting; waiting.block_signals();"
        "threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start(); print(waiting.wait(600))"
    )
    assert _run("python/python.exe", "-c", script).strip() == "stop"


def test_resident_enrols_measures_and_its_courier_reports(
    collector: tuple[str, Path], tmp_path: Path
) -> None:
    url, secret = collector
    where = ("--server", url, "--data-dir", windows_path(tmp_path / "data"))
    options = (*where, "--secret-file", windows_path(secret), "--sample-period", 1, "--upload-period", 60)
    run = ("python/python.exe", "-m", "parcimetre_agent", "run", *options)
    resident = _start(*run)
    try:
        listing = json.loads(_eventually(f"{url}/v1/devices", '"last_slot":1'))
        code, _, err = _start(*run).ended()
        assert (code, "another agent uses" in err) == (2, True)
    finally:
        resident.kill()
    device = listing["items"][0]
    assert device["id"] in _agent("status", *where)
    assert f"records of device {device['id']}" in _agent("once", *where)


def test_data_folder_is_made_for_windows_administrators_and_its_owner_alone(
    collector: tuple[str, Path],
) -> None:
    url, secret = collector
    folder = rf"C:\ProgramData\Parcimetre-{os.getpid()}"
    _agent("enrol", "--server", url, "--secret-file", windows_path(secret), "--data-dir", folder)
    script = (
        "import sys, pathlib; from parcimetre_agent.configuration.data_dir import others_with_access as seen;"
        "shared = pathlib.Path(sys.argv[1] + '-shared'); shared.mkdir();"
        "print(seen(sys.argv[1]), seen(str(shared)))"
    )
    assert _run("python/python.exe", "-c", script, folder).strip() == "[] ['Everyone']"


def test_settings_of_the_registry_stand_between_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('upload_period = 1111\nca_file = "Z:/ca.pem"\n')
    _run("reg", "add", KEY, "/v", "UPLOAD_PERIOD", "/t", "REG_DWORD", "/d", "2222", "/f")
    _run("reg", "add", KEY, "/v", "SAMPLE_PERIOD", "/t", "REG_SZ", "/d", "20", "/f")
    try:
        script = (
            "import os, sys, pathlib; from parcimetre_agent.configuration.settings import resolve;"
            "s = resolve({}, os.environ, pathlib.Path(sys.argv[1]));"
            "print(s.upload_period_s, s.sample_period_s, s.ca_file)"
        )
        shown = _run(
            "python/python.exe", "-c", script, windows_path(file), PARCIMETRE_AGENT_SAMPLE_PERIOD="10"
        )
    finally:
        _run("reg", "delete", KEY, "/f")
    assert shown.split() == ["2222", "10", "Z:\\ca.pem"]

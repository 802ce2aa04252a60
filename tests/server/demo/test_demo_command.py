"""The command as a user runs it, against a collector of its own."""

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx
import pytest
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import FactKind

from ... import programs
from ..fact_shapes import faults

PARCIMETRE = str(Path(sys.executable).with_name("parcimetre"))
PATIENCE_S = 60


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command's outcome."""
    return programs.run("parcimetre", *arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the collector."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """Address of a collector that runs while this file's tests do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    serve = [PARCIMETRE, "serve", "--data-dir", str(folder), "--port", str(port), "--trust-this-machine"]
    with subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(address, process)
            yield address
        finally:
            process.terminate()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the collector did not start: exit code {process.poll()}")


def demo(folder: Path, url: str, *more: str) -> dict[str, int]:
    """Send a small fleet and give the command's answer."""
    told = run("demo", "--data-dir", str(folder), "--server", url, "--days", "2", "--json", *more)
    assert told.returncode == 0, told.stderr
    answer: dict[str, int] = json.loads(told.stdout)
    return answer


def listed(folder: Path) -> list[dict[str, object]]:
    """Devices as the collector lists them."""
    told = run("devices", "--data-dir", str(folder), "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    rows: list[dict[str, object]] = found if isinstance(found, list) else found["devices"]
    return rows


@pytest.mark.slow
def test_a_fleet_sent_twice_is_there_once_and_marked_as_simulated(folder: Path, url: str) -> None:
    once = demo(folder, url, "--devices", "12")
    assert once["devices"] == 12
    assert once["accepted"] > 0
    assert once["refused"] == 0
    seen = {device["id"] for device in listed(folder)}
    again = demo(folder, url, "--devices", "12")
    assert again["accepted"] <= 12  # a quarter hour may have ended in between
    assert again["duplicates"] >= once["accepted"] - 12
    devices = listed(folder)
    assert len([device for device in devices if device["driven_by"] is None]) == 12
    assert {device["id"] for device in devices} == seen
    assert all(device["simulated"] for device in devices)


def told_of_outlets(folder: Path) -> list[dict[str, object]]:
    """Outlets as the collector lists them."""
    told = run("outlets", "list", "--data-dir", str(folder), "--json")
    assert told.returncode == 0, told.stderr
    rows: list[dict[str, object]] = json.loads(told.stdout)
    return rows


@pytest.mark.slow
def test_what_a_gateway_reports_is_there_once_and_hangs_where_it_was_stated(folder: Path, url: str) -> None:
    # four days: nobody prints at a weekend
    once = demo(folder, url, "--devices", "100", "--days", "4")
    assert (once["devices"], once["refused"]) == (108, 0)
    seen = {one["id"]: one for one in listed(folder) if one["driven_by"] is None}
    counted = Counter(one["category"] for one in seen.values())
    assert (counted["printer"], counted["network"], counted["pdu"]) == (4, 3, 1)
    hanging = {(one["feeder_name"], one["outlet"]): one["device_name"] for one in told_of_outlets(folder)}
    assert hanging == {
        ("demo-met-pdu-01", "outlet 1"): "demo-met-000029",
        ("demo-met-pdu-01", "outlet 8"): "",
        ("demo-met-switch-01", "Gi1/0/1"): "demo-met-ap-01",
        ("demo-met-switch-01", "Gi1/0/2"): "demo-met-ap-02",
        ("demo-met-switch-01", "Gi1/0/7"): "",
    }
    paper = printed(url)
    assert paper > 0
    again = demo(folder, url, "--devices", "100", "--days", "4")
    assert again["accepted"] <= 108 + len(hanging)  # a quarter hour may have ended in between
    assert {one["id"] for one in listed(folder) if one["driven_by"] is None} == set(seen)
    assert printed(url) == pytest.approx(paper, rel=0.2)


@pytest.mark.slow
def test_every_fact_that_the_collector_stored_has_the_shape_of_its_kind(folder: Path, url: str) -> None:
    demo(folder, url, "--devices", "100")
    store = open_store(folder)
    facts = [fact for kind in get_args(FactKind) for fact in store.history(kind)]
    store.close()
    assert {"device", "inventory", "monitor", "outlet", "feeding", "printing"} <= {
        fact.kind for fact in facts
    }
    assert [fault for fact in facts for fault in faults(fact)] == []


@pytest.mark.slow
def test_an_outlet_that_somebody_mapped_otherwise_stays_as_it_is(
    folder: Path, url: str, tmp_path: Path
) -> None:
    demo(folder, url, "--devices", "100")
    stated = tmp_path / "map.csv"
    stated.write_text("feeder;outlet;device;from\ndemo-met-switch-01;Gi1/0/2;;2026-01-01\n")
    assert run("outlets", "import", "--data-dir", str(folder), str(stated)).returncode == 0
    demo(folder, url, "--devices", "100")
    (port,) = [one for one in told_of_outlets(folder) if one["outlet"] == "Gi1/0/2"]
    assert port["device"] is None


def printed(url: str) -> float:
    """Impressions of the last week."""
    (row,) = httpx.get(f"{url}/v1/printing").raise_for_status().json()["rows"]
    return float(row["counted"]["impressions"])


@pytest.mark.slow
def test_a_folder_of_another_collector_is_said_with_the_mend(url: str, tmp_path: Path) -> None:
    told = run("demo", "--data-dir", str(tmp_path), "--server", url, "--devices", "1")
    assert told.returncode == 2
    assert "--data-dir" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_no_collector_at_the_address_is_one_sentence_with_the_mend(tmp_path: Path) -> None:
    told = run("demo", "--data-dir", str(tmp_path), "--server", "http://127.0.0.1:1")
    assert told.returncode == 2
    assert "parcimetre serve" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert not any(tmp_path.iterdir())


def test_help_shows_an_example() -> None:
    told = run("demo", "--help")
    assert told.returncode == 0
    assert "parcimetre demo --data-dir" in told.stdout

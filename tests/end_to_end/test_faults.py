"""A full disk, a store that became read-only, two collectors on one folder: nothing acknowledged is lost."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId

linux = pytest.mark.skipif(sys.platform != "linux", reason="not applicable: limits and mounts of Linux")
EPOCH = int(time.time()) // SLOT_S * SLOT_S
MOST_REPORTS = 400


def slots(first: int, count: int) -> list[Slot]:
    """The slots that lie `first` and more quarter hours back."""
    return [Slot(EPOCH - (first + i + 1) * SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9]) for i in range(count)]


def sent_until_refused(machine) -> int:
    """Send one day after the other; how many were acknowledged before the first was not."""
    for day in range(MOST_REPORTS):
        try:
            assert machine.report(slots(96 * day, 96))["accepted"] == 96
        except Unreachable:
            return day
    raise AssertionError("the disk was never full")


def mounted(folder: Path, *options: str) -> bool:
    """Whether a file system in memory could be mounted there."""
    line = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A folder on a disk of 2 MiB; skipped where this user may not mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not mounted(folder, "size=2m"):
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def overfill_and_mend(collector, machine, mend: Callable[[], None]) -> None:
    """Fill the disk, mend it, and find every acknowledged slot exactly once."""
    acknowledged = sent_until_refused(machine)
    with pytest.raises(Unreachable, match="the report was not stored"):
        machine.report(slots(96 * acknowledged, 96))
    mend()
    assert machine.report(slots(96 * acknowledged, 96))["accepted"] == 96
    assert machine.report(slots(0, 96))["duplicates"] == 96
    collector.kill()
    store = open_store(collector.folder)
    found = store.activity(DeviceId(machine.device_id), 0, EPOCH + SLOT_S)
    assert found.start.tolist() == sorted(slot.start for slot in slots(0, 96 * (acknowledged + 1)))
    assert found.display_on_s.tolist() == [900] * 96 * (acknowledged + 1)
    store.close()
    log = collector.log.read_text()
    assert "could not be written; their agents will send them again" in log
    assert "free disk space" in log
    assert "Traceback" not in log


@pytest.mark.slow
@linux
def test_on_a_full_disk_nothing_is_acknowledged_and_it_goes_on_once_there_is_room(
    small_disk, collector_at, enrol_at
):
    collector = collector_at(small_disk / "data", log=small_disk.with_name("collector.log"))
    ready = httpx.get(f"{collector.url}/readyz", trust_env=False)
    assert (ready.status_code, ready.json()["type"]) == (503, "/problems/not-ready")

    def mend() -> None:
        line = ["mount", "-o", "remount,size=64m", str(small_disk)]
        subprocess.run(line, check=True)

    overfill_and_mend(collector, enrol_at(collector, collector.secret()["secret"]), mend)


@pytest.mark.slow
@linux
def test_files_that_may_not_grow_are_told_and_it_goes_on_once_they_may(collector, machine):
    device = machine()
    unlimited = resource.prlimit(collector.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(collector.pid, resource.RLIMIT_FSIZE, (300_000, unlimited[1]))
    acknowledged = sent_until_refused(device)
    assert httpx.get(f"{collector.url}/healthz", trust_env=False).is_success
    resource.prlimit(collector.pid, resource.RLIMIT_FSIZE, unlimited)
    for day in range(acknowledged):
        assert device.report(slots(96 * day, 96))["duplicates"] == 96
    assert device.report(slots(96 * acknowledged, 96))["accepted"] == 96
    assert "could not be written; their agents will send them again" in collector.log.read_text()
    assert "Traceback" not in collector.log.read_text()


@pytest.mark.slow
@linux
def test_a_store_on_a_read_only_disk_is_named_with_the_mend(small_disk, collector_at, enrol_at):
    collector = collector_at(small_disk / "data", log=small_disk.with_name("collector.log"))
    device = enrol_at(collector, collector.secret()["secret"])
    assert device.report(slots(0, 4))["accepted"] == 4
    collector.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = collector.command("serve", "--port", "0")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "give this user write access" in done.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    collector.start()
    assert device.report(slots(0, 5)) | {"next_upload_s": 0} == {
        "accepted": 1, "duplicates": 4, "refused": [], "next_upload_s": 0,
    }  # fmt: skip
    collector.kill()


@pytest.mark.slow
def test_two_collectors_on_one_folder_keep_each_slot_once(collector, collector_at, machine):
    other = collector_at(collector.folder)
    machines = [machine() for _ in range(4)]
    clients = [httpx.Client(base_url=one.url, trust_env=False, timeout=60) for one in (collector, other)]

    def alternate(number: int) -> int:
        """Send each slot to both collectors; how many times one was new."""
        accepted = 0
        for i in range(40):
            for client in clients[:: 1 if number % 2 else -1]:
                accepted += replace(machines[number], client=client).report(slots(i, 1))["accepted"]
        return accepted

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(alternate, range(4))) == [40] * 4
    for client in clients:
        client.close()
    other.stop()
    collector.stop()
    store = open_store(collector.folder)
    for device in machines:
        found = store.activity(DeviceId(device.device_id), 0, EPOCH)
        assert found.start.tolist() == [EPOCH - i * SLOT_S for i in range(40, 0, -1)]
    store.close()


def test_the_log_of_a_session_holds_no_secret_credential_host_name_or_body(tmp_path, collector_at, enrol_at):
    collector = collector_at(tmp_path / "collector", "--log-format", "json", "--access-log")
    secret = collector.secret()["secret"]
    device = enrol_at(collector, secret, hostname="pc-de-marie")
    device.report(slots(0, 2))
    odd = {
        "schema": 1, "device_id": device.device_id, "sent_at": EPOCH, "agent_version": "1",
        "slots": [{"start": "pc-de-marie", "user": "marie"}], "marie": 1,
    }  # fmt: skip
    assert device.post(odd).status_code == 422
    assert device.post({key: odd[key] for key in odd if key != "marie"}).status_code == 200
    with httpx.Client(base_url=collector.url, trust_env=False) as client:
        client.get("/v1/devices/pc-de-marie")
        client.get("/pc-de-marie")
        client.get("/v1/devices", params={"q": "pc-de-marie"})
        client.post("/v1/enrol", json={"secret": secret, "marie": "marie"})
        client.post("/v1/reports", content=b"pc-de-marie", headers={"Authorization": "Bearer marie"})
    collector.stop()
    log = collector.log.read_text()
    assert len(log.splitlines()) > 8
    assert all({"time", "level", "event"} <= json.loads(line).keys() for line in log.splitlines())
    assert not [word for word in (secret, device.credential, "marie") if word in log]

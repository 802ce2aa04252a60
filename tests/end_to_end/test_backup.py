"""Backups, keys and deletion while the collector serves."""

import json
import threading
import time

import pytest
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId

EPOCH = int(time.time()) // SLOT_S * SLOT_S


def slot(number: int) -> Slot:
    """The slot that lies `number` quarter hours back."""
    return Slot(EPOCH - (number + 1) * SLOT_S, SLOT_S, 0, 0, 0, 0)


class Stream:
    """A machine that sends slot after slot until it is told that it is over."""

    def __init__(self, machine) -> None:
        self.machine, self.acknowledged, self.over = machine, 0, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self.over.is_set():
            told = self.machine.report([slot(self.acknowledged)])
            assert told["accepted"] == 1
            self.acknowledged += 1

    def reached(self, count: int) -> int:
        """Wait until so many were acknowledged; how many were."""
        deadline = time.monotonic() + 60
        while self.acknowledged < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self.acknowledged

    def end(self) -> None:
        self.over.set()
        self._thread.join()


@pytest.mark.slow
def test_every_slot_acknowledged_before_a_backup_is_restored_after_a_kill(collector, machine, tmp_path):
    streams = [Stream(machine()) for _ in range(2)]
    file = tmp_path / "backup.tar.gz"
    try:
        before = [stream.reached(20) for stream in streams]
        done = collector.command("backup", "create", file, "--json")
        assert done.returncode == 0, done.stderr
        for stream in streams:
            stream.reached(stream.acknowledged + 5)
    finally:
        for stream in streams:
            stream.end()
    collector.kill()
    refused = collector.command("backup", "restore", file)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--force" in refused.stderr
    assert collector.command("backup", "restore", file, "--force").returncode == 0
    store = open_store(collector.folder)
    for stream, count in zip(streams, before, strict=True):
        found = store.activity(DeviceId(stream.machine.device_id), 0, EPOCH + SLOT_S)
        kept = len(found.start)
        assert count <= kept < stream.acknowledged
        assert found.start.tolist() == sorted(slot(n).start for n in range(kept))
    store.close()
    collector.start()
    for stream in streams:
        told = stream.machine.report([slot(n) for n in range(stream.acknowledged)])
        assert told["accepted"] + told["duplicates"] == stream.acknowledged
        assert told["accepted"] > 0, "what came after the backup is taken again"


def test_acts_on_a_running_collector_hold_within_seconds(collector, machine):
    one = machine()
    assert one.report([slot(0)])["accepted"] == 1
    done = collector.command("credential-key", "rotate", "--json")
    assert done.returncode == 0, done.stderr
    deadline = time.monotonic() + 30
    while "credential" not in (told := one.report([slot(1)])):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert told["credential"] != one.credential
    assert collector.command("devices", "revoke", one.device_id).returncode == 0
    while (answer := one.post({})).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "revoked" in answer.json()["detail"]
    log = json.loads(collector.command("devices", "audit", "--json").stdout)
    assert [entry["act"] for entry in log] == [
        "secret created", "device enrolled", "credential key rotated", "device revoked",
    ]  # fmt: skip
    assert all(entry["who"] for entry in log)


def test_a_device_deleted_from_a_running_collector_is_in_no_file_of_it(collector, machine):
    gone, stays = machine(), machine()
    for one in (gone, stays):
        assert one.report([slot(n) for n in range(50)])["accepted"] == 50
    assert gone.device_id.encode() in _bytes(collector)
    done = collector.command("devices", "delete", gone.device_id, "--reason", "asked for", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert gone.device_id.encode() not in _bytes(collector)
    assert gone.post({"schema": 1}).status_code in (401, 409, 422)
    assert stays.report([slot(n) for n in range(60)]) == {
        "accepted": 10, "duplicates": 50, "refused": [], "next_upload_s": 3600,
    }  # fmt: skip
    assert gone.device_id.encode() not in _bytes(collector)


def _bytes(collector) -> bytes:
    return b"".join(file.read_bytes() for file in collector.folder.rglob("*") if file.is_file())

"""What the collector takes in: durable reports a second, waiting, memory and bytes a slot, by fleet size.

Real HTTP, the demonstration fleet's hourly reports, answers counted only when they say that everything was
taken. Beside it, in the same run, a bare Starlette app that only commits the raw body. The server has one
core, the agents the other: read the ratios.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from parcimetre_agent.report import Report, Slot
from parcimetre_server.collector import open_collector
from parcimetre_server.credentials import Credentials
from parcimetre_server.demo.fleet import fleet
from parcimetre_server.demo.records import slots
from parcimetre_server.settings import Settings
from parcimetre_server.store import DeviceId, Fact
from pydantic import TypeAdapter

SIZES = (1_500, 15_000, 150_000)
MODELS = 1_500
CONNECTIONS = 64
HOUR_S = 3600
SERVER_CORE, AGENTS_CORE = 0, 1
READY_S = 60
REPORT = TypeAdapter(Report)
BARE = Path(__file__).with_name("bare_ingest.py")


class Load(NamedTuple):
    """What one run of agents met."""

    reports: int
    seconds: float
    waits_ms: np.ndarray


@dataclass(frozen=True)
class Sample:
    """A machine's hour, as JSON of which the device id is exchanged."""

    text: bytes
    slots: int


def samples(now: int) -> list[Sample]:
    """The last whole hour of each of the demonstration fleet's models at work, without gaps."""
    hour = now // HOUR_S * HOUR_S - HOUR_S
    found = []
    for device in fleet(MODELS, 1):
        taken = list(slots(device, hour, hour + HOUR_S)) or [
            Slot(hour + 900 * i, 0, 0, 900, 0, 0) for i in range(4)
        ]
        report = Report(1, "0" * 32, now, "bench", taken)
        found.append(Sample(REPORT.dump_json(report, exclude_none=True), len(taken)))
    return found


def enrolled(data_dir: Path, devices: int, now: int) -> list[tuple[str, str]]:
    """Device ids and credentials of that many devices, written as enrolment writes them."""
    collector = open_collector(Settings(data_dir), create=True)
    credentials = Credentials(collector)
    ids = [DeviceId(secrets.token_hex(16)) for _ in range(devices)]
    body = {
        "category": "laptop", "org_unit": "Bench", "site": "default", "hostname": None, "simulated": True,
        "virtual": "none", "install_id": "0" * 32, "fingerprint": None, "enrolled_at": now,
        "agent_version": "bench", "retired_at": None, "scrapped": False,
    }  # fmt: skip
    collector.store.append([Fact("device", one, now, body) for one in ids])
    issued = [(str(one), credentials.issue(one, now)) for one in ids]
    collector.store.close()
    return issued


def requests(
    known: list[tuple[str, str]], hours: list[Sample], port: int, limit: int
) -> tuple[list[bytes], int]:
    """Whole HTTP requests, one a device, at most `limit` of them spread over the fleet; and their slots."""
    step = max(1, len(known) // limit)
    made, count = [], 0
    for i, (device, credential) in enumerate(known[::step]):
        hour = hours[i % len(hours)]
        body = gzip.compress(hour.text.replace(b"0" * 32, device.encode()), compresslevel=1)
        head = (
            f"POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {credential}\r\n"
            f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
        count += hour.slots
    return made, count


def drive(port: int, made: list[bytes]) -> Load:
    """Send every request once over CONNECTIONS kept-alive connections; raises when one is not taken whole."""
    chooser = selectors.DefaultSelector()
    waiting = iter(made)
    waits: list[float] = []
    sent: dict[socket.socket, float] = {}
    pending: dict[socket.socket, bytes] = {}
    begin = time.perf_counter()
    for _ in range(min(CONNECTIONS, len(made))):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(link, selectors.EVENT_READ)
        sent[link], pending[link] = time.perf_counter(), b""
        link.sendall(next(waiting))
    while sent:
        for key, _ in chooser.select(READY_S):
            link = key.fileobj
            assert isinstance(link, socket.socket)
            pending[link] += link.recv(65536)
            if not _complete(pending[link]):
                continue
            waits.append(time.perf_counter() - sent[link])
            pending[link] = b""
            following = next(waiting, None)
            if following is None:
                chooser.unregister(link)
                link.close()
                del sent[link]
            else:
                sent[link] = time.perf_counter()
                link.sendall(following)
    return Load(len(made), time.perf_counter() - begin, np.array(waits) * 1000)


def _complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    if len(body) < length:
        return False
    if not head.startswith(b"HTTP/1.1 200") or b'"refused":[]' not in body:
        raise SystemExit(f"a report was not taken: {answer[:400].decode(errors='replace')}")
    return True


@contextmanager
def serving(command: list[str], port: int) -> Iterator[psutil.Process]:
    """A server on its own core, until it answers, and then stopped."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = psutil.Process(child.pid)
    process.cpu_affinity([SERVER_CORE])
    deadline = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            if time.monotonic() > deadline or child.poll() is not None:
                raise SystemExit(f"{command[0]} did not start") from None
            time.sleep(0.1)
    try:
        yield process
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(READY_S)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def size_of(data_dir: Path) -> int:
    """Bytes that the store takes on disk."""
    return sum(file.stat().st_size for file in data_dir.glob("store.sqlite3*"))


def told(name: str, load: Load, rss_mib: float, more: str = "") -> float:
    """Print a line; returns reports a second."""
    rate = load.reports / load.seconds
    p50, p99 = np.percentile(load.waits_ms, [50, 99])
    print(f"{name:32} {rate:9,.0f} {p50:9.1f} {p99:9.1f} {rss_mib:9.0f}  {more}")
    return rate


def bare(made: list[bytes]) -> float:
    """The peer: the raw body, committed in groups, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with serving([sys.executable, str(BARE), folder, str(port)], port) as process:
            drive(port, made[:2000])
            return told("bare Starlette, raw body", drive(port, made), process.memory_info().rss / 2**20)


def collector(devices: int, hours: list[Sample], limit: int, now: int) -> tuple[float, list[bytes]]:
    """This collector, with so many devices."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir, port = Path(folder), free_port()
        known = enrolled(data_dir, devices, now)
        made, count = requests(known, hours, port, limit)
        before = size_of(data_dir)
        command = [str(Path(sys.executable).with_name("parcimetre")), "serve", "--data-dir", folder]
        with serving([*command, "--port", str(port)], port) as process:
            load = drive(port, made)
            rss = process.memory_info().rss / 2**20
        grown = (size_of(data_dir) - before) / count
        return told(
            f"collector, {devices:,} devices", load, rss, f"{grown:.1f} bytes a slot, of one hour"
        ), made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, nargs="*", default=SIZES)
    parser.add_argument("--limit", type=int, default=15_000, help="reports a run at the most")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {AGENTS_CORE})
    now = int(time.time())
    hours = samples(now)
    body = np.mean([len(hour.text) for hour in hours])
    print(f"reports of {body:,.0f} bytes before gzip, {CONNECTIONS} connections; waits in ms, memory in MiB")
    print(f"{'':32} {'reports/s':>9} {'p50':>9} {'p99':>9} {'RSS':>9}")
    rates = []
    for devices in asked.devices:
        rate, made = collector(devices, hours, asked.limit, now)
        rates.append(rate)
    peer = bare(made)
    print(f"ratio to the bare app: {', '.join(f'{rate / peer:.2f}' for rate in rates)}")
    print(f"cost of a report, largest fleet over smallest: {rates[0] / rates[-1]:.2f}")
    print(json.dumps({"devices": list(asked.devices), "reports_s": [round(rate) for rate in rates]}))


if __name__ == "__main__":
    main()

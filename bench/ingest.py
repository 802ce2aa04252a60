"""What the collector takes in: durable reports a second, waiting, memory and bytes a slot, by fleet size.

Real HTTP, the demonstration fleet's hourly reports, answers counted only when they say that everything was
taken; on the embedded store and, where clickhouse-server is installed, on one that runs beside the agents.
Each fleet sends the same number of reports, a small one those of several hours, after each device that sends
was heard once: what a collector does once at its start, and once for each device, is not measured.
Beside it, in the same run, a bare Starlette app that only commits the raw body. The server has one core, the
agents the other: read the ratios. Bytes a slot are those of a fleet's year, its days over and sealed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import psutil
from parcimetre_agent.report import Report, Slot
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.access.opening import open_context
from parcimetre_server.configuration.settings import Settings, StoreAddress
from parcimetre_server.demo.fleet import DemoDevice, fleet
from parcimetre_server.demo.records import activity, slots
from parcimetre_server.ingest.plausibility import expand
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch
from pydantic import TypeAdapter

sys.path.append(str(Path(__file__).parents[1] / "tests/server/store"))
from clickhouse_server import BINARY, PASSWORD, USER, ClickHouse

SIZES = (1_500, 15_000, 150_000)
MODELS = 1_500
WARM_UP = 1_000
FILLED, YEAR_DAYS = 60, 365
CONNECTIONS = 64
PARIS = ZoneInfo("Europe/Paris")
HOUR_S, DAY_S = 3600, 86_400
Hours = Callable[[int], list[bytes]]
SERVER_CORE, AGENTS_CORE = 0, 1
READY_S = 60
SETTLED_S = 2.0
REPORT = TypeAdapter(Report)
BARE = Path(__file__).with_name("bare_ingest.py")


class Load(NamedTuple):
    """What one run of agents met."""

    reports: int
    seconds: float
    cpu_s: float
    waits_ms: np.ndarray


def samples(now: int, back: int) -> list[bytes]:
    """The last whole hour of each of the demonstration fleet's models at work, told of so many hours before.

    Each is a report as JSON, of which the device id is exchanged.
    """
    hour = now // HOUR_S * HOUR_S - HOUR_S
    found = []
    for device in fleet(MODELS, 1):
        taken = list(slots(device, hour, hour + HOUR_S)) or [
            Slot(hour + 900 * i, 0, 0, 900, 0, 0) for i in range(4)
        ]
        told = [replace(slot, start=slot.start - back * HOUR_S) for slot in taken]
        found.append(REPORT.dump_json(Report(1, "0" * 32, now, "bench", told), exclude_none=True))
    return found


def enrolled(settings: Settings, devices: int, now: int) -> list[tuple[str, str]]:
    """Device ids and credentials of that many devices, written as enrolment writes them."""
    context = open_context(settings, create=True)
    credentials = Credentials(context)
    ids = [DeviceId(secrets.token_hex(16)) for _ in range(devices)]
    body = {
        "category": "laptop", "org_unit": "Bench", "site": "default", "hostname": None, "simulated": True,
        "virtual": "none", "install_id": "0" * 32, "fingerprint": None, "enrolled_at": now,
        "agent_version": "bench", "retired_at": None, "scrapped": False,
    }  # fmt: skip
    context.store.append([Fact("device", one, now, body) for one in ids])
    issued = [(str(one), credentials.issue(one, now)) for one in ids]
    context.store.close()
    return issued


def requests(known: list[tuple[str, str]], of_models: list[bytes], port: int) -> list[bytes]:
    """Whole HTTP requests, one a device."""
    made = []
    for (device, credential), text in zip(known, cycle(of_models), strict=False):
        body = gzip.compress(text.replace(b"0" * 32, device.encode()), compresslevel=1)
        head = (
            f"POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {credential}\r\n"
            f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def drive(port: int, made: list[bytes], server: psutil.Process | None = None) -> Load:
    """Send every request once over CONNECTIONS kept-alive connections; raises when one is not taken whole."""
    chooser = selectors.DefaultSelector()
    waiting = iter(made)
    waits: list[float] = []
    sent: dict[socket.socket, float] = {}
    pending: dict[socket.socket, bytes] = {}
    begin, used_s = time.perf_counter(), cpu_of(server)
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
    return Load(len(made), time.perf_counter() - begin, cpu_of(server) - used_s, np.array(waits) * 1000)


def cpu_of(server: psutil.Process | None) -> float:
    """Processor seconds that a process has used."""
    return sum(server.cpu_times()[:2]) if server else 0.0


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
    settled(process)
    try:
        yield process
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(READY_S)


def settled(process: psutil.Process) -> None:
    """Wait until a server has done what it does once at its start."""
    while process.cpu_percent(SETTLED_S) > 1:
        pass


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def size_of(data_dir: Path) -> int:
    """Bytes that the store takes on disk."""
    return sum(file.stat().st_size for file in data_dir.glob("store.sqlite3*"))


def told(name: str, load: Load, process: psutil.Process) -> float:
    """Print a line; returns reports a second."""
    rate = load.reports / load.seconds
    cpu_us, rss_mib = load.cpu_s / load.reports * 1e6, process.memory_info().rss / 2**20
    p50, p99 = np.percentile(load.waits_ms, [50, 99])
    print(f"{name:32} {rate:9,.0f} {cpu_us:9.0f} {p50:9.1f} {p99:9.1f} {rss_mib:9.0f}")
    return rate


def bare(made: list[bytes]) -> float:
    """The peer: the raw body, committed in groups, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with serving([sys.executable, str(BARE), folder, str(port)], port) as process:
            drive(port, made[:WARM_UP])
            return told("bare Starlette, raw body", drive(port, made, process), process)


def context(
    settings: Settings, devices: int, hours: Hours, limit: int, now: int
) -> tuple[float, list[bytes]]:
    """This collector, with so many devices that send `limit` reports, those of the oldest hour first."""
    port, store = free_port(), settings.store
    known = enrolled(settings, devices, now)
    sending = known[:: max(1, devices // limit)][:limit]
    rounds = -(-limit // len(sending))
    warm_up = requests(sending, hours(rounds), port)
    made = [one for back in reversed(range(rounds)) for one in requests(sending, hours(back), port)]
    made = made[:limit]
    command = [str(Path(sys.executable).with_name("parcimetre")), "serve", "--port", str(port)]
    command += ["--data-dir", str(settings.data_dir)]
    if store.url:
        command += ["--store", store.url, "--store-password-file", str(store.password_file)]
    with serving(command, port) as process:
        drive(port, warm_up)
        name = f"{'ClickHouse' if store.url else 'embedded'}, {devices:,} devices"
        return told(name, drive(port, made, process), process), made


@contextmanager
def clickhouse(devices: int) -> Iterator[Settings]:
    """A collector's settings with a new ClickHouse server."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        server = ClickHouse(folder / "clickhouse")
        server.start()
        password = folder / "password"
        password.write_text(PASSWORD)
        url = f"clickhouse+http://{USER}@127.0.0.1:{server.port}/bench_{devices}"
        try:
            yield Settings(folder / "data", store=StoreAddress(url, password))
        finally:
            server.stop(kill=True)


@contextmanager
def embedded(devices: int) -> Iterator[Settings]:
    """A collector's settings with a new store of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        yield Settings(Path(scratch))


def day_of(device: DemoDevice, day: int) -> list[Slot]:
    """Every slot of a device's day, those of its gaps too."""
    records = activity(device, day, day + DAY_S)
    return [slot for one in records for slot in ([one] if isinstance(one, Slot) else expand(one))]


def sealed_bytes(devices: int, days: int, now: int) -> float:
    """Bytes a slot of a demonstration fleet's days, once they are over and sealed."""
    last = now // DAY_S * DAY_S - DAY_S
    with tempfile.TemporaryDirectory() as folder:
        store, count = open_store(Path(folder), create=True), 0
        empty = size_of(Path(folder))
        for day in range(last - days * DAY_S, last, DAY_S):
            sent = [WriteBatch(DeviceId(f"{one.index:032x}"), day_of(one, day)) for one in fleet(devices, 1)]
            count += sum(len(arrival.slots) for arrival in sent)
            store.write(sent)
            store.tidy(day + 2 * DAY_S)
        store.close()
        return (size_of(Path(folder)) - empty) / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, nargs="*", default=SIZES)
    parser.add_argument("--limit", type=int, default=15_000, help="reports a run at the most")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {AGENTS_CORE})
    now = int(time.time())
    hours = cache(partial(samples, now))
    body = np.mean([len(text) for text in hours(0)])
    print(
        f"reports of {body:,.0f} bytes before gzip, {CONNECTIONS} connections; "
        "CPU in us a report, waits in ms, memory in MiB"
    )
    print(f"{'':32} {'reports/s':>9} {'CPU':>9} {'p50':>9} {'p99':>9} {'RSS':>9}")
    made: list[bytes] = []
    for engine in (embedded, clickhouse) if BINARY else (embedded,):
        rates = []
        for devices in asked.devices:
            with engine(devices) as settings:
                rate, made = context(settings, devices, hours, asked.limit, now)
            rates.append(rate)
        peer = bare(made)
        print(f"ratio to the bare app: {', '.join(f'{rate / peer:.2f}' for rate in rates)}")
        print(f"cost of a report, largest fleet over smallest: {rates[0] / rates[-1]:.2f}")
    print(f"bytes a slot, a year of {FILLED} devices, sealed: {sealed_bytes(FILLED, YEAR_DAYS, now):.1f}")


if __name__ == "__main__":
    main()

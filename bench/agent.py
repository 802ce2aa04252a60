"""What the agent costs a machine: memory, CPU seconds and bytes of a day, beside peers and the naive design.

Everything is measured in this one run, on this machine: read the ratios. Byte code is compiled first, as a
package manager does. The day is lived at once by a clock that is moved; the processes and sockets are real.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import psutil

SAMPLES_A_DAY = 2880
UPLOADS_A_DAY = 24
LIVE_S = 25
SCRAPES = 60
SCRAPES_A_DAY = 86_400 // 15
EXPORTER = "/usr/bin/prometheus-node-exporter"
COLLECTD = "/usr/sbin/collectd"
FUSION = "/usr/bin/fusioninventory-inventory"
PEER_PACKAGES = ("prometheus-node-exporter", "collectd-core", "fusioninventory-agent")
FUSION_RUNS_A_DAY = 1
COLLECTD_SETTINGS = """
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
Interval 10
LoadPlugin cpu
LoadPlugin memory
LoadPlugin disk
LoadPlugin interface
LoadPlugin load
LoadPlugin df
"""
AIM_RSS_MIB, AIM_CPU_S, AIM_BYTES = 17.0, 5.0, 40_000
PACKAGES = (
    *(
        "psutil",
        "httpx",
        "httpcore",
        "h11",
        "anyio",
        "certifi",
        "idna",
        "annotated_types",
        "parcimetre_agent",
    ),
    *("pydantic", "typing_extensions", "apscheduler", "tzlocal"),
)

DAY = """
import json, os, sys, time
from parcimetre_agent.machine.clock import Clock, Instant
from parcimetre_agent.recording import recorder as recording, sampling, spool
from parcimetre_agent.sending import courier_process
from parcimetre_agent.service import resident
settings = json.loads(sys.argv[1])

class Moved(Clock):
    def __init__(self):
        super().__init__()
        at = super().now()
        self.at = at._replace(wall_s=at.wall_s - 86400)
    def now(self):
        return self.at
    def on(self, s):
        a = self.at
        self.at = Instant(a.wall_s + s, a.monotonic_s + s, a.boottime_s + s, a.boot_id)

clock = Moved()
recorder = recording.Recorder(clock, sampling.Sampler(), spool.Spool(settings["data_dir"]))
recorder.sample()
own = 0.0
for hour in range(24):
    before = time.process_time()
    for _ in range(120):
        clock.on(30)
        recorder.sample()
    recorder.write()
    own += time.process_time() - before
    child = courier_process.start(sys.argv[1])
    while child.poll() is None:
        time.sleep(0.01)
    assert child.poll() == 0
t = os.times()
memory = sampling.load(sampling.activity)[0].psutil.Process().memory_full_info()
print(json.dumps({"samples_s": own, "couriers_s": t.children_user + t.children_system,
                  "rss": memory.rss / 2**20, "uss": memory.uss / 2**20}))
"""
STACK = """
import psutil, pydantic, httpx, apscheduler.schedulers.background as background, time
import parcimetre_agent.sending.courier, parcimetre_agent.service.resident, parcimetre_agent.sending.inventory
class Sample(pydantic.BaseModel):
    busy: float
client = httpx.Client()
scheduler = background.BackgroundScheduler()
scheduler.add_job(lambda: Sample(busy=psutil.cpu_percent()), "interval", seconds=1)
scheduler.start()
print("up", flush=True)
time.sleep(60)
"""


class Memory(NamedTuple):
    """MiB of a process: resident, and what would be free without it."""

    rss: float
    uss: float


class Collector:
    """Takes everything and counts the bytes that arrive, headers included."""

    def __init__(self) -> None:
        self.received = 0
        counter = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                self.rfile.read(length)
                counter.received += len(self.raw_requestline) + len(bytes(self.headers)) + length
                answer: dict[str, Any] = {
                    "accepted": 1,
                    "duplicates": 0,
                    "refused": [],
                    "next_upload_s": 3600,
                }
                if self.path == "/v1/enrol":
                    answer = {
                        "device_id": "b" * 32,
                        "credential": "c" * 43,
                        "config": {"upload_period_s": 3600},
                    }
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def memory(pid: int) -> Memory:
    """What a process holds now."""
    full = psutil.Process(pid).memory_full_info()
    return Memory(full.rss / 2**20, full.uss / 2**20)


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads of a process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def compile_all() -> None:
    """Byte code for every package that takes part."""
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            compileall.compile_dir(Path(spec.origin).parent, quiet=2)


@contextmanager
def process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with the block."""
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(timeout=20)
        if started.stdout:
            started.stdout.close()


def settings(url: str, data_dir: Path, sample_period_s: int = 30) -> str:
    """Settings as `parcimetre-agent run` hands them to the resident."""
    secret = data_dir / "secret"
    data_dir.mkdir(exist_ok=True)
    secret.write_text("secret")
    return json.dumps(
        {"server": url, "secret_file": str(secret), "data_dir": str(data_dir), "upload_period_s": 3600,
         "sample_period_s": sample_period_s, "sample_period_on_battery_s": sample_period_s,
         "ca_file": None, "client_cert": None, "client_key": None,
         "send_hostname": False}
    )  # fmt: skip


def live(url: str, folder: Path) -> tuple[Memory, float]:
    """The resident as it runs, one sample a second, an upload included: memory, and CPU seconds a sample."""
    with process(
        [sys.executable, "-m", "parcimetre_agent.service.resident", settings(url, folder, 1)]
    ) as resident:
        time.sleep(10)
        before, since = cpu_s(resident.pid), time.monotonic()
        time.sleep(LIVE_S)
        spent = cpu_s(resident.pid) - before
        return memory(resident.pid), spent / (time.monotonic() - since)


def day(url: str, folder: Path) -> dict[str, float]:
    """CPU seconds of a day: 2880 samples with their spool, and 24 couriers, the first with enrolment."""
    done = subprocess.run(
        [sys.executable, "-c", DAY, settings(url, folder)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def stack() -> Memory:
    """The same packages and a scheduler in one process, which is the obvious design."""
    with process([sys.executable, "-c", STACK]) as running:
        assert running.stdout
        running.stdout.readline()
        time.sleep(3)
        return memory(running.pid)


def exporter() -> tuple[Memory, Memory, float] | None:
    """prometheus-node-exporter: memory idle and after scrapes, CPU seconds a scrape; None where absent."""
    if not os.access(EXPORTER, os.X_OK):
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with process([EXPORTER, f"--web.listen-address={address}"]) as running:
        time.sleep(2)
        idle, before = memory(running.pid), cpu_s(running.pid)
        for _ in range(SCRAPES):
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                answer.read()
            time.sleep(0.1)
        return idle, memory(running.pid), (cpu_s(running.pid) - before) / SCRAPES


def collectd(folder: Path) -> tuple[Memory, float] | None:
    """collectd with six plugins at its usual 10 s and no writer: memory, and CPU seconds a day."""
    if not os.access(COLLECTD, os.X_OK):
        return None
    folder.mkdir(exist_ok=True)
    config = folder / "collectd.conf"
    config.write_text(COLLECTD_SETTINGS.format(folder=folder))
    with process([COLLECTD, "-f", "-C", str(config)]) as running:
        time.sleep(5)
        before, since = cpu_s(running.pid), time.monotonic()
        time.sleep(LIVE_S)
        spent = cpu_s(running.pid) - before
        return memory(running.pid), spent / (time.monotonic() - since) * 86_400


def fusioninventory() -> tuple[float, float] | None:
    """One run of FusionInventory's inventory, children included: peak RSS in MiB, and CPU seconds."""
    if not os.access(FUSION, os.X_OK):
        return None
    code = (
        "import json, resource, subprocess; subprocess.run(['" + FUSION + "'], stdout=-3, stderr=-3);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(json.dumps([used.ru_maxrss / 1024, used.ru_utime + used.ru_stime]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    peak_mib, spent_s = json.loads(done.stdout)
    return float(peak_mib), float(spent_s)


def install_peers() -> None:
    """Peers from Debian where this account may install them; one that is absent is skipped, and said so."""
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        subprocess.run(
            [apt, "install", "-y", "-q", "--no-install-recommends", *PEER_PACKAGES],
            check=False, capture_output=True,
        )  # fmt: skip


def peers(ours: Memory, total_s: float, folder: Path) -> None:
    """One line for each peer, and the ratio of ours to it."""
    known = exporter()
    if known:
        idle, used, scrape_s = known
        peer_s = scrape_s * SCRAPES_A_DAY
        row("prometheus-node-exporter, idle", *idle)
        row("  after 60 scrapes; scraped every 15 s", *used, peer_s)
        ratio("prometheus-node-exporter", ours.rss / used.rss, total_s / peer_s)
    else:
        print(f"prometheus-node-exporter: not compared, {EXPORTER} is absent")
    gathered = collectd(folder)
    if gathered:
        row("collectd, 6 plugins every 10 s, no writer", *gathered[0], gathered[1])
        ratio("collectd", ours.rss / gathered[0].rss, total_s / gathered[1] if gathered[1] else 0.0)
    else:
        print(f"collectd: not compared, {COLLECTD} is absent")
    inventory = fusioninventory()
    if inventory:
        row("fusioninventory, one run a day (peak RSS)", inventory[0], "", inventory[1] * FUSION_RUNS_A_DAY)
        ratio("fusioninventory", ours.rss / inventory[0], total_s / inventory[1])
    else:
        print(f"fusioninventory: not compared, {FUSION} is absent")


def ratio(peer: str, rss: float, cpu: float) -> None:
    """Ours to a peer's; below 1 we are the lighter."""
    print(f"  ratio to {peer}: RSS {rss:.2f}, CPU {cpu:.2f}")


def row(name: str, *cells: float | str) -> None:
    """One line of the table."""
    shown = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells)
    print(f"{name:46}" + "".join(f"{cell:>13}" for cell in shown))


def verdict(value: float, aim: float) -> str:
    """Whether an aim holds."""
    return "holds" if value <= aim else "MISSED"


def main() -> int:
    """Measure, print, and fail when an aim is missed."""
    install_peers()
    compile_all()
    folder, context = Path(tempfile.mkdtemp()), Collector()
    try:
        ours, cold_s = live(context.url, folder / "live")
        before = context.received
        spent = day(context.url, folder / "day")
        sent = context.received - before
    finally:
        context.close()
        shutil.rmtree(folder)
    whole = stack()
    samples_s = max(spent["samples_s"], cold_s * SAMPLES_A_DAY)
    total_s = samples_s + spent["couriers_s"]
    row("", "RSS MiB", "USS MiB", "CPU-s a day", "bytes a day")
    row("parcimetre-agent, resident, after an upload", *ours, total_s, sent)
    row("  after a simulated day", spent["rss"], spent["uss"])
    row("  of it: 2880 samples, really waking", "", "", samples_s)
    row("  of it: 2880 samples in a hot loop", "", "", spent["samples_s"])
    row("  of it: 24 couriers, inventory, enrolment", "", "", spent["couriers_s"])
    row("all in one process (pydantic, apscheduler)", *whole)
    print(f"  ratio to all in one process: RSS {ours.rss / whole.rss:.2f}, USS {ours.uss / whole.uss:.2f}")
    with tempfile.TemporaryDirectory() as beside:
        peers(ours, total_s, Path(beside))
    aims = (
        (max(ours.rss, spent["rss"]), AIM_RSS_MIB, "RSS MiB"),
        (total_s, AIM_CPU_S, "CPU-s a day"),
        (sent, AIM_BYTES, "bytes a day"),
    )
    for value, aim, name in aims:
        print(f"aim: at most {aim:g} {name}: {verdict(value, aim)} ({value:.1f})")
    return 0 if all(value <= aim for value, aim, _ in aims) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Size, time to install and memory of the installed agent, beside node_exporter's package in the same Debian.

Needs root and `python3 tools/set_up_packages.py`. Everything is measured in this one run: read the ratios.
Dependencies of both are there before; each is installed ROUNDS times, and the quickest counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import build_collector
import build_packages
import set_up_packages

RELEASE, PYTHON = "bookworm", "3.11"
PEER, PEER_NEEDS = "prometheus-node-exporter", ("adduser", "init-system-helpers", "libc6")
ROUNDS, LIVE_S = 2, 20
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
NOBODY_LISTENS = 'server = "http://127.0.0.1:9"\nsecret_file = "/etc/parcimetre/secret"\n'


@dataclass(frozen=True)
class Measured:
    """A package: bytes of the file and on the disk, time to install, memory of its process.

    The disk holds the byte code as well that is compiled when the package is installed.
    """

    packed_bytes: int
    installed_bytes: int
    install_s: float
    rss_mib: float | None = None


def main() -> None:
    """Print the table, then the ratios to the peer."""
    if os.geteuid() != 0 or not set_up_packages.system(RELEASE).exists():
        raise SystemExit("needs root, and a Debian: python3 tools/set_up_packages.py")
    with tempfile.TemporaryDirectory() as folder, debian(Path(folder)) as root:
        built = build_packages.build(Path(folder), build_packages.agent_version())
        deb, rpm = sorted(built, key=lambda file: file.suffix)
        context = build_collector.build(Path(folder), build_packages.agent_version(), PYTHON)
        inside(root, "apt-get", "-qq", "update")
        inside(root, "apt-get", "-qq", "install", "--no-install-recommends", "tzdata", *PEER_NEEDS)
        inside(root, "apt-get", "-qq", "install", "--download-only", "--no-install-recommends", PEER)
        (peer_deb,) = (root / "var/cache/apt/archives").glob(f"{PEER}_*.deb")
        ours = measure(root, deb, "parcimetre-agent", agent_line(root))
        peer = measure(
            root, peer_deb, PEER, ("/usr/bin/prometheus-node-exporter", "--web.listen-address=127.0.0.1:0")
        )
        row("", "packed, MB", "installed, MB", "install, s", "memory, MiB")
        tell("parcimetre-agent deb", ours)
        row("parcimetre-agent rpm", f"{rpm.stat().st_size / 1e6:.2f}")
        for msi in sorted((ROOT / "dist").glob("*.msi")):
            row(f"parcimetre-agent msi ({msi.name})", f"{msi.stat().st_size / 1e6:.2f}")
        tell(f"{PEER} deb", peer)
        tell(
            f"parcimetre-collector deb, Python {PYTHON}",
            measure(root, context, "parcimetre-collector", None),
        )
        row("agent to peer", *ratios(ours, peer))


@contextmanager
def debian(folder: Path) -> Iterator[Path]:
    """A Debian to write into, for as long as it is used."""
    for name in ("root", "written", "work"):
        (folder / name).mkdir()
    root = folder / "root"
    layers = f"lowerdir={set_up_packages.system(RELEASE)},upperdir={folder}/written,workdir={folder}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", "--recursive", root], check=True)


def inside(root: Path, *command: str) -> str:
    """Run a command in the Debian; it must succeed."""
    done = subprocess.run(
        ["chroot", root, *command], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def agent_line(root: Path) -> tuple[str, ...]:
    """How the unit starts the agent; nobody listens where it reports to, so that it measures and waits."""
    (root / "etc/parcimetre").mkdir()
    (root / "etc/parcimetre/agent.toml").write_text(NOBODY_LISTENS)
    (root / "etc/parcimetre/secret").write_text("none")
    return ("runuser", "-u", "parcimetre", "--", "parcimetre-agent", "run", "--data-dir", "/tmp/data")


def measure(root: Path, deb: Path, name: str, line: tuple[str, ...] | None) -> Measured:
    """Install it a few times, then run it."""
    shutil.copy(deb, root / "tmp")
    packed = f"/tmp/{deb.name}"
    times_s = []
    for _ in range(ROUNDS):
        start_s = time.perf_counter()
        inside(root, "dpkg", "--install", packed)
        times_s.append(time.perf_counter() - start_s)
        if len(times_s) < ROUNDS:
            inside(root, "dpkg", "--remove", name)
    compiled = [file.stat().st_size for file in (root / "usr/lib" / name).rglob("*.pyc")]
    stated_kib = int(inside(root, "dpkg-query", "-W", "-f", "${Installed-Size}", name))
    installed = stated_kib * 1024 + sum(compiled)
    rss_mib = None if line is None else memory_mib(root, line)
    return Measured(deb.stat().st_size, installed, min(times_s), rss_mib)


def memory_mib(root: Path, line: tuple[str, ...]) -> float:
    """Resident memory of the last process that a command becomes or starts, after LIVE_S seconds."""
    started = subprocess.Popen(
        ["chroot", root, *line], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(LIVE_S)
    own = psutil.Process(started.pid)
    last = (own.children(recursive=True) or [own])[-1]
    rss_mib = last.memory_info().rss / 2**20
    last.terminate()
    started.wait(timeout=30)
    return rss_mib


def tell(name: str, one: Measured) -> None:
    """A line of the table."""
    memory = "" if one.rss_mib is None else f"{one.rss_mib:.1f}"
    row(
        name,
        f"{one.packed_bytes / 1e6:.2f}",
        f"{one.installed_bytes / 1e6:.2f}",
        f"{one.install_s:.2f}",
        memory,
    )


def ratios(ours: Measured, theirs: Measured) -> list[str]:
    """Ours to theirs, column by column."""
    return [
        f"{ours.packed_bytes / theirs.packed_bytes:.2f}",
        f"{ours.installed_bytes / theirs.installed_bytes:.2f}",
        f"{ours.install_s / theirs.install_s:.2f}",
        f"{(ours.rss_mib or 0.0) / (theirs.rss_mib or 1.0):.2f}",
    ]


def row(name: str, *cells: str) -> None:
    """Print it in columns."""
    print(f"{name:42}" + "".join(f"{cell:>15}" for cell in cells))


if __name__ == "__main__":
    main()

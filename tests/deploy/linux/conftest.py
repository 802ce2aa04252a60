"""The agent's packages as `make packages` builds them, and small Debians to install them in."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import build_packages
import set_up_packages

Done = subprocess.CompletedProcess[str]
PATIENCE_S = 60
PROBE = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /probe.sh
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="session")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The deb of two versions."""
    return {
        version: next(one for one in _built(tmp_path_factory, version) if one.suffix == ".deb")
        for version in ("0.1.0", "0.1.1")
    }


@pytest.fixture(scope="session")
def rpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rpm."""
    return next(one for one in _built(tmp_path_factory, "0.1.0") if one.suffix == ".rpm")


_made: dict[str, list[Path]] = {}


def _built(factory: pytest.TempPathFactory, version: str) -> list[Path]:
    if version not in _made:
        _made[version] = build_packages.build(factory.mktemp("packages"), version)
    return _made[version]


@dataclass(frozen=True)
class Debian:
    """A system of its own in a folder; it shares this machine's network."""

    root: Path

    def run(self, *command: str, **env: str) -> Done:
        """A command in it."""
        return subprocess.run(
            ["chroot", self.root, *command],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **env},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def must(self, *command: str) -> str:
        """A command that succeeds; what it said."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dpkg(self, action: str, deb: Path) -> str:
        """Hand dpkg a file from outside."""
        shutil.copy(deb, self.root / "tmp")
        return self.must("dpkg", "--force-unsafe-io", action, f"/tmp/{deb.name}")

    def write(self, path: str, text: str) -> None:
        """A file in it."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def boot(self, probe: str, *options: str) -> str:
        """Boot it as a container, run the shell lines of `probe`, switch it off; what they wrote."""
        self.write("/probe.sh", f"exec >/probe.out 2>&1\n{probe}\nsystemctl poweroff --force\n")
        self.write("/etc/systemd/system/probe.service", PROBE)
        self.must("systemctl", "enable", "--quiet", "probe.service")
        subprocess.run(["umount", self.root / "proc"], check=True)
        plain = ["--boot", "--register=no", "--keep-unit", "--quiet", "--console=pipe"]
        done = subprocess.run(
            ["systemd-nspawn", "-D", self.root, *plain, *options],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        written = self.root / "probe.out"
        assert written.exists(), f"it did not boot: {(done.stdout + done.stderr)[-2000:]}"
        return written.read_text()

    def files(self) -> set[str]:
        """All paths but those of dpkg's own records and logs, /proc and /tmp."""
        found = set()
        for folder, folders, names in os.walk(self.root):
            inside = "/" + str(Path(folder).relative_to(self.root)).lstrip(".")
            if inside in ("/proc", "/tmp", "/dev", "/var/log", "/var/cache/ldconfig", "/var/lib/dpkg"):
                folders.clear()
                continue
            found.update(f"{inside.rstrip('/')}/{name}" for name in (*folders, *names))
        return found


def _releases() -> list[str]:
    return os.environ.get("PARCIMETRE_DEBIANS", " ".join(set_up_packages.RELEASES)).split()


@pytest.fixture(params=_releases())
def debian(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Debian]:
    """A fresh one of each release in PARCIMETRE_DEBIANS."""
    system = set_up_packages.system(request.param)
    if not system.exists() or os.geteuid() != 0:
        told = set_up_packages.ABSENT
        reason = told.read_text() if told.exists() else f"no {system.name}, or not root"
        pytest.skip(f"{reason}; run as root: make test-packages")
    root = tmp_path / "root"
    for name in ("root", "written", "work"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={system},upperdir={tmp_path}/written,workdir={tmp_path}/work"
    mounted = subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", layers, root], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no folder can be laid over another here: {mounted.stderr.strip()}")
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    yield Debian(root)
    subprocess.run(["umount", "--recursive", root], check=True)
    for name in ("written", "work"):
        shutil.rmtree(tmp_path / name)


@dataclass(frozen=True)
class Collector:
    """`parcimetre serve` on loopback."""

    url: str
    folder: Path

    def told(self, *words: str) -> str:
        """What a `parcimetre` command on its data answers."""
        line = [Path(sys.executable).parent / "parcimetre", *words, "--data-dir", self.folder]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout

    def secret(self) -> str:
        """A fresh enrolment secret."""
        told = self.told("enrolment-secret", "create", "--org-unit", "Commune", "--json")
        return str(json.loads(told)["secret"])

    def measured(self) -> list[str]:
        """Ids of the devices of which it stored measured time."""
        asked = "select distinct device from device_days where covered_s > 0"
        return [str(row["device"]) for row in json.loads(self.told("sql", "--json", asked))]


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One that runs until the tests of a file are over."""
    tmp_path = tmp_path_factory.mktemp("collector")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "collector"
    line = [Path(sys.executable).parent / "parcimetre", "serve", "--data-dir", folder, "--port", str(port)]
    with (
        (tmp_path / "collector.log").open("wb") as log,
        subprocess.Popen(line, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(url):
            assert process.poll() is None, (tmp_path / "collector.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Collector(url, folder)
        process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False

"""What the packages grant on Linux: reading energy counters, to the agent's group, and nothing more."""

import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINUX = ROOT / "deploy" / "linux"
TMPFILES = LINUX / "tmpfiles.d" / "parcimetre-agent.conf"
RULES = LINUX / "udev" / "60-parcimetre-agent.rules"
ZONES = ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:2", "intel-rapl-mmio:0")


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_is_covered_at_boot_and_when_it_appears(zone: str) -> None:
    path = f"/sys/class/powercap/{zone}/energy_uj"
    assert any(fnmatch(path, line.split()[1]) for line in _lines(TMPFILES))
    kernel = re.search(r'KERNEL=="([^"]+)"', RULES.read_text())
    assert kernel is not None
    assert fnmatch(zone, kernel.group(1))


def test_only_the_group_may_read_and_nobody_may_write() -> None:
    for line in _lines(TMPFILES):
        kind, path, mode, user, group, *_ = line.split()
        assert (kind, mode, user, group) == ("z", "0440", "root", "parcimetre")
        assert path.endswith("/energy_uj")
    assert "chmod 0440" in RULES.read_text()


def test_systemd_understands_the_lines(tmp_path: Path) -> None:
    command = shutil.which("systemd-tmpfiles")
    if command is None:
        pytest.skip("systemd-tmpfiles is not installed")
    text = TMPFILES.read_text().replace(" root parcimetre ", " root root ")
    (tmp_path / "agent.conf").write_text(text)
    done = subprocess.run(
        [command, "--create", f"--root={tmp_path}", str(tmp_path / "agent.conf")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "agent.conf" not in done.stderr, done.stderr


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_handbook_shows_the_very_lines(lang: str) -> None:
    text = (ROOT / "docs" / lang / "agent.md").read_text()
    for line in _lines(TMPFILES):
        assert line in text
    assert "deploy/linux/udev/60-parcimetre-agent.rules" in text


def test_full_power_over_the_bmc_is_not_granted_by_default() -> None:
    installed = [file for file in LINUX.rglob("*") if file.suffix in (".rules", ".conf")]
    assert installed
    assert not any("ipmi" in line for file in installed for line in _lines(file))

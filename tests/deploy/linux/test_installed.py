"""The packages on real systems: they report, keep what they must over an upgrade, leave nothing behind."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent import __version__

SETTINGS = 'server = "{url}"\nsecret_file = "/etc/parcimetre/secret"\n'
BACKUPS = {f"/etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow")}
LIBRARY = "/usr/lib/parcimetre-agent"
AS_AGENT = ("runuser", "-u", "parcimetre", "--", "parcimetre-agent")


def _point_to(debian: Any, collector: Any) -> None:
    """Settings and secret, as configuration management lays them down before the package comes."""
    debian.write("/etc/parcimetre/conf.d/50-site.toml", SETTINGS.format(url=collector.url))
    debian.write("/etc/parcimetre/secret", collector.secret())


def test_deb_reports_keeps_its_device_over_an_upgrade_and_purges_without_a_trace(
    debian: Any, debs: dict[str, Path], collector: Any
) -> None:
    before = debian.files()
    known = len(collector.measured())
    _point_to(debian, collector)
    debian.dpkg("-i", debs["0.1.0"])
    debian.must("install", "-d", "-o", "parcimetre", "-m", "0700", "/var/lib/parcimetre-agent")
    assert debian.must(*AS_AGENT, "--version") == f"{__version__}\n"
    debian.must(*AS_AGENT, "once")
    assert len(collector.measured()) == known + 1

    debian.dpkg("-i", debs["0.1.1"])
    debian.must(*AS_AGENT, "once")
    assert len(collector.measured()) == known + 1, "the upgrade made a second device of it"
    assert debian.must("stat", "-c", "%a %U %G", "/etc/parcimetre/secret") == "640 root parcimetre\n"

    debian.must("dpkg", "--remove", "parcimetre-agent")
    assert (debian.root / "var/lib/parcimetre-agent/identity.json").exists()
    debian.must("dpkg", "--purge", "parcimetre-agent")
    assert debian.files() - before - BACKUPS == set()
    assert "parcimetre" not in debian.must("cat", "/etc/passwd", "/etc/group")


def test_deb_compiles_for_its_python_and_again_when_that_changes(debian: Any, debs: dict[str, Path]) -> None:
    said = debian.dpkg("-i", debs["0.1.0"])
    assert "name the collector in /etc/parcimetre/agent.toml" in said
    compiled = debian.root / LIBRARY.lstrip("/") / "parcimetre_agent/__pycache__"
    names = {file.name for file in compiled.iterdir()}
    (compiled / "cli.cpython-30.pyc").touch()
    debian.must("dpkg-trigger", "--by-package=python3-minimal", "/usr/bin/python3")
    debian.must("dpkg", "--triggers-only", "--pending")
    assert {file.name for file in compiled.iterdir()} == names
    assert "multi-user.target.wants/parcimetre-agent.service" in " ".join(debian.files())


PROBE = """
for _ in $(seq 100); do
    [ -e /run/parcimetre-agent/status.json ] && break
    sleep 0.5
done
systemctl show parcimetre-agent -p ActiveState -p SubState -p NRestarts -p Result
grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' /proc/$(systemctl show -P MainPID parcimetre-agent)/status
runuser -u nobody -- parcimetre-agent status
before=$(systemctl show -P MainPID parcimetre-agent)
dpkg --install /next.deb
sleep 1
if [ "$before" != "$(systemctl show -P MainPID parcimetre-agent)" ]; then
    systemctl is-active parcimetre-agent && echo upgraded
fi
dpkg --purge parcimetre-agent
systemctl is-active parcimetre-agent
ls -d /run/parcimetre-agent /var/lib/parcimetre-agent
journalctl --unit parcimetre-agent --output cat
"""


def test_unit_starts_at_boot_confined_reports_and_follows_upgrade_and_purge(
    debian: Any, debs: dict[str, Path], collector: Any
) -> None:
    known = len(collector.measured())
    _point_to(debian, collector)
    debian.dpkg("-i", debs["0.1.0"])
    shutil.copy(debs["0.1.1"], debian.root / "next.deb")
    said = debian.boot(PROBE)
    assert "ActiveState=active\nSubState=running" in said, said
    assert "NRestarts=0" in said
    assert re.search(r"Uid:\s+(?!0)(\d+)\s+\1\s+\1", said), said
    assert re.search(r"CapEff:\s+0+\n", said), said
    assert re.search(r"Seccomp:\s+2\n", said), said
    assert len(collector.measured()) == known + 1, said
    assert "active\nupgraded\n" in said, said
    assert "\ninactive\n" in said, said
    assert "cannot access '/run/parcimetre-agent'" in said, said
    assert "cannot access '/var/lib/parcimetre-agent'" in said, said


def test_rpm_installs_unchanged_runs_and_erases_all_but_foreign_settings(debian: Any, rpm: Path) -> None:
    if shutil.which("rpm") is None:
        pytest.skip("rpm is not installed; make test-packages installs it")
    _rpm(debian, "--initdb")
    before = debian.files()
    _rpm(debian, "--install", "--nodeps", rpm)
    assert _rpm(debian, "--verify", "--nodeps", "parcimetre-agent") == ""
    assert debian.must("parcimetre-agent", "--version") == f"{__version__}\n"
    assert "parcimetre" in debian.must("cat", "/etc/passwd")
    settings = "/etc/parcimetre/agent.toml"
    debian.write(settings, SETTINGS)
    _rpm(debian, "--erase", "--nodeps", "parcimetre-agent")
    assert debian.files() - before - BACKUPS == {"/etc/parcimetre", settings}
    assert "parcimetre" not in debian.must("cat", "/etc/passwd", "/etc/group")


def _rpm(debian: Any, *words: object) -> str:
    """This machine's rpm on the other system, scripts included."""
    done = subprocess.run(
        ["rpm", "--root", str(debian.root), *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

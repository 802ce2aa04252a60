"""The collector's deb on a real system, with the agent's beside it: they serve, report, back up, and go."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SERVER = ROOT / "deploy" / "server"
sys.path.insert(0, str(ROOT / "tools"))

import build_collector

BACKUPS = {f"/etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow")}
DATA = "/var/lib/parcimetre"
PROBE = """
answers() {
    python3 -c 'from urllib.request import urlopen; urlopen("http://127.0.0.1:8787/healthz")' 2>/dev/null
}
as_collector() {
    runuser -u parcimetre-collector -- env PARCIMETRE_DATA_DIR=/var/lib/parcimetre parcimetre "$@"
}
for _ in $(seq 100); do answers && break; sleep 0.5; done
as_collector enrolment-secret create --org-unit Commune --json \
    | sed -n 's/.*"secret": "\\([^"]*\\)".*/\\1/p' >/etc/parcimetre/secret
chgrp parcimetre /etc/parcimetre/secret && chmod 0640 /etc/parcimetre/secret
cp /etc/parcimetre/ready /etc/parcimetre/agent.toml
systemctl restart parcimetre-agent
for _ in $(seq 100); do [ -e /run/parcimetre-agent/status.json ] && break; sleep 0.5; done
as_collector sql 'select count(*) as measured from device_days where covered_s > 0'
as_collector token create --name First --role admin --everything | cut -c1-3
python3 -c 'from urllib.request import urlopen; urlopen("http://127.0.0.1:8787/v1/devices")' 2>&1 | tail -n 1
systemctl start parcimetre-backup.service
systemctl show parcimetre-backup.service -p Result
systemctl show parcimetre-collector.service -p ActiveState -p NRestarts
systemctl is-enabled parcimetre-backup.timer
grep CapEff /proc/$(systemctl show -P MainPID parcimetre-collector)/status
journalctl --unit 'parcimetre-*' --output cat
"""


def test_collector_serves_the_agent_beside_it_backs_up_and_purges_all_but_the_backups(
    debian: Any, debs: dict[str, Path], tmp_path: Path
) -> None:
    python = debian.must("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    if python not in build_collector.PYTHONS:
        pytest.skip(f"not applicable: the collector needs a newer Python than {python}")
    deb = build_collector.build(tmp_path / "dist", "0.1.0", python)
    before = debian.files()
    debian.must("install", "-d", "/usr/share/zoneinfo")
    debian.dpkg("-i", deb)
    debian.dpkg("-i", debs["0.1.0"])
    settings = 'server = "http://127.0.0.1:8787"\nsecret_file = "/etc/parcimetre/secret"\n'
    debian.write("/etc/parcimetre/ready", settings)
    said = debian.boot(PROBE, "--private-network")
    assert re.search(r"measured\W+1\b", said), said
    assert "pt_\n" in said, said
    assert "HTTP Error 401" in said, said
    assert "Result=success\n" in said, said
    assert "ActiveState=active\nNRestarts=0" in said or "NRestarts=0\nActiveState=active" in said, said
    assert re.search(r"CapEff:\s+0+\n", said), said
    assert "enabled\n" in said

    debian.must("dpkg", "--purge", "parcimetre-agent", "parcimetre-collector")
    left = debian.files() - before - BACKUPS
    ours = {path for path in left if "parcimetre" in path and "systemd-private" not in path}
    (backup,) = (path for path in ours if path.endswith(".tar.gz"))
    assert ours == {"/var/backups/parcimetre", backup}
    assert "parcimetre" not in debian.must("cat", "/etc/passwd", "/etc/group")


@pytest.mark.parametrize("name", ["parcimetre-collector", "parcimetre-backup"])
def test_units_expose_little(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", SERVER / f"{name}.service"]
    try:
        judged = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not installed")
    assert float(re.findall(r"exposure level for \S+: ([\d.]+)", judged)[0]) <= 2.0

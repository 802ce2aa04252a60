"""An agent of an earlier version is updated in place: the same device, nothing enrolled anew."""

import json
from pathlib import Path

import pytest

from ..programs import run

pytestmark = pytest.mark.slow
FIELDS_OF_BEFORE = ("install_id", "fingerprint", "device_id", "credential")


def test_an_updated_agent_goes_on_as_the_device_that_it_was(collector, tmp_path: Path) -> None:
    secret, data = tmp_path / "secret", tmp_path / "agent"
    secret.write_text(collector.secret()["secret"])
    where = ("--server", collector.url, "--data-dir", data)
    first = run("parcimetre-agent", "once", *where, "--secret-file", secret)
    assert first.returncode == 0, first.stderr
    file = data / "identity.json"
    identity = json.loads(file.read_text())
    file.write_text(json.dumps({name: identity[name] for name in FIELDS_OF_BEFORE}))
    for _ in range(2):
        again = run("parcimetre-agent", "once", *where)
        assert again.returncode == 0, again.stderr
        assert identity["device_id"] in again.stdout
    now = json.loads(file.read_text())
    assert {name: now[name] for name in FIELDS_OF_BEFORE[:3]} == {
        name: identity[name] for name in FIELDS_OF_BEFORE[:3]
    }
    assert now["rules"] == identity["rules"]
    listed = collector.command("devices", "--json")
    assert len(json.loads(listed.stdout)) == 1

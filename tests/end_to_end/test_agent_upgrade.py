"""An agent of an earlier version is updated in place: the same device, nothing enrolled anew."""

import json
from pathlib import Path

import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.identity.fingerprint import fingerprint
from parcimetre_agent.report import EnrolRequest, HardwareIdentity
from parcimetre_agent.sending import wire_json
from parcimetre_agent.sending.courier import Courier
from parcimetre_agent.sending.transport import open_client, post
from parcimetre_agent.sensors.machine import Machine

from ..agent.conftest import unpack
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


def test_an_agent_of_before_is_the_same_device_under_the_organisations_key(collector, tmp_path: Path) -> None:
    machine, folder = unpack("laptop", tmp_path / "laptop"), tmp_path / "agent"
    (machine / "sys/class/dmi/id/product_serial").write_text("PF3XK1ZQ")
    folder.mkdir(mode=0o700)
    secret, product = tmp_path / "secret", fingerprint(machine) or ""
    bare = collector.secret()["secret"].partition(".")[0]
    secret.write_text(bare)
    settings = Settings(server=collector.url, secret_file=str(secret), data_dir=str(folder))
    hardware = HardwareIdentity("a" * 32, "none", product)
    asked = wire_json.as_json(EnrolRequest(1, bare, hardware, "laptop", "0.1.0"))
    del asked["hash_form"]
    with open_client(settings) as client:
        answer = post(client, "/v1/enrol", asked).body
    assert "hash_key" not in answer
    before = {"install_id": "a" * 32, "fingerprint": product}
    before |= {name: answer[name] for name in ("device_id", "credential")}
    (folder / "identity.json").write_text(json.dumps(before))
    sent = []
    for _ in range(3):
        assert Courier(settings, Machine(machine)).deliver().device_id == answer["device_id"]
        sent.append(json.loads((folder / "last-report.json").read_text()))
    assert [one["hash_form"] for one in sent] == ["product", "organisation", "organisation"]
    assert ["hardware" in one for one in sent] == [False, True, False]
    (folder / "identity.json").unlink()
    assert Courier(settings, Machine(machine)).enrol() == answer["device_id"]
    collector.stop()
    stored = b"".join(file.read_bytes() for file in collector.folder.iterdir() if file.is_file())
    assert product.encode() not in stored
    assert sent[1]["hardware"]["fingerprint"].encode() in stored

"""A server that its own agent and, over TLS, its BMC tell of: one device, whose energy is counted once."""

import json
import time

import httpx
import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway.book import Book
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.work import round_sentence, run_round
from parcimetre_agent.identification.hashes import serial_hash
from parcimetre_agent.report import Cpu, Inventory, OperatingSystem, Report, Slot, System
from parcimetre_agent.sending import wire_json
from parcimetre_agent.sending.transport import post
from parcimetre_server.access.opening import open_context
from parcimetre_server.configuration.settings import Settings as CollectorSettings
from parcimetre_server.fleet.server_twins import join_servers

from ..agent import certificates
from ..agent.gateway import bmcs

SLOT_S, UNIT = 900, "Métropole/DSI"
KWH_A_SLOT = 0.06


@pytest.fixture
def certificate(tmp_path):
    """One for the BMC, and its key."""
    return certificates.certificate(tmp_path)


def configured(folder, bmc, password="pass word"):
    """The gateway's file, with the credentials that it names."""
    credentials = folder / "credentials.toml"
    credentials.write_text(f'[bmc]\nuser = "reader"\npassword = "{password}"\n')
    credentials.chmod(0o600)
    file = folder / "gateway.toml"
    file.write_text(
        f'credentials_file = "{credentials}"\n[[servers]]\nhosts = ["127.0.0.1"]\nport = {bmc.port}\n'
        f'credentials = "bmc"\nca_file = "{bmc.ca_file}"\nsecret_file = "{folder}/secret"\n'
    )
    return file


def polled(folder, bmc, rounds, monkeypatch):
    """Hours of quarter hours, of which the last has just ended; what the last round said."""
    now = time.time() // SLOT_S * SLOT_S
    settings = Settings(data_dir=str(folder))
    file = configured(folder, bmc)
    for i in range(rounds + 1):
        bmc.counter_shows(5120.25 + KWH_A_SLOT * i)
        at_s = now - (rounds - i) * SLOT_S
        monkeypatch.setattr("parcimetre_agent.gateway.work.Clock", lambda at_s=at_s: Held(at_s))
        count = run_round(settings, file)
    return count


class Held:
    """A clock that stands."""

    def __init__(self, wall_s):
        self.wall_s = wall_s

    def now(self):
        """Itself, as an instant."""
        return self


def devices(collector):
    """What the collector lists."""
    return httpx.get(f"{collector.url}/v1/devices", trust_env=False, timeout=30).json()["items"]


def used_kwh(collector):
    """The fleet's electricity of the last days."""
    asked = httpx.get(
        f"{collector.url}/v1/footprint", params={"group_by": "stage"}, trust_env=False, timeout=30
    )
    return next(row["energy_kwh"] for row in asked.json()["rows"] if row["group"] == "use")


def reports_itself(machine, rounds):
    """The same server, as its agent tells of it: awake, without a meter."""
    now = int(time.time())
    first = now // SLOT_S * SLOT_S - rounds * SLOT_S
    system = System(
        maker="Dell Inc.", model="PowerEdge R750", serial_hash=serial_hash("Dell Inc.", "7ABCD01")
    )
    made = Inventory(now, "server", "none", system, OperatingSystem("Linux"), cpus=[Cpu("Xeon", 2, 24, 48)])
    slots = [Slot(first + i * SLOT_S, 0, SLOT_S, 0, 0, 0, [SLOT_S, *[0] * 9]) for i in range(rounds)]
    report = Report(1, machine.device_id, now, "0.1.0", slots, inventory=made)
    post(machine.client, "/v1/reports", wire_json.as_json(report), machine.credential)


def joined(collector):
    """Servers that the collector's job joins, on its store while it is served."""
    opened = open_context(CollectorSettings(collector.folder))
    try:
        return join_servers(opened)
    finally:
        opened.store.close()


@pytest.mark.slow
def test_a_server_that_is_read_by_its_bmc_and_reports_itself_is_counted_once(
    collector, certificate, enrol_at, tmp_path, monkeypatch
):
    (tmp_path / "secret").write_text(collector.secret(UNIT)["secret"])
    with bmcs.played(bmcs.recorded(bmcs.DELL), *certificate) as bmc:
        assert polled(tmp_path, bmc, 8, monkeypatch).answered == 1
    settings = Settings(server=collector.url, data_dir=str(tmp_path))
    book = Book(tmp_path)
    assert GatewayDelivery(settings, book, time.time()).run().refusals == ()
    book.close()
    (alone,) = devices(collector)
    assert alone["category"] == "server"
    by_bmc = used_kwh(collector)
    assert by_bmc == pytest.approx(8 * KWH_A_SLOT, rel=0.05)
    reports_itself(enrol_at(collector, (tmp_path / "secret").read_text()), 8)
    assert len(devices(collector)) == 2
    twice = used_kwh(collector)
    assert joined(collector) == 1
    assert [one["id"] == alone["id"] for one in devices(collector)] == [False]
    assert used_kwh(collector) <= max(by_bmc, twice - by_bmc) * 1.01
    acts = json.loads(collector.command("devices", "audit", "--json").stdout)
    assert ("devices merged", "collector") in [(one["act"], one["who"]) for one in acts]


def test_what_is_wrong_with_a_bmc_is_told_in_the_rounds_sentence(certificate, tmp_path):
    (tmp_path / "secret").write_text("ps_x")
    with bmcs.played(bmcs.recorded(bmcs.DELL), *certificate) as bmc:
        said = round_sentence(
            run_round(Settings(data_dir=str(tmp_path)), configured(tmp_path, bmc, "guessed"))
        )
    assert f"BMC 127.0.0.1 port {bmc.port}: the BMC answered 401" in said
    assert "guessed" not in said

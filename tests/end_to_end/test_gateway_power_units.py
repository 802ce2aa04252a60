"""A simulated PDU, UPS and PoE switch, asked by a gateway: what hangs on an outlet has its energy, once."""

import asyncio
import time

import httpx
import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway.book import Book
from parcimetre_agent.gateway.configuration import GatewayConfiguration, SnmpTarget
from parcimetre_agent.gateway.credentials import Credential
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.poll import PollingRound

from ..agent.gateway.conftest import CISCO, PDU, UPS, simulator  # noqa: F401

SLOT_S = 900
KWH_OF_A_WATT = 1 / 1000


@pytest.fixture
def delivered(collector, simulator, tmp_path):  # noqa: F811
    """An hour of the three at the collector: the outcome, and the device of each by category."""
    secret = tmp_path / "secret"
    secret.write_text(collector.secret()["secret"])
    targets = tuple(
        SnmpTarget(f"127.0.0.{i}", simulator, Credential("2c", name), str(secret), expected)
        for i, (name, expected) in enumerate(((PDU, "power"), (UPS, "power"), (CISCO, "network")), 1)
    )
    book = Book(tmp_path)
    first = (time.time() - 6 * SLOT_S) // SLOT_S * SLOT_S
    for i in range(5):
        configuration = GatewayConfiguration(targets, timeout_s=10)
        asyncio.run(PollingRound(configuration, book, first + i * SLOT_S, look_again_s=0.0).run())
    settings = Settings(server=collector.url, data_dir=str(tmp_path))
    done = GatewayDelivery(settings, book, time.time()).run()
    again = GatewayDelivery(settings, book, time.time()).run()
    waiting = book.count()
    book.close()
    return done, again, waiting


def by_category(collector):
    """Electricity of the use of each category, in kWh."""
    asked = {"group_by": "category"}
    answer = httpx.get(f"{collector.url}/v1/footprint", params=asked, trust_env=False, timeout=30)
    return {row["group"]: row["energy_kwh"] for row in answer.raise_for_status().json()["rows"]}


def devices(collector):
    """The id of each device by category."""
    answer = httpx.get(f"{collector.url}/v1/devices", trust_env=False, timeout=30).raise_for_status()
    return {one["category"]: one["id"] for one in answer.json()["items"]}


@pytest.mark.slow
def test_what_hangs_on_an_outlet_or_a_port_has_its_energy_and_the_switch_no_more(
    collector, delivered, machine, tmp_path
):
    done, again, waiting = delivered
    assert done.refusals == ()
    assert done.accepted == 3 * 4 + 4 * (4 + 1 + 4)
    assert (again.reports, waiting) == (0, 0)
    at_outlet, at_port = machine().device_id, machine().device_id
    known = devices(collector)
    before = by_category(collector)
    assert before["pdu"] == pytest.approx((275 - 182.3 - 75 - 12.4) * KWH_OF_A_WATT, abs=1e-5)
    assert before["ups"] == pytest.approx(61 * KWH_OF_A_WATT, abs=1e-5)
    assert before["network"] == pytest.approx(170 * KWH_OF_A_WATT, abs=1e-5)
    map_of = tmp_path / "map.csv"
    rows = [("feeder", "outlet", "device"), (known["pdu"], "outlet 1", at_outlet)]
    rows += [(known["network"], "Gi1/0/2", at_port), (known["network"], "Gi1/0/3", "")]
    map_of.write_text("".join(",".join(row) + "\n" for row in rows))
    imported = collector.command("outlets", "import", map_of)
    assert imported.returncode == 0, imported.stderr
    after = by_category(collector)
    assert after["laptop"] == pytest.approx((182.3 + 15.4) * KWH_OF_A_WATT, abs=1e-5)
    assert after["network"] == pytest.approx((170 - 15.4) * KWH_OF_A_WATT, abs=1e-5)
    assert (after["pdu"], after["ups"]) == (before["pdu"], before["ups"])


@pytest.mark.slow
def test_no_name_that_people_typed_reaches_the_collector(collector, delivered):
    held = b"".join(file.read_bytes() for file in collector.folder.rglob("*") if file.is_file())
    assert b"Gi1/0/2" in held
    for told in (b"serveur de paie", b"M. Martin", b"127.0.0.1", b"QPX0000001"):
        assert told not in held

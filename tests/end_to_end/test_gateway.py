"""Simulated printers, asked by a gateway and reported to a real collector: footprint and paper of each."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway.book import Book
from parcimetre_agent.gateway.configuration import GatewayConfiguration, SnmpTarget
from parcimetre_agent.gateway.credentials import Credential
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.poll import PollingRound

from ..agent.gateway.conftest import CISCO, simulator  # noqa: F401

SLOT_S = 900
TOWN, LIBRARY = "Métropole/Mairie", "Métropole/Médiathèque"


@pytest.fixture
def reported(collector, simulator, tmp_path):  # noqa: F811
    """A collector that heard of two hours of three printers in two org units; the delivery's outcome."""
    units = {"hp-laserjet-m404dn": TOWN, "epson-wf-c5790": TOWN, "ricoh-im-c3000": LIBRARY}
    secrets = {unit: tmp_path / str(i) for i, unit in enumerate(set(units.values()))}
    for unit, file in secrets.items():
        file.write_text(collector.secret(unit)["secret"])
    book = Book(tmp_path)
    now = time.time()
    first = (now - 8 * SLOT_S) // SLOT_S * SLOT_S + 60

    def targets(later):
        names = {name: "hp-later" if later and "hp" in name else name for name in units}
        return tuple(
            SnmpTarget(f"127.0.0.{i}", simulator, Credential("2c", names[name]), str(secrets[unit]))
            for i, (name, unit) in enumerate(units.items(), 1)
        )

    for i in range(8):
        configuration = GatewayConfiguration(targets(i >= 4), counters_per_day=4, timeout_s=10)
        asyncio.run(PollingRound(configuration, book, first + i * SLOT_S, look_again_s=0.0).run())
    for watched in book.devices().values():
        watched.counters_due_s = 0.0
        book.save((), {watched.known.key: watched})
    asyncio.run(
        PollingRound(GatewayConfiguration(targets(True), timeout_s=10), book, now, look_again_s=0.0).run()
    )
    settings = Settings(server=collector.url, data_dir=str(tmp_path))
    delivered = GatewayDelivery(settings, book, now).run()
    yield delivered, book, settings
    book.close()


def get(collector, path, **asked):
    """What the collector answers."""
    return (
        httpx.get(f"{collector.url}{path}", params=asked, trust_env=False, timeout=30)
        .raise_for_status()
        .json()
    )


@pytest.mark.slow
def test_each_printer_is_a_device_with_a_footprint_and_its_paper_whichever_gateway_asks(
    collector,
    reported,
    tmp_path,
    simulator,  # noqa: F811
):
    delivered, book, settings = reported
    assert delivered.refusals == ()
    devices = get(collector, "/v1/devices")["items"]
    units = [(one["org_unit"], one["category"]) for one in devices]
    assert sorted(units) == sorted([(TOWN, "printer"), (TOWN, "printer"), (LIBRARY, "printer")])
    has_a_footprint(collector)
    has_its_paper(collector)
    assert GatewayDelivery(settings, book, time.time()).run().reports == 0
    tells_no_address(collector)
    is_found_again(collector, reported, tmp_path / "other", simulator)


def has_a_footprint(collector):
    """Made and used."""
    stages = {row["group"]: row["value"] for row in get(collector, "/v1/footprint", group_by="stage")["rows"]}
    assert stages["manufacturing"] > 0
    assert stages["use"] > 0


def has_its_paper(collector):
    """100 impressions, 60 of them on both sides, in the unit where they were printed and in its report."""
    (town,) = [
        row for row in get(collector, "/v1/printing", group_by="org_unit")["rows"] if row["group"] == TOWN
    ]
    assert town["counted"]["impressions"] == pytest.approx(100, abs=1)
    assert town["counted"]["duplex"] == pytest.approx(60, abs=1)
    assert town["sheets"] == pytest.approx(70, abs=1)
    assert town["paper"]["low"] < town["paper"]["value"] < town["paper"]["high"]
    assert town["spared_by_duplex"]["value"] == pytest.approx(town["paper"]["value"] * 30 / 70, rel=0.03)
    year, week, _ = datetime.now(UTC).isocalendar()
    report = get(collector, f"/v1/reports/weekly/{year}-W{week:02d}", format="json", org_unit=TOWN)
    assert {row["group"] for row in report["printing"]} <= {TOWN}


def tells_no_address(collector):
    """No address, no serial number, no name and no community is on the collector's disk."""
    held = b"".join(file.read_bytes() for file in Path(collector.folder).rglob("*") if file.is_file())
    for told in (b"127.0.0.2", b"PHBXX00001", b"NPI0A1B2C", b"hp-laserjet-m404dn"):
        assert told not in held


def is_found_again(collector, reported, folder, port):
    """A gateway with an empty book, at another address: the same device."""
    _, book, settings = reported
    (hp,) = [one for one in book.devices().values() if one.known.maker == "HP"]
    folder.mkdir()
    fresh = Book(folder)
    there = SnmpTarget("127.0.0.3", port, Credential("2c", "hp-later"), hp.secret_file)
    asyncio.run(PollingRound(GatewayConfiguration((there,), timeout_s=10), fresh, time.time()).run())
    assert GatewayDelivery(settings, fresh, time.time()).run().refusals == ()
    (again,) = fresh.devices().values()
    fresh.close()
    assert again.device_id == hp.device_id
    assert len(get(collector, "/v1/devices")["items"]) == 3


@pytest.mark.slow
def test_the_power_that_a_switch_states_is_its_use_and_wins_over_the_mean_of_its_category(
    collector,
    tmp_path,
    simulator,  # noqa: F811
):
    secret = tmp_path / "secret"
    secret.write_text(collector.secret(TOWN)["secret"])
    target = SnmpTarget("127.0.0.1", simulator, Credential("2c", CISCO), str(secret), "network")
    book = Book(tmp_path)
    first = (time.time() - 5 * SLOT_S) // SLOT_S * SLOT_S
    for i in range(5):
        round_ = PollingRound(
            GatewayConfiguration((target,), timeout_s=10), book, first + i * SLOT_S, look_again_s=0.0
        )
        asyncio.run(round_.run())
    settings = Settings(server=collector.url, data_dir=str(tmp_path))
    assert GatewayDelivery(settings, book, time.time()).run().refusals == ()
    book.close()
    (device,) = get(collector, "/v1/devices")["items"]
    assert device["category"] == "network"
    rows = {row["group"]: row for row in get(collector, "/v1/footprint", group_by="stage")["rows"]}
    assert rows["use"]["energy_kwh"] == pytest.approx(0.170, abs=0.0005)
    assert rows["use"]["measured_share"] == 1.0
    assert rows["manufacturing"]["value"] > 0
    page = httpx.get(f"{collector.url}/devices/{device['id']}", trust_env=False, timeout=30).text
    assert "meter at the wall" in page

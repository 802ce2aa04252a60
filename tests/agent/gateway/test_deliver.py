"""Sending: each printer under its own id, nothing forgotten before it is taken."""

import pytest
from parcimetre_agent import report
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway.book import WatchedDevice
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.device_identity import KnownDevice
from parcimetre_agent.gateway.meters import PowerMeters
from parcimetre_agent.gateway.poll import REACH
from parcimetre_agent.gateway.time_in_state import SlotTotals, slot_fields

from ..conftest import problem
from .conftest import NOON

KNOWN = KnownDevice(
    "k" * 64, "1.3.6.1.4.1.11", 1, "HP", "M404dn", "5" * 64, "accueil-2", report.Printer("laser")
)


@pytest.fixture
def settings(collector, tmp_path, monkeypatch):
    """Those of a gateway whose secret is at hand."""
    monkeypatch.setenv("NO_PROXY", "*")
    secret = tmp_path / "secret"
    secret.write_text("ps_x")
    return Settings(server=collector.url, data_dir=str(tmp_path), secret_file=str(secret))


@pytest.fixture
def waiting(book):
    """A printer with two slots and a reading that wait."""
    book.save((), {KNOWN.key: WatchedDevice(KNOWN)})
    for start in (NOON, NOON + 900):
        book.put([(KNOWN.key, "slot", start, slot_fields(start, SlotTotals(awake_s=900, impressions=3)))])
    book.put([(KNOWN.key, "reading", NOON, {"at": NOON, "impressions": 5})])
    return book


def test_a_printer_is_enrolled_once_and_reports_under_its_own_credential(collector, settings, waiting):
    done = GatewayDelivery(settings, waiting, NOON + 2000).run()
    (enrolment,) = collector.bodies("/v1/enrol")
    assert (enrolment["category"], enrolment["hardware"]["fingerprint"]) == ("printer", "5" * 64)
    assert "hostname" not in enrolment
    (sent,) = collector.bodies("/v1/reports")
    assert [slot["load_deciles_s"][9] for slot in sent["slots"]] == [3, 3]
    assert sent["printing"] == [{"at": NOON, "impressions": 5, "restarted": False}]
    assert sent["inventory"]["category"] == "printer"
    assert (done.reports, waiting.count()) == (1, 0)
    GatewayDelivery(settings, waiting, NOON + 5000).run()
    assert len(collector.requests) == 2


def test_a_network_device_is_sent_with_its_energy_and_what_its_power_contains(collector, settings, book):
    switch = KnownDevice(
        "s" * 64, "1.3.6.1.4.1.9.1", 1, "Cisco", "C9200L", "6" * 64, None, category="network",
        meters=PowerMeters("energy_object", ["1"]), poe=True,
    )  # fmt: skip
    book.save((), {switch.key: WatchedDevice(switch)})
    cell = SlotTotals(awake_s=900, energy={"energy_object/measured": (90_000.0, 900)})
    book.put([(switch.key, "slot", NOON, slot_fields(NOON, cell, prints=False))])
    assert GatewayDelivery(settings, book, NOON + 2000).run().refusals == ()
    assert collector.bodies("/v1/enrol")[0]["category"] == "network"
    (sent,) = collector.bodies("/v1/reports")
    (energy,) = sent["slots"][0]["energy"]
    assert (energy["scope"], energy["quality"], energy["energy_j"]) == ("wall_ac", "measured", 90_000.0)
    assert "load_deciles_s" not in sent["slots"][0]
    assert sent["inventory"]["category"] == "network"
    assert [one["sensor"] for one in sent["inventory"]["outcomes"]] == ["network.power", "network.poe"]


def test_a_server_is_sent_with_its_parts_and_under_the_hash_of_its_serial_number(collector, settings, book):
    parts = {"sku": None, "cpus": [{"model": "Xeon", "units": 2}], "metered": True}
    server = KnownDevice(
        "7" * 64, "/redfish/v1/Systems/1", 0, "HPE", "DL360", "7" * 64, None, category="server",
        hardware=parts,
    )  # fmt: skip
    book.save((), {server.key: WatchedDevice(server)})
    cell = SlotTotals(off_s=900, energy={"bmc_redfish/measured": (9_000.0, 900)})
    book.put([(server.key, "slot", NOON, slot_fields(NOON, cell, prints=False))])
    assert GatewayDelivery(settings, book, NOON + 2000).run().refusals == ()
    (enrolment,) = collector.bodies("/v1/enrol")
    assert (enrolment["category"], enrolment["hardware"]["fingerprint"]) == ("server", "7" * 64)
    (sent,) = collector.bodies("/v1/reports")
    assert (sent["slots"][0]["off_s"], sent["slots"][0]["energy"][0]["energy_j"]) == (900, 9_000.0)
    assert sent["inventory"]["cpus"] == [{"model": "Xeon", "units": 2}]
    assert sent["inventory"]["system"]["serial_hash"] == "7" * 64


def test_what_is_wrong_with_a_printer_is_told_when_it_begins_and_when_it_ends(collector, settings, waiting):
    GatewayDelivery(settings, waiting, NOON).run()
    for problems in ({REACH: "no answer"}, {}):
        (watched,) = waiting.devices().values()
        watched.problems = problems
        waiting.save((), {KNOWN.key: watched})
        GatewayDelivery(settings, waiting, NOON).run()
    told = [body["inventory"].get("outcomes", []) for body in collector.bodies("/v1/reports")]
    assert [[one["detail"] for one in outcomes] for outcomes in told] == [[], ["no answer"], []]


def test_without_an_answer_everything_waits(collector, settings, waiting):
    collector.replies += [problem(503, "come back")]
    with pytest.raises(Unreachable):
        GatewayDelivery(settings, waiting, NOON).run()
    assert waiting.count() == 3


def test_a_credential_that_is_not_known_any_more_is_replaced_once(collector, settings, waiting):
    GatewayDelivery(settings, waiting, NOON).run()
    waiting.put([(KNOWN.key, "reading", NOON + 9, {"at": NOON + 9, "impressions": 6})])
    collector.replies += [problem(401, "unknown")]
    assert GatewayDelivery(settings, waiting, NOON).run().refusals == ()
    assert len(collector.bodies("/v1/enrol")) == 2
    assert waiting.count() == 0


def test_a_report_that_is_not_understood_is_given_up_and_told(collector, settings, waiting):
    GatewayDelivery(settings, waiting, NOON).run()
    waiting.put([(KNOWN.key, "reading", NOON + 9, {"at": NOON + 9, "impressions": 6})])
    collector.replies += [problem(422, "not understood")]
    (told,) = GatewayDelivery(settings, waiting, NOON).run().refusals
    assert "not understood" in told
    assert waiting.count() == 0


def test_a_refused_enrolment_is_told_and_the_other_printers_are_sent(collector, settings, waiting):
    other = KnownDevice("o" * 64, "1.3.6.1.4.1.367", 1, "Ricoh", None, None, None, report.Printer())
    waiting.save((), {other.key: WatchedDevice(other)})
    collector.replies += [problem(403, "the secret is revoked")]
    done = GatewayDelivery(settings, waiting, NOON).run()
    assert "the secret is revoked" in done.refusals[0]
    assert done.reports == 1


def test_the_name_of_a_printer_is_sent_where_the_operator_asks_for_it(collector, settings, waiting):
    named = Settings(settings.server, settings.secret_file, settings.data_dir, send_hostname=True)
    GatewayDelivery(named, waiting, NOON).run()
    assert collector.bodies("/v1/enrol")[0]["hostname"] == "accueil-2"

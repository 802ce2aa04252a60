"""Sending: each printer under its own id, nothing forgotten before it is taken."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from parcimetre_agent import report
from parcimetre_agent.base.errors import BadSettings, Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway.book import Book, WatchedDevice
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.device_identity import KnownDevice
from parcimetre_agent.gateway.meters import PowerMeters
from parcimetre_agent.gateway.poll import REACH
from parcimetre_agent.gateway.time_in_state import SlotTotals, slot_fields
from parcimetre_agent.identification.hashes import rekeyed
from parcimetre_agent.identification.organisation_key import key_text, with_key
from parcimetre_agent.identity import installation

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


KEY = bytes(range(32))
GATEWAY = installation.Identity("9" * 32, None, "8" * 32, "the gateway's")


def _answers_with(collector, **about):
    """Let the collector add something to its answers to reports."""
    usual = collector.answer

    def answer(path, body):
        status, document, headers = usual(path, body)
        return status, document | (about if path == "/v1/reports" else {}), headers

    collector.answer = answer


def test_a_gateway_shows_its_own_credential_for_the_devices_that_it_relays(collector, settings, waiting):
    installation.store_identity(Path(settings.data_dir), GATEWAY)
    GatewayDelivery(settings, waiting, NOON).run()
    path, headers, enrolment = collector.requests[0]
    assert (path, enrolment["relayed_by"]) == ("/v1/enrol", "8" * 32)
    assert headers["Authorization"] == "Bearer the gateway's"
    assert collector.requests[1][1]["Authorization"] == "Bearer c1"


def test_without_a_credential_of_its_own_a_gateway_claims_nothing(collector, settings, waiting):
    installation.store_identity(Path(settings.data_dir), replace(GATEWAY, credential=None))
    GatewayDelivery(settings, waiting, NOON).run()
    _, headers, enrolment = collector.requests[0]
    assert "relayed_by" not in enrolment
    assert "Authorization" not in headers


def test_the_hashes_of_a_relayed_device_are_keyed_by_the_secret_of_its_group(collector, settings, waiting):
    Path(settings.secret_file).write_text(with_key("ps_x", KEY))
    known = replace(KNOWN, asset_hash="a" * 64)
    waiting.save((), {KNOWN.key: WatchedDevice(known)})
    GatewayDelivery(settings, waiting, NOON).run()
    (enrolment,), (sent,) = collector.bodies("/v1/enrol"), collector.bodies("/v1/reports")
    assert enrolment["secret"] == "ps_x"
    assert (enrolment["hash_form"], sent["hash_form"]) == ("organisation", "organisation")
    hardware, system = enrolment["hardware"], sent["inventory"]["system"]
    assert hardware["fingerprint"] == system["serial_hash"] == rekeyed("5" * 64, KEY)
    assert hardware["asset_hash"] == system["asset_hash"] == rekeyed("a" * 64, KEY)
    assert (hardware["maker"], hardware["model"]) == ("HP", "M404dn")


def test_a_relayed_device_without_a_key_gets_it_in_an_answer_and_is_identified_once_more(
    collector, settings, waiting
):
    _answers_with(collector, hash_key=key_text(KEY))
    for at in range(3):
        GatewayDelivery(settings, waiting, NOON + 3600 * at).run()
    first, second = collector.bodies("/v1/reports")
    assert (first["hash_form"], second["hash_form"]) == ("product", "organisation")
    assert "hardware" not in first
    assert second["hardware"]["fingerprint"] == rekeyed("5" * 64, KEY)
    assert "inventory" not in second


def test_a_renewed_credential_of_a_relayed_device_is_shown_from_then_on(collector, settings, waiting):
    _answers_with(collector, credential="renewed", next_upload_s=10**12, accepted="all", refused={"a": 1})
    GatewayDelivery(settings, waiting, NOON).run()
    waiting.put([(KNOWN.key, "reading", NOON + 9, {"at": NOON + 9, "impressions": 6})])
    GatewayDelivery(settings, waiting, NOON + 60).run()
    assert collector.requests[-1][1]["Authorization"] == "Bearer renewed"


def test_a_collector_of_schema_1_gets_relayed_devices_in_its_form(collector, settings, waiting):
    usual = collector.answer
    unknown = problem(409, "update")[1] | {"type": "/problems/unknown-schema"}
    collector.answer = lambda path, body: usual(path, body) if body["schema"] == 1 else (409, unknown, {})
    assert GatewayDelivery(settings, waiting, NOON).run().refusals == ()
    assert [(path, body["schema"]) for path, _, body in collector.requests] == [
        ("/v1/enrol", 2), ("/v1/enrol", 1), ("/v1/reports", 1)
    ]  # fmt: skip
    assert waiting.count() == 0
    collector.answer = usual
    for day in (1, 2, 3):
        waiting.put([(KNOWN.key, "reading", NOON + day, {"at": NOON + day, "impressions": 9})])
        GatewayDelivery(settings, waiting, NOON + 86_400 * day).run()
    later = collector.bodies("/v1/reports")[1:]
    assert [body["schema"] for body in later] == [2, 2, 2]
    assert ["inventory" in body for body in later] == [False, True, False]


def _book_of_before(book):
    """Make of a book what a gateway of bb8efdf left."""
    for key, body in list(book._db.execute("select * from device")):
        fields = json.loads(body)
        for name in ("hash_key", "reported", "reported_form"):
            del fields[name]
        del fields["known"]["asset_hash"]
        book._db.execute("replace into device values (?, ?)", (key, json.dumps(fields)))
    book._db.execute("drop table memory")
    book._db.commit()
    return Book(book.path.parent)


def test_a_gateway_of_before_goes_on_without_enrolling_or_identifying_anew(collector, settings, waiting):
    watched = WatchedDevice(KNOWN, device_id="d" * 32, credential="kept")
    waiting.save((), {KNOWN.key: watched})
    before = _book_of_before(waiting)
    GatewayDelivery(settings, before, NOON).run()
    (sent,) = collector.bodies("/v1/reports")
    assert collector.bodies("/v1/enrol") == []
    assert collector.requests[0][1]["Authorization"] == "Bearer kept"
    assert "hardware" not in sent
    before.close()


def test_a_gateway_sends_no_secret_to_an_address_without_tls_but_one_that_it_used_before(settings, waiting):
    elsewhere = replace(settings, server="http://192.0.2.1:8787")
    with pytest.raises(BadSettings, match="--allow-http"):
        GatewayDelivery(elsewhere, waiting, NOON).run()
    waiting.save((), {KNOWN.key: WatchedDevice(KNOWN, device_id="d" * 32, credential="kept")})
    before = _book_of_before(waiting)
    GatewayDelivery(elsewhere, before, NOON)._check_encryption(before.devices().values())
    with pytest.raises(BadSettings, match="without TLS"):
        GatewayDelivery(replace(settings, server="http://192.0.2.2"), before, NOON).run()
    before.close()

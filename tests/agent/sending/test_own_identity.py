"""Who an agent says that it is: its hashes, its credential, over which address."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from parcimetre_agent.base.errors import BadSettings
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.identification.hashes import asset_hash, rekeyed
from parcimetre_agent.identification.organisation_key import key_text, with_key
from parcimetre_agent.identity import installation
from parcimetre_agent.identity.fingerprint import fingerprint, fingerprint_of, identifiers
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.sending.courier import Courier
from parcimetre_agent.sending.encryption import check_encryption
from parcimetre_agent.sending.own_identity import own_identity
from parcimetre_agent.sending.preparation import prepare
from parcimetre_agent.sensors.machine import Machine

KEY = bytes(range(32))
HOUR_S = 3600


@pytest.fixture
def thinkpad(laptop: Path) -> Path:
    """The laptop as root sees it, with its serial number and UUID."""
    (laptop / "sys/class/dmi/id/product_serial").write_text("PF3XK1ZQ")
    (laptop / "sys/class/dmi/id/product_uuid").write_text("4c4c4544-0035-3010-8051-b9c04f303332")
    return laptop


def _who(settings: Settings) -> installation.Identity:
    who = installation.load_identity(Path(settings.data_dir))
    assert who is not None
    return who


def test_the_key_behind_the_secret_keys_every_hash_from_the_first_message_on(
    settings: Settings, thinkpad: Path, collector
) -> None:
    Path(settings.secret_file or "").write_text(with_key("ps_s3cret", KEY) + "\n")
    Courier(settings, Machine(thinkpad)).deliver()
    (enrolment,), (report,) = collector.bodies("/v1/enrol"), collector.bodies("/v1/reports")
    assert enrolment["secret"] == "ps_s3cret"
    assert (enrolment["hash_form"], report["hash_form"]) == ("organisation", "organisation")
    product = fingerprint(thinkpad) or ""
    assert enrolment["hardware"]["fingerprint"] == rekeyed(product, KEY)
    system = report["inventory"]["system"]
    assert system["asset_hash"] == rekeyed(asset_hash("PF3XK1ZQ") or "", KEY)
    assert product not in json.dumps([enrolment, report])
    assert "hardware" not in report


def test_an_agent_without_a_key_gets_it_in_an_answer_and_sends_its_identity_once_more(
    settings: Settings, thinkpad: Path, collector, clock
) -> None:
    Courier(settings, Machine(thinkpad), clock).deliver()
    assert collector.bodies("/v1/reports")[0]["hash_form"] == "product"
    answer = {"accepted": 0, "duplicates": 0, "refused": [], "next_upload_s": 600, "hash_key": key_text(KEY)}
    collector.replies.append((200, answer, {}))
    for _ in range(3):
        Courier(settings, Machine(thinkpad), clock).deliver()
        clock.run(HOUR_S)
    sent = collector.bodies("/v1/reports")
    assert [body["hash_form"] for body in sent] == ["product", "product", "organisation", "organisation"]
    assert ["hardware" in body for body in sent] == [False, False, True, False]
    assert ["inventory" in body for body in sent] == [True, False, False, False]
    assert sent[2]["hardware"]["fingerprint"] == rekeyed(fingerprint(thinkpad) or "", KEY)
    assert "earlier_fingerprint" not in sent[2]["hardware"]
    assert len(collector.bodies("/v1/enrol")) == 1


def test_an_agent_of_before_goes_on_and_sends_old_and_new_fingerprint_once(
    settings: Settings, thinkpad: Path, collector, clock
) -> None:
    (thinkpad / "sys/class/dmi/id/product_serial").write_text("0123456789")
    before = fingerprint_of(identifiers(thinkpad), rules=1)
    kept = {"install_id": "a" * 32, "fingerprint": before, "device_id": "d" * 32, "credential": "kept"}
    Path(settings.data_dir, installation.FILE_NAME).write_text(json.dumps(kept))
    for _ in range(2):
        Courier(settings, Machine(thinkpad), clock).deliver()
        clock.run(HOUR_S)
    first, second = collector.bodies("/v1/reports")
    assert collector.bodies("/v1/enrol") == []
    assert collector.requests[0][1]["Authorization"] == "Bearer kept"
    assert first["hardware"]["install_id"] == "a" * 32
    assert first["hardware"]["fingerprint"] == fingerprint(thinkpad) != before
    assert first["hardware"]["earlier_fingerprint"] == before
    assert "hardware" not in second
    assert "serial_hash" not in first["inventory"]["system"]


def test_a_refused_identity_is_not_sent_for_ever(
    settings: Settings, thinkpad: Path, collector, clock
) -> None:
    Courier(settings, Machine(thinkpad), clock).deliver()
    installation.store_identity(
        Path(settings.data_dir), replace(_who(settings), reported="e" * 64, hash_key=key_text(KEY))
    )
    refused = [{"part": "hardware", "index": 0, "reason": "not understood"}]
    answer = {"accepted": 0, "duplicates": 0, "refused": refused, "next_upload_s": 600}
    collector.replies.append((200, answer, {}))
    assert Courier(settings, Machine(thinkpad), clock).deliver().refusals == ("hardware: not understood",)
    Courier(settings, Machine(thinkpad), clock).deliver()
    assert ["hardware" in body for body in collector.bodies("/v1/reports")] == [False, True, False]


def test_a_credential_that_is_still_there_is_shown_at_enrolment(
    settings: Settings, laptop: Path, collector
) -> None:
    Courier(settings, Machine(laptop)).enrol()
    Courier(settings, Machine(laptop)).enrol()
    shown = [headers.get("Authorization") for _, headers, _ in collector.requests]
    assert shown == [None, "Bearer c1"]


def test_a_credential_that_proves_nothing_does_not_keep_an_agent_from_enrolling(
    settings: Settings, laptop: Path, collector, reply_problem
) -> None:
    Courier(settings, Machine(laptop)).deliver()
    collector.replies += [reply_problem(401, "credential unknown"), reply_problem(401, "credential unknown")]
    Courier(settings, Machine(laptop)).deliver()
    shown = [(path, headers.get("Authorization")) for path, headers, _ in collector.requests[2:]]
    assert shown == [
        ("/v1/reports", "Bearer c1"), ("/v1/enrol", "Bearer c1"), ("/v1/enrol", None),
        ("/v1/reports", "Bearer c1"),
    ]  # fmt: skip


def test_a_collector_of_schema_1_is_enrolled_with_and_reported_to_in_its_form(
    settings: Settings, thinkpad: Path, collector, reply_problem, clock, spool: Spool
) -> None:
    usual = collector.answer
    unknown = reply_problem(409, "update")[1] | {"type": "/problems/unknown-schema"}
    collector.answer = lambda path, body: usual(path, body) if body["schema"] == 1 else (409, unknown, {})
    Courier(settings, Machine(thinkpad), clock).deliver()
    assert spool.waiting().slots == 0
    Courier(settings, Machine(thinkpad), clock).deliver()
    assert [(path, body["schema"]) for path, _, body in collector.requests] == [
        ("/v1/enrol", 2), ("/v1/enrol", 1), ("/v1/reports", 1), ("/v1/reports", 1)
    ]  # fmt: skip
    collector.answer = usual
    for _ in range(3):
        clock.run(86_400)
        Courier(settings, Machine(thinkpad), clock).deliver()
    later = collector.bodies("/v1/reports")[2:]
    assert [body["schema"] for body in later] == [2, 2, 2]
    assert ["inventory" in body for body in later] == [False, True, False]
    assert "asset_hash" in later[1]["inventory"]["system"]


ELSEWHERE = "http://192.0.2.1:8787"


def test_an_address_without_tls_gets_neither_secret_nor_credential(settings: Settings, laptop: Path) -> None:
    elsewhere = replace(settings, server=ELSEWHERE)
    for act in (Courier.deliver, Courier.enrol):
        with pytest.raises(BadSettings, match=r"without TLS.*--allow-http"):
            act(Courier(elsewhere, Machine(laptop)))
    with pytest.raises(BadSettings, match="without TLS"):
        prepare(elsewhere)


def test_an_agent_of_before_goes_on_at_its_address_without_tls_and_at_no_other(
    settings: Settings, laptop: Path
) -> None:
    before = {"install_id": "a" * 32, "device_id": "d" * 32, "credential": "kept"}
    Path(settings.data_dir, installation.FILE_NAME).write_text(json.dumps(before))
    own_identity(replace(settings, server=ELSEWHERE), laptop)
    kept = own_identity(settings, laptop).http_server
    assert kept == ELSEWHERE
    check_encryption(replace(settings, server=ELSEWHERE), kept)
    with pytest.raises(BadSettings):
        check_encryption(replace(settings, server="http://192.0.2.2"), kept)

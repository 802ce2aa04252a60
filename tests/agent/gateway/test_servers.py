"""Rounds over BMCs that answer over TLS: who their servers are, whether they are on, what they took."""

import json

import pytest
from parcimetre_agent.gateway import bmc_session
from parcimetre_agent.gateway.bmc import PARTS, POWER, UNMETERED, inventory
from parcimetre_agent.gateway.bmc_round import STATUS, ServerRound
from parcimetre_agent.gateway.configuration import GatewayConfiguration
from parcimetre_agent.gateway.poll import REACH
from parcimetre_agent.identification.hashes import asset_hash, serial_hash
from parcimetre_agent.metering import redfish
from parcimetre_agent.sending import wire_json

from tests.agent import certificates

from . import bmcs
from .bmcs import DELL, HPE, mute, played, recorded
from .conftest import NOON, only

SLOT_S, DAY_S = 900, 86_400


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """One for all BMCs, and its key."""
    return certificates.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def dell(certificate):
    """A BMC with an energy counter."""
    with played(recorded(DELL), *certificate) as one:
        yield one


@pytest.fixture
def hpe(certificate):
    """An older BMC that tells the mean of its interval."""
    with played(recorded(HPE), *certificate) as one:
        yield one


@pytest.fixture
def asked(book):
    """Asks some BMCs, at so many seconds after noon."""

    def ask(*named, after_s=0.0, **limits):
        begun = ServerRound(GatewayConfiguration((), servers=named, **limits), book, NOON + after_s)
        begun.start()
        return begun.finish()

    return ask


def slots(book):
    """The slots of the one server that wait."""
    return [one.body for one in book.waiting(only(book).known.key, "slot", 100)]


def energy(book):
    """What was metered, slot by slot: source, scope, quality, joules and seconds."""
    return [[tuple(one.values()) for one in slot["energy"]] for slot in slots(book)]


def test_a_server_is_recognised_with_its_parts_and_its_serial_number_as_a_hash(book, asked, dell):
    assert asked(dell.bmc()).answered == 1
    known = only(book).known
    assert known.serial_hash == serial_hash("Dell Inc.", "7ABCD01")
    assert known.asset_hash == asset_hash("7abcd01")
    told = inventory(known, NOON, [])
    assert (told.category, told.system.maker, told.system.model) == ("server", "Dell Inc.", "PowerEdge R750")
    (cpu,) = told.cpus
    assert (cpu.units, cpu.cores, cpu.threads) == (2, 24, 48)
    assert [(one.size_mib, one.kind, one.form) for one in told.memory] == [(32_768, "DDR4", "RDIMM")] * 4
    assert [(one.kind, one.size_bytes) for one in told.disks] == [("ssd", 960_197_124_096)] * 2
    assert [one.name for one in told.gpus] == ["NVIDIA A2"]
    assert only(book).problems == {}


def test_what_is_private_of_a_server_is_neither_kept_nor_sent(book, asked, dell):
    asked(dell.bmc())
    sent = json.dumps(wire_json.as_json(inventory(only(book).known, NOON, [])))
    kept = book.path.read_bytes().decode("utf-8", "replace")
    for secret in ("never-read", "7ABCD01", "CNIVC0000000A1", "127.0.0.1", "pass word"):
        assert secret not in sent
    for secret in ("never-read", "7ABCD01", "CNIVC0000000A1", "pass word"):
        assert secret not in kept


def test_an_older_bmc_tells_summaries_and_they_stand_for_the_parts(book, asked, hpe):
    asked(hpe.bmc())
    told = inventory(only(book).known, NOON, [])
    assert told.system.serial_hash == serial_hash("HPE", "CZJ0000001")
    assert told.system.sku == "818208-B21"
    assert [(one.units, one.cores) for one in told.cpus] == [(2, None)]
    assert [(one.size_mib, one.form) for one in told.memory] == [(65_536, "total")]


def test_the_energy_between_two_polls_is_what_the_counter_grew_by(book, asked, dell):
    dell.counter_shows(5120.25)
    asked(dell.bmc())
    dell.counter_shows(5120.31)
    asked(dell.bmc(), after_s=SLOT_S)
    ((source, scope, quality, joules, seconds),) = energy(book)[0]
    assert (source, scope, quality) == ("bmc_redfish", "wall_ac", "measured")
    assert joules == pytest.approx(0.06 * 3.6e6, rel=0.02)
    assert seconds == pytest.approx(SLOT_S, abs=10)
    assert slots(book)[0]["display_off_s"] == pytest.approx(SLOT_S, abs=10)
    assert slots(book)[0]["load_deciles_s"] == []


def test_an_older_bmcs_mean_is_the_power_since_the_last_poll(book, asked, hpe):
    asked(hpe.bmc())
    asked(hpe.bmc(), after_s=SLOT_S)
    ((_, _, _, joules, seconds),) = energy(book)[0]
    assert joules / seconds == pytest.approx(128.0, rel=0.01)


def test_a_server_that_is_off_is_told_as_off_with_what_its_supplies_take(book, asked, dell):
    dell.system()["PowerState"] = "Off"
    asked(dell.bmc())
    dell.counter_shows(5120.255)
    asked(dell.bmc(), after_s=SLOT_S)
    (slot,) = slots(book)
    assert slot["off_s"] == pytest.approx(SLOT_S, abs=10)
    assert energy(book)[0][0][3] == pytest.approx(0.005 * 3.6e6, rel=0.02)


@pytest.mark.parametrize("energy_kwh", [1.5, 9120.25])
def test_a_counter_that_fell_or_leapt_is_not_believed(energy_kwh, book, asked, dell):
    asked(dell.bmc())
    dell.counter_shows(energy_kwh)
    asked(dell.bmc(), after_s=SLOT_S)
    assert energy(book) == [[]]


def test_after_a_time_without_answers_only_its_ends_are_known(book, asked, dell):
    asked(dell.bmc())
    dell.counter_shows(5121.25)
    asked(dell.bmc(), after_s=8 * SLOT_S)
    known_s = sum(slot["display_off_s"] for slot in slots(book))
    assert known_s == pytest.approx(SLOT_S, abs=30)
    assert sum(one[4] for slot in energy(book) for one in slot) <= SLOT_S / 2 + 30


def test_parts_are_asked_once_a_day_and_the_state_each_quarter_hour(book, asked, dell):
    asked(dell.bmc())
    met = len(dell.asked)
    asked(dell.bmc(), after_s=SLOT_S)
    assert not any("Memory" in path for path in dell.asked[met:])
    steady = len(dell.asked)
    assert steady - met <= 8
    asked(dell.bmc(), after_s=DAY_S)
    assert any("Memory" in path for path in dell.asked[steady:])


def test_nobody_is_asked_again_within_the_same_quarter_hour(book, asked, dell):
    asked(dell.bmc())
    before = len(dell.asked)
    asked(dell.bmc(), after_s=300)
    assert len(dell.asked) == before


def test_a_bmc_that_states_no_energy_says_so_and_nothing_is_wrong(book, asked, hpe):
    hpe.documents["/redfish/v1/Chassis/1/Power"]["PowerControl"] = []
    asked(hpe.bmc())
    (told,) = inventory(only(book).known, NOON, []).outcomes
    assert (told.sensor, told.state, told.detail) == (POWER, "no_data", UNMETERED)


def test_a_state_that_is_not_told_leaves_the_time_unknown(book, asked, dell):
    dell.system()["PowerState"] = ["On"]
    asked(dell.bmc())
    asked(dell.bmc(), after_s=SLOT_S)
    assert slots(book) == []
    assert "whether the server is on" in only(book).problems[STATUS]


def test_a_serial_number_that_is_missing_for_a_while_makes_no_other_server(book, asked, dell):
    asked(dell.bmc())
    key = only(book).known.key
    dell.system().update(SKU=None, SerialNumber="          ")
    asked(dell.bmc(), after_s=SLOT_S)
    assert only(book).known.key == key
    assert len(slots(book)) == 1


def test_servers_that_share_a_serial_number_are_told_apart(book, asked, certificate, dell):
    with played(recorded(DELL), *certificate) as other:
        for after_s in (0, SLOT_S, 2 * SLOT_S):
            asked(dell.bmc(), other.bmc(), after_s=after_s)
    assert sorted(one.known.serial_hash is None for one in book.devices().values()) == [False, True]


def test_each_system_of_one_bmc_is_a_server_with_the_energy_of_its_own_chassis(book, asked, certificate):
    documents = recorded(HPE)
    systems, chassis = "/redfish/v1/Systems", "/redfish/v1/Chassis"
    second = json.loads(json.dumps(documents[f"{systems}/1"]))
    second.update({"SerialNumber": "CZJ0000002", "Links": {"Chassis": [{"@odata.id": f"{chassis}/2"}]}})
    documents[f"{systems}/2"] = second
    documents[f"{systems}/guest"] = {"SystemType": "Virtual"}
    documents[f"{chassis}/2"] = {"ChassisType": "Sled"}
    documents[systems]["Members"] += [{"@odata.id": f"{systems}/2"}, {"@odata.id": f"{systems}/guest"}]
    with played(documents, *certificate) as one:
        for after_s in (0, SLOT_S):
            asked(one.bmc(), after_s=after_s)
    metered = {one.known.object_id: one.known.hardware["metered"] for one in book.devices().values()}
    assert metered == {f"{systems}/1": True, f"{systems}/2": False}


def test_a_self_signed_certificate_is_refused_in_a_sentence_unless_it_is_pinned(book, asked, dell):
    count = asked(dell.bmc(ca_file=None))
    (told,) = count.complaints
    assert "not trusted" in told
    assert "fingerprint" in told
    assert dell.asked == []
    asked(dell.bmc(ca_file=None, fingerprint="sha256:" + "00" * 32), after_s=SLOT_S)
    assert dell.asked == []
    assert asked(dell.bmc(ca_file=None, fingerprint=dell.fingerprint), after_s=2 * SLOT_S).answered == 1


def test_wrong_credentials_are_told_without_them_and_tried_once_an_hour(book, asked, dell):
    wrong = dell.bmc(password="a wrong one")
    (told,) = asked(wrong).complaints
    assert "401" in told
    assert "a wrong one" not in told
    before = len(dell.asked)
    asked(wrong, after_s=SLOT_S)
    assert len(dell.asked) == before
    assert asked(dell.bmc(), after_s=3600).answered == 1


NONSENSE = {
    "no JSON": (200, b"<html>"),
    "a list": (200, b"[]"),
    "an error": (500, b"{}"),
    "nested without end": (200, b"[" * 200_000),
    "links that lead nowhere": (200, b'{"Members": [3], "Systems": 4}'),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_a_bmc_that_answers_nonsense_is_told_and_the_others_are_read(answer, book, asked, dell, hpe):
    dell.answer = lambda _path: answer
    count = asked(dell.bmc(), hpe.bmc())
    assert (count.answered, count.garbled) == (1, 1)
    assert only(book).known.maker == "HPE"
    assert len(count.complaints) == 1


def test_nonsense_in_the_parts_or_the_energy_leaves_the_rest(book, asked, dell):
    dell.answer = lambda path: (500, b"{}") if "/Memory" in path or "Metrics" in path else None
    asked(dell.bmc())
    assert only(book).problems == {}
    dell.answer = lambda path: (200, b"{") if "/Memory" in path or "Metrics" in path else None
    asked(dell.bmc(), after_s=DAY_S)
    assert set(only(book).problems) == {PARTS, POWER}
    told = inventory(only(book).known, NOON, [])
    assert told.cpus[0].cores == 24


def test_a_bmc_without_words_does_not_keep_the_others_from_being_read(book, asked, dell, monkeypatch):
    monkeypatch.setattr(redfish, "LIMIT_S", 0.3)
    monkeypatch.setattr(bmc_session, "LONGEST_S", 1.0)
    with mute() as port:
        silent = bmcs.Played({}, port, dell.ca_file).bmc()
        count = asked(silent, dell.bmc(), concurrency=1)
    assert (count.answered, count.silent) == (1, 1)


def test_an_answer_that_never_ends_ends_with_the_round(book, asked, certificate, dell):
    with bmcs.dripping(*certificate) as port:
        endless = bmcs.Played({}, port, dell.ca_file).bmc()
        count = asked(endless, dell.bmc(), concurrency=2, round_limit_s=2)
    assert (count.answered, count.silent) == (1, 1)
    assert "within the time of a round" in count.complaints[0]


def test_what_a_round_had_no_time_for_is_left_for_the_next(book, asked, dell):
    assert asked(dell.bmc(), round_limit_s=0).late == 1
    assert asked(dell.bmc(), after_s=60).answered == 1


def test_a_bmc_that_is_away_is_told_once_it_missed_two_rounds(book, asked, certificate):
    with played(recorded(DELL), *certificate) as one:
        asked(one.bmc())
    asked(one.bmc(), after_s=SLOT_S)
    assert only(book).problems == {}
    assert asked(one.bmc(), after_s=2 * SLOT_S).silent == 1
    assert "since 2026-11-24 12:15 UTC" in only(book).problems[REACH]


def test_an_error_of_a_bmc_is_told_and_forgotten_when_it_is_over(book, asked, dell):
    asked(dell.bmc())
    dell.answer = lambda _path: (503, b"{}")
    asked(dell.bmc(), after_s=SLOT_S)
    assert "503" in only(book).problems[REACH]
    dell.answer = lambda _path: None
    asked(dell.bmc(), after_s=2 * SLOT_S)
    assert only(book).problems == {}


def test_what_is_wrong_is_told_to_the_collector_without_an_address(book, asked, dell):
    asked(dell.bmc())
    asked(dell.bmc(ca_file=None), after_s=SLOT_S)
    untrusted = only(book).problems[REACH]
    asked(dell.bmc(fingerprint="sha256:" + "00" * 32), after_s=2 * SLOT_S)
    for sentence in (untrusted, only(book).problems[REACH]):
        assert "certificate" in sentence
        assert "127.0.0.1" not in sentence


def test_a_bmc_that_ends_the_connection_after_each_answer_is_read(book, asked, dell):
    dell.hangs_up = True
    assert asked(dell.bmc()).answered == 1
    assert only(book).problems == {}

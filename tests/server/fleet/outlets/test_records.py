"""What feeders say of their outlets is taken like slots: one by one, the longest record, and no device."""

import json
from dataclasses import asdict

import pytest
from parcimetre_agent.report import Report, Slot
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.fleet.devices import devices
from parcimetre_server.fleet.outlets.records import from_outlets, outlet_id
from parcimetre_server.ingest.dead_letters import letters, replay
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.store.records import DeviceId, Fact, sum_results

from .feeders import SLOT_S, enrol, feed

PDU = DeviceId("e" * 32)


@pytest.fixture
def feeder(empty):
    """A collector that knows a PDU."""
    enrol(empty.store, PDU, "pdu")
    return empty


@pytest.fixture
def start(feeder):
    """The slot that closed last."""
    return feeder.now() // SLOT_S * SLOT_S - SLOT_S


def document(context, feeds, **about):
    """A report of the PDU as JSON says it."""
    return asdict(Report(1, PDU, context.now(), "1", feeds=feeds, **about))


def taken(context, feeds):
    """What the collector made of a report, kept, and what became of its records."""
    found = accept_report(json.dumps(document(context, feeds)).encode(), PDU, context.store, context.now())
    return found, sum_results(context.store.write([found.arrival, *found.fed]))


def test_an_outlet_has_slots_of_its_own_and_is_stated_once(feeder, start):
    feeds = [feed(start - SLOT_S, "1", 100), feed(start, "1", 200, duration_s=600), feed(start, "2", 300)]
    store = feeder.store
    for _ in range(2):
        _, merged = taken(feeder, feeds)
    assert (merged.accepted, merged.duplicates) == (0, 3)
    read = store.activity(outlet_id(PDU, "1"), 0, feeder.now())
    assert read.display_off_s.tolist() == [900.0, 600.0]
    assert [one.energy_j.tolist() for one in read.measured] == [[100.0, 200.0]]
    assert len(store.history("outlet")) == 2
    assert store.latest("outlet")[outlet_id(PDU, "2")].body == {
        "feeder": PDU, "outlet": "2", "scope": "wall_ac", "source": "pdu", "since": feeder.now(),
    }  # fmt: skip
    assert set(devices(store)) == {PDU}


def test_of_two_records_of_a_slot_the_longer_one_counts_whatever_comes_first(feeder, start):
    short, longer = feed(start, "1", 100, duration_s=500), feed(start, "1", 90, duration_s=900)
    for feeds in ([longer, short], [short, longer]):
        taken(feeder, feeds)
        assert feeder.store.activity(outlet_id(PDU, "1"), 0, feeder.now()).measured[0].energy_j.tolist() == [
            90.0
        ]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"outlet": ""}, "feeds[1].outlet = ''"),
        ({"scope": "psu_dc"}, "feeds[1].scope = 'psu_dc'"),
        ({"energy_j": -1.0}, "feeds[1].energy_j = -1.0"),
        ({"duration_s": 901}, "feeds[1].duration_s = 901"),
        ({"start": 17}, "feeds[1].start = 17: it should be a multiple of 900"),
        ({"device": "a" * 32}, "feeds[1].device"),
    ],
    ids=["no name", "scope", "negative", "too long", "start", "unknown field"],
)
def test_a_bad_feed_is_refused_with_its_field_and_the_others_are_taken(feeder, start, spoil, says):
    told = document(feeder, [feed(start, name, 100) for name in "123"])
    told["feeds"][1] |= spoil
    found = accept_report(json.dumps(told).encode(), PDU, feeder.store, feeder.now())
    assert {one.device_id for one in found.fed} == {outlet_id(PDU, "1"), outlet_id(PDU, "3")}
    (refusal,) = found.refused
    assert (refusal.part, refusal.index) == ("feeds", 1)
    assert refusal.reason.startswith(says)


def test_feeds_of_a_wrong_time_or_another_scope_are_refused_under_their_own_index(feeder, start):
    feeds = [
        feed(start, "1", 100), feed(start + 8 * SLOT_S, "1", 100), feed(start, "1", 100, "poe"),
        feed(start - 401 * 96 * SLOT_S, "2", 100), feed(start, "3", 100),
    ]  # fmt: skip
    told = document(feeder, feeds)
    told["feeds"][0]["energy_j"] = -1
    found = accept_report(json.dumps(told).encode(), PDU, feeder.store, feeder.now())
    reasons = {one.index: one.reason for one in found.refused}
    assert set(reasons) == {0, 1, 3}
    assert "in the future" in reasons[1]
    assert "older than 400 days" in reasons[3]
    feeder.store.write([found.arrival, *found.fed])
    found, _ = taken(feeder, [feeds[4], feed(start, "1", 100)])
    assert [one.reason for one in found.refused] == [
        "feeds[1].scope = 'wall_ac': outlet '1' had the scope poe before; "
        "give outlets and ports different names"
    ]


def test_a_refused_feed_can_be_replayed(feeder, start):
    taken(feeder, [feed(start + 8 * SLOT_S, "1", 100)])
    became = replay(feeder.store, letters(feeder.store), feeder.now() + 8 * SLOT_S)
    assert (became.accepted, became.refused) == (1, 0)
    assert feeder.store.span(outlet_id(PDU, "1")) == (start + 8 * SLOT_S, start + 8 * SLOT_S)


def test_a_report_s_answer_counts_feeds_with_its_slots(feeder, start, client_of):
    feeder.store.append([Fact("site", "Hôtel de Ville", 1, {"zone": "FR"})])
    credential = Credentials(feeder).issue(PDU, feeder.now())
    told = document(feeder, [feed(start, "1", 1), feed(start, "2", 1)], slots=[Slot(start, 0, 900, 0, 0, 0)])
    ask = client_of(feeder)
    answers = [
        ask.post("/v1/reports", json=told, headers={"authorization": f"Bearer {credential}"}).json()
        for _ in range(2)
    ]
    assert [(one["accepted"], one["duplicates"]) for one in answers] == [(3, 0), (0, 3)]


def test_a_feeder_whose_names_change_fills_no_store(feeder, start):
    taken(feeder, [feed(start, name, 1) for name in ("1", "2")])
    feeds = [feed(start - SLOT_S, name, 1) for name in ("1", "x", "x", "y")]
    found = from_outlets(PDU, feeds, feeder.store, feeder.now(), most_outlets=3)
    assert [(batch.device_id, len(batch.slots)) for batch in found.arrivals] == [
        (outlet_id(PDU, "1"), 1),
        (outlet_id(PDU, "x"), 2),
    ]
    assert [(one.at, one.reason) for one in found.contradictions] == [
        (3, "outlet = 'y': more than 3 outlets; each outlet must have the same name in every report")
    ]

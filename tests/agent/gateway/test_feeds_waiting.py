"""What outlets gave, from the book to the collector: whole, within the limits of a report, never twice."""

import json
import sqlite3
from dataclasses import asdict

import pytest
from parcimetre_agent.base.errors import Unreachable
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.gateway import book as book_module
from parcimetre_agent.gateway.book import FILE_NAME, Book, WatchedDevice
from parcimetre_agent.gateway.deliver import GatewayDelivery
from parcimetre_agent.gateway.device_identity import KnownDevice
from parcimetre_agent.gateway.outlet_energy import FeederState
from parcimetre_agent.gateway.taps import OUTLETS, Tap
from parcimetre_agent.report import MAX_FEEDS

from ..conftest import problem
from .conftest import NOON

SLOT_S = 900
TAP = Tap("outlet 1", "raritan_pdu2", "wall_ac", ["1.3.6.1.4.1.13742.6.5.4.3.1.4.1.1.5"], 1.0, [])
UNIT = KnownDevice(
    "p" * 64, "1.3.6.1.4.1.13742.6", 1, "Raritan", "PX3", "7" * 64, None,
    category="pdu", taps=[TAP], intake=[],
)  # fmt: skip


@pytest.fixture
def settings(collector, tmp_path, monkeypatch):
    """Those of a gateway whose secret is at hand."""
    monkeypatch.setenv("NO_PROXY", "*")
    secret = tmp_path / "secret"
    secret.write_text("ps_x")
    return Settings(server=collector.url, data_dir=str(tmp_path), secret_file=str(secret))


def rows(outlets):
    """What so many outlets gave in a slot."""
    return {
        "rows": [[f"outlet {i}", "wall_ac", "raritan_pdu2", "measured", 90.5, SLOT_S] for i in range(outlets)]
    }


@pytest.fixture
def waiting(book):
    """A PDU with five slots of 900 outlets, more than a report may hold."""
    book.save((), {UNIT.key: WatchedDevice(UNIT)})
    book.put((UNIT.key, "feeds", NOON + i * SLOT_S, rows(900)) for i in range(5))
    return book


def test_many_feeds_are_sent_in_several_reports_and_then_forgotten(collector, settings, waiting):
    assert GatewayDelivery(settings, waiting, NOON + 9000).run().refusals == ()
    assert collector.bodies("/v1/enrol")[0]["category"] == "pdu"
    sent = collector.bodies("/v1/reports")
    assert [len(one["feeds"]) for one in sent] == [1800, 1800, 900]
    assert all(len(one["feeds"]) <= MAX_FEEDS for one in sent)
    feeds = [feed for one in sent for feed in one["feeds"]]
    assert len({(feed["start"], feed["outlet"]) for feed in feeds}) == 4500
    assert feeds[0] == {
        "start": NOON, "outlet": "outlet 0", "scope": "wall_ac", "source": "raritan_pdu2",
        "quality": "measured", "energy_j": 90.5, "duration_s": SLOT_S,
    }  # fmt: skip
    assert waiting.count() == 0


def test_its_inventory_says_that_outlets_are_metered_or_what_is_wrong_with_them(collector, settings, waiting):
    GatewayDelivery(settings, waiting, NOON).run()
    (watched,) = waiting.devices().values()
    watched.problems = {OUTLETS: "outlet 1 reports -3 W, which is impossible"}
    waiting.save((), {UNIT.key: watched})
    GatewayDelivery(settings, waiting, NOON).run()
    told = [one["inventory"] for one in collector.bodies("/v1/reports") if "inventory" in one]
    assert [[(one["sensor"], one["state"]) for one in inventory["outcomes"]] for inventory in told] == [
        [(OUTLETS, "ok")],
        [(OUTLETS, "failed")],
    ]


def test_feeds_wait_until_the_collector_has_them(collector, settings, waiting):
    collector.replies += [problem(503, "come back")]
    with pytest.raises(Unreachable):
        GatewayDelivery(settings, waiting, NOON).run()
    assert waiting.count() == 5


def test_feeds_of_which_the_collector_refuses_some_are_told_and_not_sent_again(collector, settings, waiting):
    GatewayDelivery(settings, waiting, NOON).run()
    waiting.put([(UNIT.key, "feeds", NOON + 9 * SLOT_S, rows(1))])
    refused = {"accepted": 0, "duplicates": 0, "next_upload_s": 3600}
    refused["refused"] = [{"part": "feeds", "index": 0, "reason": "start lies in the future"}]
    collector.replies += [(200, refused, {})]
    (told,) = GatewayDelivery(settings, waiting, NOON).run().refusals
    assert "in the future" in told
    assert waiting.count() == 0


def test_too_many_feeds_leave_the_oldest_and_no_slot_of_a_device(book, monkeypatch):
    monkeypatch.setattr(book_module, "MOST_FEEDS", 2)
    book.put((UNIT.key, "feeds", NOON + i * SLOT_S, rows(1)) for i in range(5))
    book.put((UNIT.key, "slot", NOON + i * SLOT_S, {}) for i in range(5))
    assert book.bound(NOON) == 3
    assert [one.start - NOON for one in book.waiting(UNIT.key, "feeds", 10)] == [3 * SLOT_S, 4 * SLOT_S]
    assert len(book.waiting(UNIT.key, "slot", 10)) == 5


def test_a_file_from_before_there_were_feeds_is_read(tmp_path):
    Book(tmp_path).close()
    body = asdict(WatchedDevice(UNIT))
    del body["feeding"], body["known"]["taps"], body["known"]["intake"]
    with sqlite3.connect(tmp_path / FILE_NAME) as file:
        file.execute("replace into device values (?, ?)", (UNIT.key, json.dumps(body)))
    book = Book(tmp_path)
    (watched,) = book.devices().values()
    book.close()
    assert (list(watched.known.taps), list(watched.known.intake), watched.feeding) == ([], [], FeederState())


def test_what_is_kept_of_a_unit_is_read_as_it_was(book):
    kept = WatchedDevice(UNIT, feeding=FeederState(doubts={"outlet 1": (float(NOON), "says nonsense")}))
    book.save((), {UNIT.key: kept})
    assert book.devices() == {UNIT.key: kept}

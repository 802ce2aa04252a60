"""The spool keeps, bounds and forgets."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.recording.slot import SlotRecord, Stretch, slot_of
from parcimetre_agent.recording.spool import Spool, slot_fields
from parcimetre_agent.recording.spool_opening import open_spool
from parcimetre_agent.recording.timeline import GapRecord

T = 1_800_000_000
NOW = float(T + 86_400)


def _slot(number: int, covered_s: int = 900) -> SlotRecord:
    start = T + 900 * number
    power_w = {("rapl", "package", "measured"): 7.0}
    return slot_of(start, [Stretch(start, start + covered_s, "display_off", 0.1, 9.5, power_w)])


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(str(tmp_path))


def test_slot_comes_back_as_it_was_put(spool: Spool) -> None:
    spool.put([_slot(0)], [], None, NOW)
    assert spool.slot(T) == _slot(0)
    assert spool.pending(10)[0].fields == slot_fields(_slot(0))


def test_slot_is_forgotten_only_after_its_own_acknowledgement(spool: Spool) -> None:
    spool.put([_slot(0), _slot(1)], [], None, NOW)
    spool.acknowledge(spool.pending(1), [])
    assert [slot.start for slot in spool.pending(10)] == [T + 900]


def test_open_slot_acknowledged_early_is_sent_again_when_it_covers_more(spool: Spool) -> None:
    spool.put([], [], _slot(0, 300), NOW)
    spool.acknowledge(spool.pending(10), [])
    assert spool.pending(10) == []
    spool.put([_slot(0, 900)], [], None, NOW)
    assert [slot.covered_s for slot in spool.pending(10)] == [900]


def test_acknowledgement_that_arrives_after_the_slot_grew_does_not_lose_the_growth(spool: Spool) -> None:
    spool.put([], [], _slot(0, 300), NOW)
    sent = spool.pending(10)
    spool.put([_slot(0, 900)], [], None, NOW)
    spool.acknowledge(sent, [])
    assert [slot.covered_s for slot in spool.pending(10)] == [900]


def test_slot_that_ends_as_it_was_acknowledged_is_forgotten(spool: Spool) -> None:
    spool.put([], [], _slot(0, 300), NOW)
    spool.acknowledge(spool.pending(10), [])
    spool.close_others(None)
    assert spool.slot(T) is None


def test_record_that_covers_less_changes_nothing(spool: Spool) -> None:
    spool.put([_slot(0, 900)], [], None, NOW)
    spool.put([_slot(0, 100)], [], None, NOW)
    assert spool.slot(T) == _slot(0, 900)


def test_oldest_slots_are_dropped_first_and_counted_when_coarser_is_not_enough(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), max_bytes=100_000)
    for number in range(0, 2000, 100):
        spool.put([_slot(number + i) for i in range(100)], [], None, NOW)
    waiting = spool.waiting()
    assert waiting.size_bytes <= 100_000
    assert waiting.dropped == 2000 - waiting.slots > 0
    assert spool.pending(1)[0].start == T + 900 * waiting.dropped


def test_slots_older_than_the_bound_are_dropped_and_counted(spool: Spool) -> None:
    spool.put([_slot(0), _slot(95)], [GapRecord(T, 900, "off")], None, NOW)
    spool.put([], [], None, NOW + 399.5 * 86_400)
    assert [slot.start for slot in spool.pending(10)] == [T + 900 * 95]
    assert spool.waiting().dropped == 1
    assert spool.pending_gaps(10) == []


def test_refused_record_leaves_the_queue_and_its_reason_stays(spool: Spool) -> None:
    spool.put([_slot(0), _slot(1)], [], None, NOW)
    spool.set_aside([T], "in the future; set the clock")
    assert [slot.start for slot in spool.pending(10)] == [T + 900]
    assert spool.refusals() == [(T, "in the future; set the clock")]
    assert spool.waiting().refused == 1


def test_facts_survive_the_process(spool: Spool, tmp_path: Path) -> None:
    spool.remember(heartbeat=[1.5, 2.0, 2.0, "a"])
    assert Spool(str(tmp_path)).get("heartbeat") == [1.5, 2.0, 2.0, "a"]
    assert Spool(str(tmp_path)).get("nothing") is None


def test_cleared_spool_holds_nothing_of_another_machine(spool: Spool) -> None:
    spool.put([_slot(0)], [GapRecord(T, 900, "off")], None, NOW)
    spool.remember(device_id="x")
    spool.clear()
    assert (spool.waiting().slots, spool.waiting().gaps, spool.get("device_id")) == (0, 0, None)


def _long(spool: Spool, count: int) -> None:
    for number in range(0, count, 100):
        spool.put([_slot(number + i) for i in range(100)], [], None, NOW)


def test_full_file_makes_the_oldest_coarser_and_loses_no_second_and_no_joule(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), max_bytes=250_000)
    _long(spool, 1200)
    waiting, slots = spool.waiting(), spool.pending(2000)
    assert (waiting.slots, waiting.dropped) == (1200, 0)
    assert waiting.coarsened > 0
    assert waiting.size_bytes <= 250_000
    assert [slot.start for slot in slots] == [T + 900 * number for number in range(1200)]
    assert sum(slot.fields["display_off_s"] for slot in slots) == 1200 * 900
    assert sum(e["energy_j"] for slot in slots for e in slot.fields["energy"]) == 1200 * 900 * 7.0


def test_slots_that_may_have_arrived_stay_as_they_are(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), max_bytes=250_000)
    _long(spool, 200)
    sent = spool.pending(10)
    spool.sending(sent)
    spool.put([_slot(200 + i) for i in range(1000)], [], None, NOW)
    assert spool.waiting().coarsened > 0
    assert spool.pending(10) == sent


def test_slots_of_an_hour_are_forgotten_one_by_one_and_no_other(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), max_bytes=250_000)
    _long(spool, 1200)
    first = spool.pending(3)
    spool.acknowledge(first[:2], [])
    assert spool.pending(1) == first[2:]
    spool.set_aside([first[2].start], "no")
    spool.acknowledge(spool.pending(5000), [])
    assert (spool.waiting().slots, spool.waiting().refused) == (0, 1)


def test_file_of_the_layout_before_is_taken_over(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "spool.sqlite")
    db.executescript(
        "create table slots (start integer primary key, covered_s integer not null, closed integer not null,"
        " acknowledged_s integer not null default 0, body text not null);"
        "create table gaps (start integer primary key, duration_s integer not null, state text not null);"
        "create table refused (start integer primary key, reason text not null);"
        "create table meta (key text primary key, value text not null); pragma user_version = 1;"
    )
    body = json.dumps(slot_fields(_slot(0)))
    db.execute("insert into slots values (?, 900, 1, 0, ?)", (T, body))
    db.commit()
    db.close()
    spool = Spool(str(tmp_path))
    assert spool.slot(T) == _slot(0)
    assert spool.waiting().slots == 1


def test_damaged_file_is_put_beside_counted_and_a_new_one_begun(spool: Spool, tmp_path: Path) -> None:
    spool.put([_slot(0)], [], None, NOW)
    Path(spool.path).write_bytes(b"no spool at all" * 500)
    with pytest.raises(sqlite3.DatabaseError):
        spool.waiting()
    again = open_spool(str(tmp_path))
    assert (again.waiting().slots, again.waiting().damaged) == (0, 1)
    assert Path(spool.path + ".damaged").read_bytes().startswith(b"no spool")


def test_disk_that_is_really_full_is_an_error_to_live_with_and_changes_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put([_slot(0)], [], None, NOW)
    connect = sqlite3.connect

    def bounded(*where: Any, **how: Any) -> sqlite3.Connection:
        db = connect(*where, **how)
        db.execute("pragma max_page_count = 1")
        return db

    with monkeypatch.context() as full:
        full.setattr(sqlite3, "connect", bounded)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            spool.put([_slot(i) for i in range(1, 400)], [], None, NOW)
    assert [slot.start for slot in spool.pending(10)] == [T]


def test_a_slot_with_fields_of_an_older_agent_is_read(spool: Spool) -> None:
    spool.put([], [], _slot(0, 300), NOW)
    with sqlite3.connect(spool.path) as db:
        (body,) = db.execute("select body from slots").fetchone()
        db.execute("update slots set body = ?", (json.dumps(json.loads(body) | {"disk_read_kib_s": 12.0}),))
    db.close()
    assert spool.slot(T) == _slot(0, 300)

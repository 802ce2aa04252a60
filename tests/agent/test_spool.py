"""The spool keeps, bounds and forgets."""

from pathlib import Path

import pytest
from parcimetre_agent.slot import Piece, SlotRecord, one_slot
from parcimetre_agent.spool import Spool, slot_fields
from parcimetre_agent.timeline import GapRecord

T = 1_800_000_000
NOW = float(T + 86_400)


def _slot(number: int, covered_s: int = 900) -> SlotRecord:
    start = T + 900 * number
    return one_slot(
        start, [Piece(start, start + covered_s, "display_off", 0.1, {"memory_used_mib": 9.5}, {})]
    )


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


def test_oldest_slots_are_dropped_first_and_counted_when_the_file_is_full(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), max_bytes=200_000)
    for number in range(0, 1200, 100):
        spool.put([_slot(number + i) for i in range(100)], [], None, NOW)
    waiting = spool.waiting()
    assert waiting.size_bytes <= 200_000
    assert waiting.dropped == 1200 - waiting.slots > 0
    assert spool.pending(1)[0].start == T + 900 * waiting.dropped


def test_slots_older_than_the_bound_are_dropped_and_counted(spool: Spool) -> None:
    spool.put([_slot(0), _slot(95)], [GapRecord(T, 900, "off")], None, NOW)
    spool.put([], [], None, NOW + 39.5 * 86_400)
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

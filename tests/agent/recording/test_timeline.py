"""Pieces become slots and gaps."""

from parcimetre_agent.recording.slot import Stretch, slot_of
from parcimetre_agent.recording.timeline import LONGEST_GAP_S, GapRecord, Timeline

T = 1_800_000_000


def _piece(start_s: float, end_s: float, state: str = "display_off") -> Stretch:
    return Stretch(T + start_s, T + end_s, state, None, None, {})


def test_slot_closes_at_its_end_and_not_before() -> None:
    timeline = Timeline()
    assert timeline.add([_piece(0, 890)]).slots == []
    (slot,) = timeline.add([_piece(890, 910)]).slots
    assert (slot.start, slot.display_off_s) == (T, 900)
    open_slot = timeline.open_slot()
    assert open_slot is not None
    assert (open_slot.start, open_slot.display_off_s, open_slot.unknown_s) == (T + 900, 10, 890)


def test_whole_slots_of_sleep_are_a_gap_and_the_rest_stays_in_the_edge_slots() -> None:
    timeline = Timeline()
    timeline.add([_piece(0, 600)])
    closed = timeline.add([_piece(600, 4000, "asleep"), _piece(4000, 4030)])
    assert closed.gaps == [GapRecord(T + 900, 2700, "asleep")]
    assert [(s.start - T, s.display_off_s, s.asleep_s) for s in closed.slots] == [(0, 600, 300)]
    edge = timeline.open_slot()
    assert edge is not None
    assert (edge.start - T, edge.asleep_s, edge.display_off_s) == (3600, 400, 30)


def test_gap_longer_than_the_wire_allows_is_cut() -> None:
    closed = Timeline().add([_piece(0, LONGEST_GAP_S + 9000, "off")])
    assert [gap.duration_s for gap in closed.gaps] == [LONGEST_GAP_S, 9000]


def test_clock_step_closes_the_slot_with_its_rest_unknown() -> None:
    timeline = Timeline()
    timeline.add([_piece(0, 300)])
    (slot,) = timeline.add([_piece(300, 7500, "unknown")], stepped=True).slots
    assert (slot.display_off_s, slot.unknown_s) == (300, 600)
    assert timeline.open_slot() is None


def test_restart_takes_up_the_open_slot() -> None:
    timeline = Timeline(slot_of(T, [_piece(0, 300)]))
    (slot,) = timeline.add([_piece(300, 400, "unknown"), _piece(400, 900)]).slots
    assert (slot.display_off_s, slot.unknown_s) == (800, 100)


def test_slot_of_which_nothing_is_known_is_not_reported() -> None:
    closed = Timeline().add([_piece(10, 900, "unknown")])
    assert closed.slots == []

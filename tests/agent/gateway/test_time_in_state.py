"""From polls to slots, on values alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_agent.gateway.time_in_state import (
    LastAnswer,
    SlotTotals,
    slot_fields,
    spread_over_slots,
    state_periods,
)
from parcimetre_agent.sending import wire_json

NOON = 1_795_521_600


def seconds(before, now):
    """Seconds by state between two answers."""
    found = {}
    for piece in state_periods(before, now):
        found[piece.state] = found.get(piece.state, 0) + piece.end_s - piece.start_s
    return found


def test_between_two_polls_each_state_holds_for_half():
    assert seconds(LastAnswer(NOON, "awake"), LastAnswer(NOON + 900, "asleep")) == {
        "awake": 450,
        "asleep": 450,
    }


def test_a_printer_that_was_started_since_was_off():
    back = LastAnswer(NOON + 36_000, "awake", uptime_s=1000)
    assert seconds(LastAnswer(NOON, "asleep"), back) == {"asleep": 450, "off": 34_550, "awake": 450}


@pytest.mark.parametrize("uptime_s", [None, 90_000], ids=["untold", "ran-on"])
def test_a_printer_that_did_not_answer_but_ran_on_is_unknown_meanwhile(uptime_s):
    assert seconds(LastAnswer(NOON, "asleep"), LastAnswer(NOON + 36_000, "awake", uptime_s)) == {
        "asleep": 450,
        "awake": 450,
    }


def test_a_clock_that_was_set_back_tells_nothing():
    assert state_periods(LastAnswer(NOON, "awake"), LastAnswer(NOON - 60, "awake")) == []


def test_impressions_fall_on_the_time_awake_and_none_is_lost():
    cells = spread_over_slots(
        state_periods(LastAnswer(NOON + 300, "awake"), LastAnswer(NOON + 1200, "asleep")), 101
    )
    assert {start - NOON: cell.impressions for start, cell in cells.items()} == {0: 101, 900: 0}


def test_what_was_printed_by_a_printer_that_looked_asleep_woke_it():
    fields = slot_fields(NOON, SlotTotals(asleep_s=900, impressions=40))
    assert (fields["display_off_s"], fields["asleep_s"], fields["load_deciles_s"][9]) == (40, 860, 40)


@settings(deadline=None)
@given(
    st.integers(0, 5000), st.integers(0, 899), st.integers(1, 90_000),
    st.sampled_from(["awake", "asleep"]), st.sampled_from(["awake", "asleep"]), st.none() | st.floats(0, 1e6),
)  # fmt: skip
def test_every_slot_of_any_two_answers_is_one_that_the_wire_takes(
    printed, at, later, first, second, uptime_s
):
    known = state_periods(LastAnswer(NOON + at, first), LastAnswer(NOON + at + later, second, uptime_s))
    cells = spread_over_slots(known, printed)
    assert sum(cell.impressions for cell in cells.values()) == printed
    for start, cell in cells.items():
        assert wire_json.slot_from(slot_fields(start, cell)).covered_s <= 900

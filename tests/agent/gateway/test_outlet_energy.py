"""What outlets gave between two answers, from counters and from sampled power."""

import json
from dataclasses import asdict

import pytest
from parcimetre_agent.gateway.outlet_energy import WRAP, FeederState, feed_fields, feeder_state
from parcimetre_agent.gateway.taps import OutletReading
from parcimetre_agent.sending import wire_json

from .conftest import NOON

SLOT_S, DAY_S = 900, 86_400


def said(power_w=None, steps=None, wh=1.0, scope="wall_ac"):
    """What an outlet said."""
    return OutletReading("a_mib", scope, "measured", power_w, steps, wh)


def fed(state, *answers):
    """Joules by slot of one outlet that gave answers at seconds after noon."""
    found = {}
    for after_s, told in answers:
        state.add_readings({"outlet 1": told}, {}, NOON + after_s)
        for start, rows in state.close(NOON + after_s):
            found[(start - NOON) // SLOT_S] = [row[4:] for row in rows]
    return found


def test_sampled_power_holds_half_each():
    told = fed(FeederState(), (0, said(100.0)), (SLOT_S, said(200.0)))
    assert told == {0: [[150.0 * SLOT_S, SLOT_S]]}


def test_after_a_pause_sampled_power_is_known_for_half_a_slot_each_and_a_counter_for_all():
    sampled = fed(FeederState(), (0, said(100.0)), (4 * SLOT_S, said(100.0)))
    assert {slot: row[0][1] for slot, row in sampled.items()} == {0: 450, 3: 450}
    counted = fed(FeederState(), (0, said(100.0, 0)), (4 * SLOT_S, said(100.0, 100)))
    assert sum(row[0][0] for row in counted.values()) == pytest.approx(360_000.0, abs=0.5)
    assert {row[0][1] for row in counted.values()} == {SLOT_S}


def test_a_counter_is_not_spread_over_more_than_a_day():
    assert fed(FeederState(), (0, said(None, 0)), (DAY_S + 1, said(None, 9000))) == {}


def test_a_counter_of_32_bits_goes_on_when_it_is_full():
    told = fed(FeederState(), (0, said(80.0, WRAP - 10)), (SLOT_S, said(80.0, 10)))
    assert told == {0: [[20 * 3600.0, SLOT_S]]}


def test_a_counter_alone_that_is_reset_gives_nothing_once():
    state = FeederState()
    told = fed(state, (0, said(None, 5000)), (SLOT_S, said(None, 3)), (2 * SLOT_S, said(None, 13)))
    assert told == {1: [[36_000.0, SLOT_S]]}
    assert "counted back" in state.problems_sentence()


def test_an_outlet_that_gives_nothing_is_told_for_four_weeks_and_then_left_out_until_it_gives():
    state = FeederState()
    fed(state, (0, said(10.0)))
    told = fed(state, (27 * DAY_S, said(0.0)), (27 * DAY_S + SLOT_S, said(0.0)))
    assert list(told.values()) == [[[0.0, SLOT_S]]]
    assert fed(state, (29 * DAY_S, said(0.0)), (29 * DAY_S + SLOT_S, said(0.0))) == {}
    told = fed(state, (29 * DAY_S + 2 * SLOT_S, said(8.0)))
    assert list(told.values()) == [[[4.0 * SLOT_S, SLOT_S]]]


def test_an_outlet_that_never_gave_is_told_for_a_day_so_that_something_may_be_said_to_hang_there():
    state = FeederState()
    assert fed(state, (0, said(0.0)), (SLOT_S, said(0.0))) == {0: [[0.0, SLOT_S]]}
    assert fed(state, (2 * DAY_S, said(0.0)), (2 * DAY_S + SLOT_S, said(0.0))) == {}


def test_a_clock_that_went_back_gives_nothing():
    assert fed(FeederState(), (SLOT_S, said(10.0)), (0, said(10.0))) == {}


def test_a_port_of_poe_cannot_give_what_a_wall_outlet_can():
    state = FeederState()
    fed(state, (0, said(5.0, 0, scope="poe")), (SLOT_S, said(5.0, 200, scope="poe")))
    assert "jumped" in state.problems_sentence()


def test_a_doubt_that_goes_on_keeps_its_beginning_and_ends_after_a_day():
    state = FeederState()
    state.add_readings({}, {"outlet 1": "says nonsense"}, NOON)
    first = state.problems_sentence()
    state.add_readings({}, {"outlet 1": "says nonsense"}, NOON + SLOT_S)
    assert state.problems_sentence() == first
    state.add_readings({}, {}, NOON + 2 * DAY_S)
    assert state.problems_sentence() == ""


def test_many_doubts_are_told_in_a_few_words():
    state = FeederState()
    state.add_readings({}, {f"outlet {i}": "says nonsense" for i in range(40)}, NOON)
    assert state.problems_sentence().endswith("; 36 more outlets")
    assert len(state.problems_sentence()) <= 500


def test_what_is_written_down_is_read_again_as_it_was():
    state = FeederState()
    fed(state, (0, said(10.0, 4)), (1000, said(10.0, 7)))
    state.add_readings({}, {"outlet 2": "says nonsense"}, NOON + 1001)
    assert feeder_state(json.loads(json.dumps(asdict(state)))) == state


def test_a_row_is_a_feed_of_the_report():
    sent = wire_json.feed_from(feed_fields(NOON, ["outlet 1", "wall_ac", "a_mib", "measured", 900.0, SLOT_S]))
    assert (sent.outlet, sent.energy_j, sent.duration_s) == ("outlet 1", 900.0, SLOT_S)

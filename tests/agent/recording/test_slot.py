"""Samples in, one slot out."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.machine.clock import Instant
from parcimetre_agent.metering.counters import Counter
from parcimetre_agent.recording.slot import (
    SLOT_S,
    Sample,
    SlotRecord,
    Stretch,
    largest_remainder,
    merged_slot,
    slot_of,
    split_by_slot,
    stretches,
)
from parcimetre_agent.recording.spool import slot_fields
from parcimetre_agent.recording.states import states_between
from parcimetre_agent.report import Slot
from parcimetre_agent.sending.wire_json import slot_from as wire_slot
from pydantic import TypeAdapter

T = 1_800_000_000
STATES = ("display_on", "display_off", "asleep", "off", "unknown")


def _piece(start_s: float, end_s: float, state: str = "display_off", load: float | None = None) -> Stretch:
    return Stretch(T + start_s, T + end_s, state, load, None, {})


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=12), st.integers(0, 2000))
def test_largest_remainder_always_gives_the_total(parts: list[float], total: int) -> None:
    whole = largest_remainder(parts, total)
    assert sum(whole) == total
    assert all(abs(w - p * total / sum(parts)) < 1 for w, p in zip(whole, parts, strict=True))


@pytest.mark.slow
@given(
    st.lists(st.floats(0.0, float(SLOT_S)), min_size=2, max_size=40),
    st.lists(st.tuples(st.sampled_from(STATES), st.none() | st.floats(0, 1)), min_size=40, max_size=40),
)
def test_any_pieces_make_a_slot_that_the_collector_accepts(
    cuts: list[float], kinds: list[tuple[str, float | None]]
) -> None:
    edges = sorted(cuts)
    parts = [
        Stretch(T + a, T + b, state, load if "display" in state else None, 5.0, {})
        for (a, b), (state, load) in zip(pairwise(edges), kinds, strict=False)
    ]
    record = slot_of(T, parts)
    TypeAdapter(Slot).validate_json(json.dumps(slot_fields(record)))
    assert record.covered_s + record.unknown_s == SLOT_S


def test_piece_over_two_boundaries_is_cut_at_each() -> None:
    cut = split_by_slot(_piece(800, 1900))
    assert [(p.start_s - T, p.end_s - T) for p in cut] == [(800, 900), (900, 1800), (1800, 1900)]


def test_load_counts_in_its_decile_and_full_load_in_the_last() -> None:
    record = slot_of(T, [_piece(0, 600, load=0.05), _piece(600, 800, load=0.1), _piece(800, 900, load=1.0)])
    assert record.load_deciles_s == [600, 200, 0, 0, 0, 0, 0, 0, 0, 100]


def _sample(second: float, energy_j: float, **values: float) -> Sample:
    counter = Counter("rapl", "package", "measured", "package-0", energy_j, 1000.0, 1500.0)
    return Sample(Instant(T + second, second, second, "a"), values, [counter])


def test_samples_become_load_memory_and_joules() -> None:
    before = _sample(0, 100.0, busy_s=10, total_s=100, memory_used_mib=1.0, display_on=1)
    after = _sample(30, 400.0, busy_s=25, total_s=160, memory_used_mib=2.0)
    (piece,) = stretches(before, after, states_between(before.at, after.at))
    assert piece.state == "display_on"
    assert piece.load == pytest.approx(0.25)
    assert piece.memory_used_mib == 2.0
    (energy,) = slot_of(T, [piece]).energy
    assert (energy.energy_j, energy.duration_s) == (300.0, 30)


def test_joules_are_split_by_time_at_a_slot_boundary_and_none_is_lost() -> None:
    before, after = _sample(890, 0.0), _sample(920, 600.0)
    (piece,) = stretches(before, after, states_between(before.at, after.at))
    first, second = split_by_slot(piece)
    joules = [slot_of(start, [part]).energy[0].energy_j for start, part in ((T, first), (T + 900, second))]
    assert joules == [200.0, 400.0]


def test_no_energy_is_counted_across_a_sleep() -> None:
    before = _sample(0, 0.0)
    after = Sample(Instant(T + 3630, 30.0, 3630.0, "a"), {}, _sample(0, 500.0).counters)
    found = stretches(before, after, states_between(before.at, after.at))
    assert all(piece.power_w == {} for piece in found)


def _record(*parts: Stretch) -> SlotRecord:
    return slot_of(T, list(parts))


def test_two_stretches_of_one_slot_join_to_their_sum() -> None:
    both = merged_slot(_record(_piece(0, 300, load=0.0)), _record(_piece(400, 900, "off")))
    assert (both.display_off_s, both.off_s, both.unknown_s) == (300, 500, 100)
    assert sum(both.load_deciles_s) == 300


def test_rounding_at_the_seam_does_not_lose_a_stretch() -> None:
    both = merged_slot(_record(_piece(0, 300.6)), _record(_piece(300.6, 900.0, "off")))
    assert both.covered_s == SLOT_S
    assert both.off_s >= 598
    wire_slot(slot_fields(both))


def test_records_that_overlap_are_not_added_up() -> None:
    longer, shorter = _record(_piece(0, 800)), _record(_piece(100, 500))
    assert merged_slot(longer, shorter) == longer
    assert merged_slot(shorter, longer) == longer

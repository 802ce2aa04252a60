"""An hour made one record and taken apart again keeps every second and every tenth of a joule."""

import json

from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.recording import coarsening
from parcimetre_agent.recording.slot import SlotRecord, Stretch, slot_of
from parcimetre_agent.recording.spool import slot_fields
from parcimetre_agent.sending import wire_json

T = 1_800_000_000
STATES = ("display_on", "display_off", "asleep", "off")
CHANNELS = (("rapl", "package", "measured"), ("battery", "battery", "measured"))


@st.composite
def hours(draw: st.DrawFn) -> list[SlotRecord]:
    """Some slots of one hour as the agent makes them."""
    found = []
    for number in sorted(draw(st.sets(st.integers(0, 3), min_size=1))):
        start, at, parts = T + 900 * number, 0.0, []
        for _ in range(draw(st.integers(1, 5))):
            end = min(900.0, at + draw(st.floats(0.1, 500)))
            state = draw(st.sampled_from(STATES))
            awake = state.startswith("display")
            load = draw(st.floats(0, 1)) if awake and draw(st.booleans()) else None
            power = {
                channel: draw(st.floats(0, 200)) for channel in CHANNELS if awake and draw(st.booleans())
            }
            parts.append(Stretch(start + at, start + end, state, load, 9.5, power))
            at = end
        found.append(slot_of(start, parts))
    return found


def _tenths(slots: list[SlotRecord]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for slot in slots:
        for energy in slot.energy:
            sums[energy.source] = sums.get(energy.source, 0) + round(energy.energy_j * 10)
    return {source: tenths for source, tenths in sums.items() if tenths}


def _loads(slots: list[SlotRecord]) -> list[int]:
    return [sum(s.load_deciles_s[i] for s in slots if s.load_deciles_s) for i in range(10)]


@given(hours())
def test_hour_taken_apart_has_the_same_slots_states_loads_and_joules(slots: list[SlotRecord]) -> None:
    apart = coarsening.split_hour(json.loads(json.dumps(coarsening.merge_hour(slots))))
    assert [slot[:6] for slot in apart] == [slot[:6] for slot in slots]
    assert _loads(apart) == _loads(slots)
    assert _tenths(apart) == _tenths(slots)
    counted_s = [sum(e.duration_s for slot in found for e in slot.energy) for found in (apart, slots)]
    assert counted_s[0] == counted_s[1]


@given(hours())
def test_every_slot_of_an_hour_taken_apart_fits_the_wire_format(slots: list[SlotRecord]) -> None:
    for slot in coarsening.split_hour(coarsening.merge_hour(slots)):
        assert wire_json.slot_from(slot_fields(slot)).start == slot.start


def test_energy_of_a_busy_slot_is_spread_over_the_time_awake_of_its_hour() -> None:
    busy = slot_of(T, [Stretch(T, T + 900, "display_on", 0.9, None, {CHANNELS[0]: 40.0})])
    calm = slot_of(T + 900, [Stretch(T + 900, T + 1350, "display_off", 0.0, None, {CHANNELS[0]: 4.0})])
    asleep = slot_of(T + 1800, [Stretch(T + 1800, T + 2700, "asleep", None, None, {})])
    apart = coarsening.split_hour(coarsening.merge_hour([busy, calm, asleep]))
    assert [[e.energy_j for e in slot.energy] for slot in apart] == [[25_200.0], [12_600.0], []]

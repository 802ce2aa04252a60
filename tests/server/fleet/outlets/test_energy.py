"""What outlets counted is the energy of what hangs on them: whole or not at all, and never twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from parcimetre_agent.report import Energy, Slot
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.power.power_sources import at_the_wall
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.periods import Span
from parcimetre_server.base.units import J_PER_KWH
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.merging import merge
from parcimetre_server.fleet.monitors import of_device, span_of, spans
from parcimetre_server.footprint.compute import compute_footprint, footprint_rows
from parcimetre_server.footprint.explanation.as_json import as_json
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import DeviceId, WriteBatch

from tests.factors.test_method_page import LANGUAGES, worked
from tests.server.conftest import NOW, SLOT_S, slot
from tests.server.fleet.outlets.feeders import enrol, feed, gave, hang

PDU, SWITCH, PHONE, NEW = (DeviceId(letter * 32) for letter in "1234")
FIRST = NOW // SLOT_S * SLOT_S - 8 * SLOT_S
SCHEMA = json.loads((Path(__file__).parents[4] / "docs/explanation.schema.json").read_text(encoding="utf-8"))
SPAN = Span(FIRST, FIRST + 8 * SLOT_S)
STARTS = range(SPAN.first, SPAN.last, SLOT_S)


def awake(start, *energy):
    """A slot of a device that a gateway asks."""
    return Slot(start, 0, 900, 0, 0, 0, energy=list(energy))


def wall(energy_j, source="energy_object", duration_s=900):
    """What a device says that it takes."""
    return Energy(source, "wall_ac", "measured", float(energy_j), duration_s)


def of(context, key, span=SPAN):
    """The activity of a device over the span."""
    return of_device(context.store, device(context.store, key), span).activity


def kwh(context, key=None, span=SPAN):
    """Electricity of a device, or of all."""
    rows = footprint_rows(context, FootprintQuery(span, Criterion.GWP, device=key))
    return sum(row.energy_kwh for row in rows)


def channel(activity, source, scope="wall_ac"):
    """What a counter said by slot."""
    (found,) = (one for one in activity.measured if (one.source, one.scope) == (source, scope))
    return found.energy_j.tolist()


@pytest.fixture
def fed(fleet):
    """The fleet with a PDU whose outlets 1 and 2 feed the laptop, which slept through the span."""
    store = fleet.context.store
    enrol(store, PDU, "pdu", [awake(start) for start in STARTS])
    gave(store, PDU, [feed(start, name, 9000) for start in STARTS for name in "12"], NOW)
    hang(store, PDU, "1", fleet.laptop)
    return fleet


def test_an_outlet_is_no_device_and_its_energy_is_nobody_s_until_something_hangs_there(fleet):
    before = kwh(fleet.context)
    enrol(fleet.context.store, PDU, "pdu", [awake(start) for start in STARTS])
    gave(fleet.context.store, PDU, [feed(start, "1", 9000) for start in STARTS], NOW)
    assert kwh(fleet.context) == before
    assert kwh(fleet.context, PDU) == 0.0
    assert len(spans(fleet.context.store, [])) == 0


def test_a_device_s_outlet_is_its_meter_at_the_wall(fed):
    found = of(fed.context, fed.laptop)
    assert channel(found, "pdu") == [9000.0] * 8
    assert found.start.tolist() == list(STARTS)
    assert kwh(fed.context, fed.laptop) == pytest.approx(8 * 9000 / J_PER_KWH)


def test_a_time_that_only_the_outlet_knows_is_time_awake(fed):
    fed.context.store.write([WriteBatch(fed.laptop, [Slot(FIRST + SLOT_S * 7, 100, 0, 200, 0, 600)])])
    found = of(fed.context, fed.laptop)
    assert found.covered_s.tolist() == [900.0] * 8
    last = found.start.tolist().index(FIRST + SLOT_S * 7)
    assert (found.display_on_s[last], found.asleep_s[last]) == (slot_of(fed, FIRST + SLOT_S * 7))


def slot_of(fed, start):
    """Seconds on and asleep of the record that the laptop has of a slot."""
    (one,) = fed.context.store.slots(fed.laptop, start, start + SLOT_S)
    return one.display_on_s, one.asleep_s


def test_two_outlets_are_added_where_both_counted_and_neither_counts_alone(fed):
    store = fed.context.store
    hang(store, PDU, "2", fed.laptop)
    assert channel(of(fed.context, fed.laptop), "pdu") == [18_000.0] * 8
    later = [FIRST + 8 * SLOT_S, FIRST + 9 * SLOT_S]
    gave(store, PDU, [feed(later[0], "1", 9000), *(feed(later[1], name, 9000) for name in "12")], NOW)
    found = of(fed.context, fed.laptop, Span(later[0], later[1] + SLOT_S))
    at = found.start.tolist().index(later[1])
    assert channel(found, "pdu")[at] == 18_000.0
    assert sum(channel(found, "pdu")) == 18_000.0


def test_an_outlet_that_counted_a_part_of_the_slot_does_not_pass_for_the_whole(fleet):
    store = fleet.context.store
    gave(
        store,
        PDU,
        [feed(FIRST, "1", 9000, duration_s=800), feed(FIRST + 900, "1", 9000, duration_s=820)],
        NOW,
    )
    hang(store, PDU, "1", fleet.silent)
    found = of(fleet.context, fleet.silent)
    assert found.start.tolist() == [FIRST + 900]
    assert found.covered_s.tolist() == [820.0]


def test_what_somebody_modelled_is_no_measured_figure(fleet):
    gave(fleet.context.store, PDU, [feed(FIRST, "1", 9000, quality="modelled")], NOW)
    hang(fleet.context.store, PDU, "1", fleet.silent)
    assert len(of(fleet.context, fleet.silent).start) == 0


def test_the_outlet_wins_over_the_device_s_own_meter_at_the_wall(fed):
    hang(fed.context.store, PDU, "1", fed.server)
    found = of(fed.context, fed.server)
    assert at_the_wall(found).tolist() == [9000.0] * 8


def test_a_device_hangs_on_an_outlet_from_a_day_on(fed):
    at = FIRST + 4 * SLOT_S
    hang(fed.context.store, PDU, "1", fed.silent, first=at, at=2)
    assert of(fed.context, fed.silent).start.tolist() == [start for start in STARTS if start >= at]
    assert sum(channel(of(fed.context, fed.laptop), "pdu")) == 4 * 9000.0
    hang(fed.context.store, PDU, "1", None, first=at, at=3)
    assert len(of(fed.context, fed.silent).start) == 0


def test_a_device_without_a_record_of_its_own_reports_by_its_outlet(fleet):
    store = fleet.context.store
    enrol(store, NEW, "server")
    gave(store, PDU, [feed(start, "1", 9000) for start in STARTS], NOW)
    hang(store, PDU, "1", NEW)
    assert span_of(store, device(store, NEW)) == (STARTS[0], STARTS[-1])
    assert spans(store, [device(store, NEW)]) == {NEW: (STARTS[0], STARTS[-1])}
    assert kwh(fleet.context, NEW) == pytest.approx(8 * 9000 / J_PER_KWH)


def test_what_passes_a_pdu_is_not_its_own_whatever_it_hangs_on(fed):
    store = fed.context.store
    gave(store, NEW, [feed(start, "A", 18_000, source="ups") for start in STARTS], NOW)
    hang(store, NEW, "A", PDU)
    assert kwh(fed.context, PDU) == 0.0


def test_a_switch_is_without_what_it_gave_to_a_known_device_and_the_sum_stays(fleet):
    store = fleet.context.store
    enrol(store, SWITCH, "network", [awake(start, wall(45_000)) for start in STARTS])
    enrol(store, PHONE, "phone")
    gave(store, SWITCH, [feed(start, "3", 5400, "poe", source="poe") for start in STARTS], NOW)
    before = kwh(fleet.context)
    hang(store, SWITCH, "3", PHONE)
    assert kwh(fleet.context) == pytest.approx(before)
    assert kwh(fleet.context, PHONE) == pytest.approx(8 * 5400 / J_PER_KWH)
    assert kwh(fleet.context, SWITCH) == pytest.approx(8 * (45_000 - 5400) / J_PER_KWH)


def test_a_switch_never_takes_less_than_nothing_and_one_without_a_meter_is_left_alone(fleet):
    store = fleet.context.store
    slots = [awake(start, wall(4000)) for start in STARTS[:4]] + [awake(start) for start in STARTS[4:]]
    enrol(store, SWITCH, "network", slots)
    alone = kwh(fleet.context, SWITCH, Span(STARTS[4], SPAN.last))
    gave(store, SWITCH, [feed(start, "3", 5400, "poe", source="poe") for start in STARTS], NOW)
    hang(store, SWITCH, "3", fleet.silent)
    assert kwh(fleet.context, SWITCH, Span(STARTS[0], STARTS[4])) == 0.0
    assert kwh(fleet.context, SWITCH, Span(STARTS[4], SPAN.last)) == alone > 0


def test_what_a_device_does_not_count_stays_with_the_switch(fleet):
    store = fleet.context.store
    enrol(store, SWITCH, "network", [awake(start, wall(45_000)) for start in STARTS])
    gave(store, SWITCH, [feed(start, "3", 5400, "poe", source="poe") for start in STARTS], NOW)
    gave(store, PDU, [feed(start, "1", 9000) for start in STARTS[:2]], NOW)
    hang(store, SWITCH, "3", fleet.silent)
    hang(store, PDU, "1", fleet.silent)
    assert kwh(fleet.context, SWITCH) == pytest.approx((8 * 45_000 - 2 * 5400) / J_PER_KWH)


def test_explanations_name_the_outlet_and_what_was_given_and_compute_again(fleet):
    store = fleet.context.store
    enrol(store, SWITCH, "network", [awake(start, wall(45_000)) for start in STARTS])
    gave(store, SWITCH, [feed(start, "3", 5400, "poe", source="poe") for start in STARTS], NOW)
    hang(store, SWITCH, "3", fleet.silent)
    for key, value_j in ((fleet.silent, 5400.0), (SWITCH, -5400.0)):
        told = explain_device(fleet.context, key, SPAN, Criterion.GWP)
        assert str(value_j) in str(told.term)
        assert recompute(told.term) == pytest.approx(told.term.value)
        row = compute_footprint(fleet.context, FootprintQuery(SPAN, Criterion.GWP, device=key)).total()
        assert row.value == pytest.approx(told.term.value)


def test_merges_of_feeder_and_device_are_followed(fed):
    store = fed.context.store
    enrol(store, NEW, "pdu", [awake(start) for start in STARTS])
    more = [SPAN.last, SPAN.last + SLOT_S]
    gave(store, NEW, [feed(start, "1", 500) for start in more], NOW)
    merge(store, NEW, PDU, NOW)
    merge(store, fed.silent, fed.laptop, NOW)
    found = of(fed.context, fed.silent, Span(SPAN.first, SPAN.last + 2 * SLOT_S))
    assert sum(channel(found, "pdu")) == 8 * 9000 + 2 * 500


def test_figures_of_many_devices_follow_a_feed_and_a_map_that_came_late(fed):
    context, days = fed.context, Span(fed.today - 2 * 86_400, fed.today + 86_400)
    for i in range(20):
        enrol(context.store, DeviceId(f"{i:032d}"), "network", [awake(start) for start in STARTS])
    query = FootprintQuery(days, Criterion.GWP, interval="day")

    def used():
        return {row.group: row.energy_kwh for row in footprint_rows(context, query, "device") if row.period}

    before = used()
    hang(context.store, PDU, "1", DeviceId(f"{3:032d}"), at=2)
    after = used()
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {fed.laptop, DeviceId(f"{3:032d}")}
    gave(context.store, PDU, [feed(STARTS[0] - SLOT_S, "1", 9000)], NOW)
    assert used()[DeviceId(f"{3:032d}")] > after[DeviceId(f"{3:032d}")]


FED = st.lists(
    st.tuples(st.sampled_from("123"), st.integers(0, 3), st.integers(0, 7)), max_size=8
)  # port, device or nothing, from which slot
POE_J = st.dictionaries(
    st.tuples(st.sampled_from("123"), st.integers(0, 7)),
    st.tuples(st.integers(0, 9000), st.sampled_from([500, 810, 900])),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FED, POE_J)
def test_whatever_hangs_where_the_devices_take_together_what_left_the_wall(tmp_path_factory, moves, poe_j):
    context = open_context(Settings(tmp_path_factory.mktemp("random")), create=True)
    store, ids = context.store, [None, *(DeviceId(f"{i:032d}") for i in range(3))]
    for key in ids[1:]:
        enrol(store, key, "other")
    enrol(store, SWITCH, "network", [awake(start, wall(45_000)) for start in STARTS])
    feeds = [
        feed(STARTS[at], port, energy_j, "poe", seconds) for (port, at), (energy_j, seconds) in poe_j.items()
    ]
    gave(store, SWITCH, feeds, NOW)
    known = {port for port, _ in poe_j}
    for number, (port, which, at) in enumerate(moves):
        if port in known:
            hang(store, SWITCH, port, ids[which], STARTS[at], number)

    def at_the_walls():
        """Measured energy of every device by slot."""
        found = np.zeros(len(STARTS))
        for key in (*ids[1:], SWITCH):
            activity = of(context, key)
            at = (activity.start - SPAN.first) // SLOT_S
            for one in activity.measured:
                found[at] += one.energy_j
        return found

    try:
        assert at_the_walls() == pytest.approx(np.full(len(STARTS), 45_000.0))
        before = [of(context, key) for key in ids[1:]]
        again = gave(store, SWITCH, feeds, NOW)
        assert sum(one.accepted for one in again) == 0
        gave(store, SWITCH, [replace(one, energy_j=1.0, duration_s=one.duration_s - 1) for one in feeds], NOW)
        after = [of(context, key) for key in ids[1:]]
        assert str(before) == str(after)
    finally:
        store.close()


@LANGUAGES
def test_the_method_page_s_example_is_right_and_leads_to_the_collector_s_figures(fleet, factors, language):
    steps, store = worked(language, "outlets", factors), fleet.context.store
    enrol(store, SWITCH, "network", [awake(FIRST, wall(45_000))])
    enrol(store, PHONE, "phone")
    gave(store, PDU, [feed(FIRST, "1", 81_000), feed(FIRST, "2", 72_000)], NOW)
    gave(store, SWITCH, [feed(FIRST, "3", 5400, "poe"), feed(FIRST, "4", 9000, "poe")], NOW)
    for feeder, outlet, key in ((PDU, "1", fleet.server), (PDU, "2", fleet.server), (SWITCH, "3", PHONE)):
        hang(store, feeder, outlet, key)
    slot_of_it = Span(FIRST, FIRST + SLOT_S)
    found = [kwh(fleet.context, key, slot_of_it) for key in (fleet.server, PHONE, SWITCH)]
    assert [one * J_PER_KWH for one in found] == pytest.approx([steps[name] for name in "abc"])
    assert sum(found) == pytest.approx(steps["f"])
    assert steps["d"] == steps["e"]


def test_a_merge_keeps_the_energy_that_only_the_other_record_has(fleet):
    store, bmc = fleet.context.store, NEW
    agent = [Energy("rapl", "package", "measured", 2700.0, 900)]
    both = [
        Energy("redfish", "psu_dc", "measured", 90_000.0, 900),
        Energy("rapl", "package", "measured", 1.0, 900),
    ]
    store.write([WriteBatch(fleet.silent, [slot(FIRST, agent), slot(FIRST + SLOT_S, agent, awake_s=300)])])
    enrol(
        store,
        bmc,
        "server",
        [awake(FIRST, *both), awake(FIRST + SLOT_S, *both), awake(FIRST + 2 * SLOT_S, *both)],
    )
    merge(store, fleet.silent, bmc, NOW)
    found = of(fleet.context, fleet.silent)
    assert found.covered_s.tolist() == [900.0] * 3
    assert found.display_on_s.tolist() == [900.0, 0.0, 0.0]
    assert channel(found, "redfish", "psu_dc") == [90_000.0] * 3
    assert channel(found, "rapl", "package") == [2700.0, 1.0, 1.0]
    told = explain_device(fleet.context, fleet.silent, SPAN, Criterion.GWP)
    row = compute_footprint(fleet.context, FootprintQuery(SPAN, Criterion.GWP, device=fleet.silent)).total()
    assert row.value == pytest.approx(recompute(told.term)) == pytest.approx(told.term.value)
    assert row.energy_kwh > 3 * 90_000 / J_PER_KWH


def test_an_explanation_tells_what_the_device_itself_says_beside_its_outlet(fed):
    before = explain_device(fed.context, fed.server, SPAN, Criterion.GWP)
    assert before.self_reported is None
    own_kwh = kwh(fed.context, fed.server)
    hang(fed.context.store, PDU, "2", fed.server)
    told = explain_device(fed.context, fed.server, SPAN, Criterion.GWP)
    assert told.self_reported.own_kwh == pytest.approx(own_kwh)
    assert told.self_reported.outlets_kwh == pytest.approx(kwh(fed.context, fed.server))
    document = json.loads(json.dumps(as_json(told)))
    assert Draft202012Validator(SCHEMA).is_valid(document)
    assert document["beside"] == {"outlets_kwh": told.self_reported.outlets_kwh, "own_kwh": own_kwh}


def test_a_switch_on_an_outlet_gives_on_what_the_outlet_counted(fleet):
    store = fleet.context.store
    enrol(store, SWITCH, "network", [awake(start) for start in STARTS])
    gave(store, PDU, [feed(start, "1", 45_000) for start in STARTS], NOW)
    gave(store, SWITCH, [feed(start, "3", 5400, "poe") for start in STARTS], NOW)
    hang(store, PDU, "1", SWITCH)
    hang(store, SWITCH, "3", fleet.silent)
    found = of(fleet.context, SWITCH)
    assert at_the_wall(found).tolist() == [45_000.0] * 8
    assert channel(found, "poe", "given") == [-5400.0] * 8
    assert kwh(fleet.context, SWITCH) == pytest.approx(8 * (45_000 - 5400) / J_PER_KWH)

"""Rounds over PDUs and a UPS that snmpsim plays: who they are, what each outlet gave, what they keep."""

import asyncio
import json

import pytest
from parcimetre_agent.gateway.configuration import GatewayConfiguration
from parcimetre_agent.gateway.outlet_energy import feed_fields
from parcimetre_agent.gateway.poll import PollingRound
from parcimetre_agent.gateway.power_units import UNMETERED, inventory
from parcimetre_agent.gateway.taps import OUTLETS

from .conftest import CISCO, HP, INLET_PDU, NOON, PDU, UPS, only

SLOT_S, DAY_S = 900, 86_400
RECORDED = {
    PDU: ("pdu", "Raritan", "PX3-5190R", True, ["outlet 1", "outlet 2", "outlet 3", "outlet 4"], 1),
    INLET_PDU: ("pdu", "APC", "AP8853", True, ["inlet"], 0),
    UPS: ("ups", "Riello", "Sentinel Pro 3000", False, ["output"], 1),
}


@pytest.fixture
def asked(round_at):
    """Asks the one power unit of a name."""
    return lambda name, after_s=0.0: round_at(name, after_s, "power")


def fed(book):
    """Joules and seconds of each outlet and slot that waits."""
    waiting = book.waiting(only(book).known.key, "feeds", 100)
    rows = [feed_fields(one.start, row) for one in waiting for row in one.body["rows"]]
    return {
        ((row["start"] - NOON) // SLOT_S, row["outlet"]): (row["energy_j"], row["duration_s"]) for row in rows
    }


def kept(book):
    """Joules of the unit's own slots."""
    slots = book.waiting(only(book).known.key, "slot", 100)
    return [[(one["source"], one["energy_j"]) for one in slot.body["energy"]] for slot in slots]


@pytest.mark.parametrize("name", RECORDED)
def test_a_power_unit_is_recognised_with_what_it_meters(name, book, asked):
    assert asked(name).answered == 1
    kind, maker, model, has_serial, outlets, intake = RECORDED[name]
    known = only(book).known
    assert (known.category, known.maker, known.model) == (kind, maker, model)
    assert (known.serial_hash is not None) is has_serial
    assert (known.asset_hash is not None) is has_serial
    assert [tap.outlet for tap in known.taps] == outlets
    assert len(known.intake) == intake
    assert only(book).problems == {}


def test_energy_counters_of_outlets_win_over_their_power(book, asked):
    asked(PDU)
    asked("pdu-later", SLOT_S)
    assert fed(book) == {
        (0, "outlet 1"): (45 * 3600.0, SLOT_S),
        (0, "outlet 2"): (19 * 3600.0, SLOT_S),
        (0, "outlet 3"): (0.0, SLOT_S),
        (0, "outlet 4"): (3 * 3600.0, SLOT_S),
    }


def test_the_difference_of_a_counter_is_kept_whole_over_slots_and_over_a_pause(book, asked):
    asked(PDU, 300)
    asked("pdu-later", 300 + 4 * SLOT_S)
    told = {at: one for at, one in fed(book).items() if at[1] == "outlet 1"}
    assert [at for at, _ in told] == [0, 1, 2, 3]
    assert [seconds for _, seconds in told.values()] == [600, 900, 900, 900]
    still_open = only(book).feeding.open[NOON + 4 * SLOT_S]["outlet 1"]
    whole_j = sum(energy_j for energy_j, _ in told.values()) + still_open.energy_j
    assert whole_j == pytest.approx(45 * 3600)
    assert told[1, "outlet 1"][0] == pytest.approx(45 * 3600 / 4)


def test_an_inlet_whose_counter_is_coarse_is_sampled(book, asked):
    asked(INLET_PDU)
    asked(INLET_PDU, SLOT_S)
    assert fed(book) == {(0, "inlet"): (1850.0 * SLOT_S, SLOT_S)}
    assert kept(book) == [[]]


def test_a_unit_keeps_what_it_takes_less_what_it_gives(book, asked):
    for name, after_s in (
        (UPS, 0),
        (UPS, SLOT_S),
        ("ups-on-battery", 2 * SLOT_S),
        ("ups-on-battery", 3 * SLOT_S),
    ):
        asked(name, after_s)
    assert kept(book) == [
        [("input_less_output", 61.0 * SLOT_S)],
        [("input_less_output", 61.0 * SLOT_S / 2)],
        [("input_less_output", 0.0)],
    ]
    assert fed(book) == {(i, "output"): (640.0 * SLOT_S, SLOT_S) for i in range(3)}


def test_a_unit_all_of_whose_outlets_and_inlet_are_metered_keeps_the_difference_and_sends_no_inlet(
    book, asked
):
    asked(PDU)
    asked(PDU, SLOT_S)
    assert kept(book) == [[("input_less_output", pytest.approx((275 - 182.3 - 75 - 12.4) * SLOT_S))]]
    assert "inlet" not in {outlet for _, outlet in fed(book)}


def test_what_one_table_does_not_meter_the_next_of_the_maker_may(book, asked):
    asked("pdu-older")
    asked("pdu-older", SLOT_S)
    assert fed(book) == {(0, "inlet"): (640.0 * SLOT_S, SLOT_S)}


def test_a_unit_of_any_maker_tells_its_whole_by_the_standards(book, asked):
    asked("unit-by-standard")
    asked("unit-by-standard", SLOT_S)
    assert only(book).known.category == "pdu"
    assert fed(book) == {(0, "inlet"): (41.0 * SLOT_S, SLOT_S)}
    assert kept(book) == [[]]


@pytest.mark.parametrize("name", ["ups-without-input", INLET_PDU])
def test_what_is_not_metered_on_both_sides_keeps_nothing(name, book, asked):
    asked(name)
    asked(name, SLOT_S)
    assert kept(book) == [[]]


@pytest.mark.parametrize("name", ["ups-without-meters", "pdu-without-meters"])
def test_a_unit_without_meters_is_known_and_says_so(name, book, asked):
    asked(name)
    asked(name, SLOT_S)
    assert fed(book) == {}
    (told,) = inventory(only(book).known, NOON, []).outcomes
    assert (told.sensor, told.state, told.detail) == (OUTLETS, "no_data", UNMETERED)


@pytest.mark.parametrize(
    ("name", "told", "energy_j"),
    [
        ("pdu-reset", "outlet 1 counted back from 1178507 to 2", 182.3 * SLOT_S),
        ("pdu-leapt", "outlet 1 jumped from 1178507", 182.3 * SLOT_S),
        ("pdu-negative", "outlet 1 reports -182.3 W", 0.0),
        ("pdu-absurd", "outlet 1 reports 60000 W", 0.0),
    ],
)
def test_what_cannot_be_is_told_and_costs_only_itself(name, told, energy_j, book, asked):
    asked(PDU)
    assert asked(name, SLOT_S).answered == 1
    assert told in only(book).problems[OUTLETS]
    assert fed(book).get((0, "outlet 1"), (0.0, 0))[0] == pytest.approx(energy_j)
    assert (0, "outlet 2") in fed(book)


def test_a_counter_that_stands_still_while_power_flows_is_not_believed(book, asked):
    asked(PDU)
    asked(PDU, SLOT_S)
    assert "outlet 1 does not count its energy" in only(book).problems[OUTLETS]
    assert fed(book)[0, "outlet 1"] == (pytest.approx(182.3 * SLOT_S), SLOT_S)


def test_an_outlet_that_vanishes_is_told_and_the_others_go_on(book, asked):
    asked(PDU)
    asked("pdu-of-three", SLOT_S)
    assert "outlet 4 no longer reports" in only(book).problems[OUTLETS]
    asked("pdu-of-three", DAY_S)
    asked("pdu-of-three", DAY_S + SLOT_S)
    assert "outlet 4 is missing since" in only(book).problems[OUTLETS]
    assert "outlet 9" in [tap.outlet for tap in only(book).known.taps]
    assert (96, "outlet 2") in fed(book)


def test_no_name_that_people_typed_and_no_serial_number_is_kept(book, asked):
    asked(PDU)
    held = json.dumps(only(book).known.__dict__, default=str)
    assert "serveur de paie" not in held
    assert "QPX0000001" not in held


def test_another_unit_at_the_address_is_another_device(book, asked):
    asked(PDU)
    asked("pdu-other", SLOT_S)
    assert len(book.devices()) == 2


def test_what_is_no_power_unit_or_was_not_named_as_one_is_not_added(book, asked, round_at):
    asked(HP)
    asked(CISCO, DAY_S)
    round_at(PDU, 2 * DAY_S, "network")
    round_at(UPS, 3 * DAY_S, "printer")
    assert book.devices() == {}


def test_a_steady_unit_costs_few_datagrams_a_poll(book, asked):
    asked(PDU)
    assert asked(PDU, SLOT_S).asked <= 2


def test_version_1_finds_the_same(book, target):
    old = target(PDU, version="1", expected="power")
    asyncio.run(PollingRound(GatewayConfiguration((old,), timeout_s=5), book, NOON).run())
    assert len(only(book).known.taps) == 4

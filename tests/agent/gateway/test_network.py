"""Rounds over switches and an access point that snmpsim plays: who they are, and the power they state."""

import asyncio

import pytest
from parcimetre_agent.gateway.configuration import GatewayConfiguration
from parcimetre_agent.gateway.meters import POWER
from parcimetre_agent.gateway.network import POE, UNMETERED, WITH_POE, inventory
from parcimetre_agent.gateway.poll import REACH, PollingRound
from parcimetre_agent.gateway.taps import OUTLETS
from parcimetre_agent.sending import wire_json

from .conftest import ACCESS_POINT, CISCO, HP, JUNIPER, NOON, only

SLOT_S, DAY_S = 900, 86_400
RECORDED = {
    CISCO: ("Cisco", "C9200L-24P-4G", True, "energy_object", 2, True),
    JUNIPER: ("Juniper", "EX2300-24T Switch", True, "entity_sensor", 2, False),
    ACCESS_POINT: ("Ubiquiti", None, False, None, 0, False),
}


@pytest.fixture
def asked(round_at):
    """Asks the one network device of a name."""
    return lambda name, after_s=0.0: round_at(name, after_s, "network")


def energy(book):
    """What was metered, slot by slot: source, scope, quality, joules and seconds."""
    slots = book.waiting(only(book).known.key, "slot", 100)
    return [[tuple(one.values()) for one in slot.body["energy"]] for slot in slots]


@pytest.mark.parametrize("name", RECORDED)
def test_a_network_device_is_recognised_with_where_it_tells_its_power(name, book, asked):
    assert asked(name).answered == 1
    maker, model, has_serial, source, meters, poe = RECORDED[name]
    known = only(book).known
    assert (known.category, known.maker, known.model, known.poe) == ("network", maker, model, poe)
    assert (known.serial_hash is not None) is has_serial
    assert (known.asset_hash is not None) is has_serial
    assert known.printer is None
    told = ("", 0) if known.meters is None else (known.meters.source, len(known.meters.indexes))
    assert told == (source or "", meters)
    assert only(book).problems == {}


def test_the_power_of_a_stack_is_that_of_its_members_without_the_ports(book, asked):
    asked(CISCO)
    asked(CISCO, SLOT_S)
    assert energy(book) == [[("energy_object", "wall_ac", "measured", 170.0 * SLOT_S, SLOT_S)]]


def test_between_two_polls_each_power_holds_for_half(book, asked):
    asked(CISCO)
    asked("cisco-later", SLOT_S)
    assert energy(book)[0][0][3] == pytest.approx(180.0 * SLOT_S)


def test_the_inlets_of_supplies_are_added_and_their_outlets_are_not(book, asked):
    asked(JUNIPER)
    asked(JUNIPER, SLOT_S)
    assert energy(book) == [[("entity_sensor", "wall_ac", "measured", 41.0 * SLOT_S, SLOT_S)]]


def test_a_part_that_is_estimated_makes_the_sum_an_estimate(book, asked):
    asked("cisco-by-estimate")
    asked("cisco-by-estimate", SLOT_S)
    assert energy(book)[0][0][2] == "vendor_estimate"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("cisco-negative", "which is impossible"),
        ("cisco-absurd", "which is impossible"),
        ("cisco-by-nameplate", "does not report a value"),
        ("juniper-one-supply", "does not report a value"),
    ],
)
def test_a_power_that_cannot_be_or_is_not_whole_is_told_and_not_counted(name, why, book, asked):
    asked(name)
    asked(name, SLOT_S)
    assert energy(book) == [[]]
    assert why in only(book).problems[POWER]


@pytest.mark.parametrize("name", ["cisco-half-metered", "juniper-half-metered"])
def test_meters_of_a_part_of_the_device_do_not_pass_for_the_whole(name, book, asked):
    asked(name)
    assert only(book).known.meters is None


def test_a_device_that_states_no_power_is_awake_without_energy_or_load(book, asked):
    asked(ACCESS_POINT)
    asked(ACCESS_POINT, SLOT_S)
    (slot,) = book.waiting(only(book).known.key, "slot", 10)
    assert wire_json.slot_from(slot.body).display_off_s == SLOT_S
    assert (slot.body["energy"], slot.body["load_deciles_s"]) == ([], [])


def test_time_without_an_answer_has_no_energy(book, asked):
    asked(CISCO)
    asked(CISCO, 4 * SLOT_S)
    assert [slot[0][4] for slot in energy(book)] == [450, 450]
    asked("nobody", 5 * SLOT_S)
    asked("nobody", 6 * SLOT_S)
    assert "no answer" in only(book).problems[REACH]


def test_another_switch_at_the_address_is_another_device(book, asked):
    asked(CISCO)
    first = only(book).known.key
    asked("cisco-other", SLOT_S)
    assert len(book.devices()) == 2
    assert book.waiting(first, "slot", 10) == []


def test_a_member_that_left_the_stack_is_noticed_within_a_day(book, asked):
    asked(CISCO)
    asked("cisco-of-one", DAY_S)
    assert only(book).known.meters.indexes == ["1000"]
    assert only(book).seen.metered.power_w == pytest.approx(120.4)


def test_what_was_not_named_as_such_is_not_added(book, round_at):
    round_at(CISCO, 0.0, "printer")
    round_at(HP, DAY_S, "network")
    assert book.devices() == {}


def test_a_firewall_that_says_it_is_a_host_is_known_by_its_maker_and_a_server_is_left(book, asked):
    asked("server")
    assert book.devices() == {}
    asked("firewall", DAY_S)
    assert (only(book).known.category, only(book).known.maker) == ("network", "Fortinet")


def test_a_slot_that_is_open_between_polls_keeps_what_was_metered(book, asked):
    for after in (300, 1200, 2100):
        asked(CISCO, after)
    told = [slot[0][3:] for slot in energy(book)]
    assert told == [(170.0 * 600, 600), (170.0 * SLOT_S, SLOT_S)]


def test_a_steady_device_costs_one_or_two_datagrams_a_poll(book, asked):
    asked(CISCO)
    assert asked(CISCO, SLOT_S).asked <= 2


def test_version_1_finds_the_same(book, target):
    old = target(JUNIPER, version="1", expected="network")
    asyncio.run(PollingRound(GatewayConfiguration((old,), timeout_s=5), book, NOON).run())
    assert only(book).seen.metered.power_w == pytest.approx(41.0)


def test_its_inventory_says_what_its_power_contains(book, asked):
    asked(CISCO)
    told = {one.sensor: (one.state, one.detail) for one in inventory(only(book).known, NOON, []).outcomes}
    assert told == {POWER: ("ok", None), POE: ("ok", WITH_POE), OUTLETS: ("ok", None)}


def test_its_inventory_says_when_it_states_no_power(book, asked):
    asked(ACCESS_POINT)
    (told,) = inventory(only(book).known, NOON, []).outcomes
    assert (told.sensor, told.state, told.detail) == (POWER, "no_data", UNMETERED)


def test_each_port_of_a_switch_tells_what_it_gives_under_the_makers_name_of_it(book, asked):
    asked(CISCO)
    asked("cisco-poe-later", SLOT_S)
    assert [tap.outlet for tap in only(book).known.taps] == ["Gi1/0/1", "Gi1/0/2", "Gi1/0/3", "port 1/4"]
    (slot,) = book.waiting(only(book).known.key, "feeds", 10)
    assert slot.body["rows"] == [
        ["Gi1/0/1", "poe", "cisco_poe", "measured", 7.3 * SLOT_S, SLOT_S],
        ["Gi1/0/2", "poe", "cisco_poe", "measured", 15.4 * SLOT_S, SLOT_S],
        ["Gi1/0/3", "poe", "cisco_poe", "measured", 0.0, SLOT_S],
        ["port 1/4", "poe", "cisco_poe", "measured", 4.2 * SLOT_S, SLOT_S],
    ]
    assert energy(book) == [[("energy_object", "wall_ac", "measured", 170.0 * SLOT_S, SLOT_S)]]
    assert "M. Martin" not in str(only(book))


def test_a_port_that_says_what_cannot_be_is_told_and_the_others_go_on(book, asked):
    asked(CISCO)
    asked("cisco-poe-absurd", SLOT_S)
    assert "Gi1/0/1 reports" in only(book).problems[OUTLETS]
    (slot,) = book.waiting(only(book).known.key, "feeds", 10)
    assert [row[0] for row in slot.body["rows"]] == ["Gi1/0/2", "Gi1/0/3", "port 1/4"]

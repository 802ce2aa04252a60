"""The simulated devices that a gateway reports: printers, switches with access points, and a PDU."""

from collections import Counter
from datetime import datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from parcimetre_agent.report import SLOT_S, Feed, Inventory, Reading, Report, Slot
from parcimetre_factors.hardware.description import Hardware
from parcimetre_factors.tables.factor_set import load_factor_set
from parcimetre_server.demo.beside import beside
from parcimetre_server.demo.fleet import device, fleet
from parcimetre_server.demo.power_units import NOT_ATTRIBUTED, pdus
from parcimetre_server.demo.printers import COUNTED_SINCE, printers
from parcimetre_server.demo.records import slots
from parcimetre_server.demo.relayed import slot_starts
from parcimetre_server.demo.send import reports
from parcimetre_server.demo.switches import PORTS, switches
from parcimetre_server.fleet.printing.supplies import LOW_SHARE
from parcimetre_server.footprint.hardware_model import hardware_models
from pydantic import TypeAdapter

PARIS = ZoneInfo("Europe/Paris")
DAY_S = 86_400
MONDAY = int(datetime(2025, 10, 20, tzinfo=PARIS).timestamp())  # the clock goes back six days later
LAST = MONDAY + 14 * DAY_S
SIZE = 300
BESIDE = beside(SIZE, seed=1)
PRINTERS = list(printers(SIZE, seed=1))
INVENTORY, REPORT = TypeAdapter(Inventory), TypeAdapter(Report)


def of_kind(kind, one, first=MONDAY, last=LAST):
    """A device's records of a kind."""
    return [record for record in one.records(first, last) if isinstance(record, kind)]


def test_the_computers_are_those_of_before():
    """An id and a name that a fleet had when it was of computers alone."""
    assert device(0, 1).install_id == "3a1ee2eaed08d27e0df515312d78be8e"
    assert device(299, 1).hostname == "demo-met-000299"


def test_a_larger_fleet_keeps_what_stands_beside_the_smaller_one():
    names = [one.install_id for one in BESIDE.devices]
    more = {one.install_id: one for one in beside(2 * SIZE, seed=1).devices}
    assert len(set(names)) == len(names)
    assert set(names) <= set(more)
    assert all(more[one.install_id] == one for one in BESIDE.devices if one.category != "pdu")


def test_another_seed_shares_no_device():
    ours = {one.fingerprint for one in BESIDE.devices}
    assert not ours & {one.fingerprint for one in beside(SIZE, seed=2).devices}


@pytest.mark.parametrize(("size", "expected"), [(1, 0), (24, 0), (25, 1), (120, 4), (300, 12)])
def test_four_printers_stand_beside_a_hundred_computers(size, expected):
    assert len(list(printers(size, seed=1))) == expected


def test_the_larger_sites_have_two_printers_each_and_a_switch():
    at = Counter(one.site for one in PRINTERS)
    sites = [switch.site for switch, _ in switches(SIZE, seed=1)]
    assert len(sites) == 3
    assert all(at[site] >= 2 for site in sites)


def test_every_name_says_that_it_is_a_demonstration():
    assert all(one.hostname.startswith("demo-") for one in BESIDE.devices)
    assert len({one.hostname for one in BESIDE.devices}) == len(BESIDE.devices)


@pytest.mark.slow
def test_every_inventory_and_report_is_one_the_collector_accepts():
    for one in BESIDE.devices:
        inventory = one.inventory(MONDAY)
        assert INVENTORY.validate_json(INVENTORY.dump_json(inventory)) == inventory
        assert inventory.category == one.category
        for report in reports(one, "0" * 32, MONDAY, LAST):
            assert REPORT.validate_json(REPORT.dump_json(report, exclude_none=True)) == report


def test_slots_cover_the_period_once_and_in_order():
    for one in BESIDE.devices:
        assert [slot.start for slot in of_kind(Slot, one)] == list(slot_starts(MONDAY, LAST))


@pytest.mark.slow
def test_periods_that_overlap_agree_on_every_record():
    for one in BESIDE.devices:
        whole = {repr(record) for record in one.records(MONDAY, LAST)}
        middle = {repr(record) for record in one.records(MONDAY + 3 * DAY_S + 3600, MONDAY + 9 * DAY_S)}
        assert middle <= whole


def test_a_printer_prints_by_its_slots_what_its_counters_say():
    for printer in PRINTERS:
        readings = of_kind(Reading, printer)
        printed = {slot.start: slot.load_deciles_s[-1] for slot in of_kind(Slot, printer)}
        for before, after in pairwise(readings):
            between = sum(count for start, count in printed.items() if before.at <= start < after.at)
            assert after.impressions - before.impressions == between
        assert readings[-1].impressions > readings[0].impressions


def test_a_printer_sleeps_at_night_and_at_weekends_and_wakes_for_each_job():
    for printer in PRINTERS:
        for slot in of_kind(Slot, printer):
            moment = datetime.fromtimestamp(slot.start, PARIS)
            assert slot.display_on_s == 0
            assert sum(slot.load_deciles_s) == slot.awake_s >= slot.load_deciles_s[-1]
            if moment.weekday() >= 5 or moment.hour < 7 or moment.hour >= 19:
                assert slot.asleep_s == SLOT_S


def test_a_printer_is_read_a_few_times_a_day_and_counts_only_what_its_maker_does():
    for printer in PRINTERS:
        readings = of_kind(Reading, printer)
        days = Counter(datetime.fromtimestamp(one.at, PARIS).date() for one in readings)
        assert len(days) == 14
        assert set(days.values()) == {1, 4}
        told = {name for name in ("mono", "colour", "duplex", "a3", "copies", "prints")
                if getattr(readings[0], name) is not None}  # fmt: skip
        assert told == set(printer.made.counts)


def test_a_printer_counts_nothing_before_it_was_made():
    began = int(
        datetime(COUNTED_SINCE.year, COUNTED_SINCE.month, COUNTED_SINCE.day, tzinfo=PARIS).timestamp()
    )
    found = list(PRINTERS[0].records(began - 3 * DAY_S, began + DAY_S))
    assert min(one.at for one in found if isinstance(one, Reading)) >= began
    assert next(one.impressions for one in found if isinstance(one, Reading)) < 100


def test_laser_and_inkjet_a3_and_a4_are_there_and_some_models_have_a_sheet():
    kinds = {(one.made.marking, one.made.a3) for one in PRINTERS}
    assert kinds == {("laser", True), ("laser", False), ("inkjet", False)}
    known = hardware_models(load_factor_set())
    evidence = {
        one.model: known.of(Hardware("printer", one.maker, one.model)).embodied.evidence for one in PRINTERS
    }
    assert {model for model, how in evidence.items() if how == "product"} == {"B3442dw", "CX924dxe"}


@pytest.mark.parametrize("after_days", [0, 40, 200])
def test_one_printer_is_always_low_on_toner(after_days):
    at = MONDAY + after_days * DAY_S
    low = PRINTERS[1].reading(at, of_kind(Reading, PRINTERS[1], at, at + DAY_S)[0].impressions).supplies[0]
    assert low.level is not None
    assert low.level <= LOW_SHARE


def test_a_switch_takes_at_the_wall_more_than_its_ports_give():
    for switch, fed in switches(SIZE, seed=1):
        given = Counter()
        for feed in of_kind(Feed, switch):
            assert (feed.scope, feed.duration_s) == ("poe", SLOT_S)
            assert 1 < feed.energy_j / SLOT_S < 15
            given[feed.start] += feed.energy_j
        for slot in of_kind(Slot, switch):
            assert given[slot.start] < slot.energy[0].energy_j < 100 * SLOT_S
        assert len(PORTS) == len(fed) + 1
        assert not any(slot.energy for one in fed.values() for slot in of_kind(Slot, one))


def test_an_outlet_gives_its_server_more_than_the_server_s_own_counters_see():
    (pdu,) = pdus(list(fleet(SIZE, seed=1)), seed=1)
    given = {(feed.outlet, feed.start): feed.energy_j for feed in of_kind(Feed, pdu)}
    assert {outlet for outlet, _ in given} == {*pdu.hanging, NOT_ATTRIBUTED}
    assert len(pdu.hanging) == 3
    for outlet, server in pdu.hanging.items():
        assert server.site == pdu.site
        for slot in islice(slots(server, MONDAY, LAST), 200):
            own_j = sum(one.energy_j for one in slot.energy)
            assert own_j < given[outlet, slot.start] < 900 * SLOT_S


def test_without_a_server_in_the_data_centre_there_is_no_pdu_and_a_fleet_of_one_stands_alone():
    office = [one for one in fleet(50, seed=1) if one.category == "laptop"]
    assert list(pdus(office, seed=1)) == []
    alone = beside(1, seed=1)
    assert (alone.devices, alone.hanging) == ((), ())
    assert list(alone.gateways.values()) == [device(0, seed=1)]

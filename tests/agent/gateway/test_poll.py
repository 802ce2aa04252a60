"""Rounds over printers that snmpsim plays: who they are, what they printed, and what cannot be."""

import asyncio
import json
from dataclasses import replace

import pytest
from parcimetre_agent.gateway.book import Book
from parcimetre_agent.gateway.configuration import GatewayConfiguration, SnmpTarget
from parcimetre_agent.gateway.credentials import Credential
from parcimetre_agent.gateway.poll import COUNTERS, PRINTER_POWER, REACH, STATUS, PollingRound

from .conftest import HP, NOON, RECORDINGS, RICOH, only

SLOT_S, DAY_S = 900, 86_400
RECORDED = {
    "brother-hl-l2350dw": ("Brother", "HL-L2350DW series", "laser", False, None, 9120, None, None),
    "epson-wf-c5790": ("Epson", "WF-C5790 Series", "inkjet", True, False, 31_200, None, None),
    HP: ("HP", "LaserJet Pro M404dn", "laser", False, False, 48_211, None, 30_100),
    "konica-minolta-bizhub-c258":
        ("Konica Minolta", "bizhub C258", "laser", True, True, 152_000, 52_000, 88_000),
    "kyocera-ecosys-m5526cdw": ("Kyocera", "ECOSYS M5526cdw", "laser", True, False, 20_500, 7400, None),
    "lexmark-mx331adne": ("Lexmark", "MX331adne", "laser", False, False, 14_870, None, None),
    RICOH: ("Ricoh", "IM C3000", "laser", True, True, 310_400, 129_200, None),
    "xerox-versalink-c405": ("Xerox", "VersaLink C405", "laser", True, False, 66_004, 26_000, None),
}  # fmt: skip


def records(book, kind):
    """What waits of a kind, of every device."""
    return [one.body for key in book.devices() for one in book.waiting(key, kind, 1000)]


@pytest.mark.parametrize("name", sorted(path.parent.name for path in RECORDINGS.glob("*/printer.snmprec")))
def test_a_printer_is_recognised_and_its_counters_are_read(name, book, round_at):
    assert round_at(name).answered == 1
    maker, model, marking, colour, a3, total, in_colour, duplex = RECORDED[name]
    known = only(book).known
    assert (known.maker, known.model, known.printer.marking) == (maker, model, marking)
    assert known.printer.colour is colour
    assert a3 is None or known.printer.a3 is a3
    assert known.serial_hash
    assert known.asset_hash
    assert only(book).problems == {}
    (reading,) = records(book, "reading")
    assert (reading["impressions"], reading.get("colour"), reading.get("duplex")) == (
        total,
        in_colour,
        duplex,
    )


def test_a_printer_that_an_earlier_agent_met_gets_the_hash_of_its_serial_number_alone(book, round_at):
    round_at(HP)
    met = only(book)
    full = met.known
    met.known = replace(full, asset_hash=None)
    book.save((), {full.key: met})
    round_at(HP, SLOT_S)
    assert only(book).known == full


def test_version_1_is_asked_oid_by_oid_and_finds_the_same(book, target):
    old = SnmpTarget("127.0.0.1", target(HP).port, Credential("1", HP), None)
    asyncio.run(PollingRound(GatewayConfiguration((old,), timeout_s=5), book, NOON).run())
    assert (only(book).known.model, only(book).reading.duplex) == ("LaserJet Pro M404dn", 30_100)


def test_the_time_and_the_impressions_between_polls_become_slots(book, round_at):
    round_at(HP)
    round_at("hp-later", SLOT_S)
    (slot,) = records(book, "slot")
    assert (slot["start"], slot["display_off_s"], slot["unknown_s"]) == (NOON, 900, 0)
    assert slot["load_deciles_s"] == [800, *[0] * 8, 100]


def test_counters_are_read_when_they_are_due_and_not_before(book, round_at):
    for after in range(0, DAY_S, 3600):
        round_at(HP, after)
    assert len(records(book, "reading")) == 4


def test_nobody_is_asked_again_within_the_same_quarter_hour(book, round_at):
    round_at(HP)
    assert round_at(HP, 300).asked == 0


def test_a_printer_that_sleeps_is_asked_for_its_status_alone(book, round_at):
    round_at("hp-asleep")
    for after in (1, 2, 3):
        round_at("hp-asleep", after * SLOT_S)
    assert only(book).waking.is_known
    assert not only(book).waking.by_polls
    assert round_at("hp-asleep", 4 * SLOT_S).asked == 1
    assert round_at("hp-asleep", 7 * 3600).asked == 1
    assert [slot["asleep_s"] for slot in records(book, "slot")[:4]] == [900] * 4
    assert round_at("hp-asleep", 31 * 3600).asked > 1


def test_a_counter_that_fell_is_told_and_counted_from_anew(book, round_at):
    round_at(HP)
    round_at("hp-fallen", DAY_S)
    _, after = records(book, "reading")
    assert (after["impressions"], after["restarted"]) == (12, True)
    assert "fell from 48211 to 12" in only(book).problems[COUNTERS]
    assert sum(slot["load_deciles_s"][9] for slot in records(book, "slot")) == 0


def test_a_counter_that_leapt_is_told_and_nothing_is_made_of_the_leap(book, round_at):
    round_at(HP)
    round_at("hp-leapt", 6 * 3600)
    assert records(book, "reading")[1]["restarted"]
    assert "jumped" in only(book).problems[COUNTERS]


@pytest.mark.parametrize("name", ["hp-absurd", "hp-negative"])
def test_a_total_that_cannot_be_is_told_and_not_sent(name, book, round_at):
    round_at(name)
    assert records(book, "reading") == []
    assert "which is impossible" in only(book).problems[COUNTERS]


def test_counters_that_contradict_each_other_leave_the_total(book, round_at):
    round_at("hp-contradicts-itself")
    (reading,) = records(book, "reading")
    assert reading["impressions"] == 48_211
    assert "duplex" not in reading
    assert "contradict" in only(book).problems[COUNTERS]


def test_another_printer_at_the_address_is_another_device(book, round_at):
    round_at(HP)
    first = only(book).known.key
    round_at("hp-other", SLOT_S)
    assert len(book.devices()) == 2
    (place,) = book.places().values()
    assert place.device != first
    assert len(book.waiting(first, "slot", 10)) == 0


def test_a_printer_that_moved_and_was_renamed_is_the_same_device(book, target):
    port = target(HP).port
    for host, name, at in (("127.0.0.1", HP, NOON), ("127.0.0.2", "hp-renamed", NOON + SLOT_S)):
        there = SnmpTarget(host, port, Credential("2c", name), None)
        asyncio.run(PollingRound(GatewayConfiguration((there,), timeout_s=5), book, at).run())
    assert len(book.devices()) == 1
    assert len(records(book, "slot")) == 1


def test_two_printers_that_changed_addresses_keep_their_records(book, target):
    port = target(HP).port
    for names, at in (((HP, RICOH), NOON), ((RICOH, HP), NOON + SLOT_S)):
        targets = tuple(
            SnmpTarget(f"127.0.0.{i}", port, Credential("2c", name), None) for i, name in enumerate(names, 1)
        )
        asyncio.run(
            PollingRound(GatewayConfiguration(targets, timeout_s=5), book, at, look_again_s=0.0).run()
        )
    assert len(book.devices()) == 2
    assert sorted(reading["impressions"] for reading in records(book, "reading")) == [48_211, 310_400]
    states = {device.known.maker: device.seen.state for device in book.devices().values()}
    assert states == {"HP": "awake", "Ricoh": "asleep"}
    assert len(records(book, "slot")) == 2


def test_a_printer_that_is_away_is_told_once_it_missed_two_rounds(book, round_at):
    round_at(HP)
    round_at("nobody", SLOT_S)
    assert only(book).problems == {}
    assert round_at("nobody", 2 * SLOT_S).silent == 1
    assert "no answer since 2026-11-24 12:15 UTC" in only(book).problems[REACH]
    round_at(HP, 3 * SLOT_S)
    assert only(book).problems == {}


def test_a_printer_that_was_off_is_known_to_have_been_when_it_is_back(book, round_at):
    round_at(HP)
    round_at("hp-restarted", 10 * SLOT_S)
    assert sum(slot["off_s"] for slot in records(book, "slot")) == 10 * SLOT_S - 450 - 600


def test_an_address_without_a_printer_is_asked_once_a_day(book, round_at):
    assert round_at("no-printer").asked > 0
    assert round_at("no-printer", SLOT_S).asked == 0
    assert round_at("nobody", 2 * SLOT_S).asked == 0
    assert round_at("no-printer", DAY_S).asked > 0
    assert book.devices() == {}


def test_printers_that_talk_nonsense_or_nothing_do_not_keep_the_others_from_being_asked(book, target):
    async def talk():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Babbler, local_addr=("127.0.0.1", 0))
        babbling = transport.get_extra_info("sockname")[1]
        port = target(HP).port
        targets = (
            SnmpTarget("127.0.0.1", babbling, Credential("2c", "public"), None),
            SnmpTarget("127.0.0.1", port, Credential("2c", "nobody"), None),
            SnmpTarget("no-such-host.invalid", 161, Credential("2c", "public"), None),
            SnmpTarget("127.0.0.1", 9, Credential("2c", "public"), None),
            SnmpTarget("127.0.0.2", port, Credential("2c", HP), None),
        )
        configuration = GatewayConfiguration(targets, timeout_s=1, retries=0, concurrency=1)
        count = await PollingRound(configuration, book, NOON).run()
        transport.close()
        return count

    count = asyncio.run(talk())
    assert (count.answered, count.garbled, count.silent) == (1, 1, 3)


class Babbler(asyncio.DatagramProtocol):
    """Answers anything with what is no SNMP."""

    def connection_made(self, transport):
        """Keep the way back."""
        self.transport = transport

    def datagram_received(self, _data, address):
        """Babble."""
        self.transport.sendto(b"\x30\x82\xff\xffnonsense", address)


def test_a_printer_that_polls_wake_is_asked_for_its_counters_only(book, round_at, target):
    round_at("hp-asleep")
    for after in (1, 2, 3):
        woken_at(book, target, NOON + after * SLOT_S)
    assert only(book).waking.by_polls
    assert "wakes it" in only(book).problems[STATUS]
    assert round_at("hp-asleep", 4 * SLOT_S).asked == 0
    assert round_at(HP, 7 * 3600).asked > 1
    assert "wakes it" in only(book).problems[STATUS]


def woken_at(book: Book, target, at: float) -> None:
    """A round in which a printer is asleep when it is asked, and awake at the second look."""
    asleep, awake = target("hp-asleep"), target(HP)
    one = PollingRound(GatewayConfiguration((asleep,), timeout_s=5, retries=0), book, at, look_again_s=0.0)
    ask = one._session
    one._session = lambda to, retries: ask(awake if one._doubted else to, retries)
    asyncio.run(one.run())


def test_the_book_holds_no_serial_number_in_clear(book, round_at):
    round_at(HP)
    assert "PHBXX00001" not in json.dumps([str(one) for one in book.devices().values()])
    assert b"PHBXX00001" not in book.path.read_bytes()
    assert book.path.stat().st_mode & 0o077 == 0


def test_what_a_round_had_no_time_for_is_first_in_the_next(book, target):
    port = target(HP).port
    hosts = tuple(SnmpTarget(f"127.0.0.{i}", port, Credential("2c", "nobody"), None) for i in range(1, 4))
    short = GatewayConfiguration(hosts, timeout_s=1, retries=0, concurrency=1, round_limit_s=0)
    assert asyncio.run(PollingRound(short, book, NOON).run()).late == 3
    rest = GatewayConfiguration(hosts, timeout_s=1, retries=0, concurrency=3)
    assert asyncio.run(PollingRound(rest, book, NOON + 60).run()).silent == 3


def test_the_watts_that_a_printer_states_are_its_energy_awake_and_asleep(book, round_at):
    round_at("hp-metered")
    round_at("hp-metered-later", SLOT_S)
    (slot,) = records(book, "slot")
    (metered,) = slot["energy"]
    assert (metered["source"], metered["scope"], metered["quality"]) == (
        "energy_object",
        "wall_ac",
        "measured",
    )
    assert metered["energy_j"] == pytest.approx((38.5 + 12.5) / 2 * SLOT_S)
    assert (slot["display_off_s"], slot["asleep_s"]) == (450, 450)


def test_a_sleeping_printer_tells_its_watts_in_the_one_request_for_its_state(book, round_at):
    round_at("hp-metered-later")
    for after in (1, 2, 3):
        round_at("hp-metered-later", after * SLOT_S)
    assert round_at("hp-metered-later", 4 * SLOT_S).asked == 1
    assert records(book, "slot")[-1]["energy"][0]["energy_j"] == pytest.approx(12.5 * SLOT_S)


@pytest.mark.parametrize("name", ["hp-metered-absurd", "hp-metered-by-nameplate"])
def test_watts_that_cannot_be_or_are_a_nameplates_are_told_and_not_counted(name, book, round_at):
    round_at(name)
    round_at(name, SLOT_S)
    assert records(book, "slot")[0]["energy"] == []
    assert PRINTER_POWER in only(book).problems


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("hp-that-says-awake", "awake"),
        ("hp-that-says-asleep", "asleep"),
        ("hp-that-says-nothing-known", "awake"),
    ],
)
def test_the_power_state_of_the_makers_own_wins_where_it_is_known(name, state, book, round_at):
    round_at(name)
    assert only(book).seen.state == state


def test_a_first_meeting_is_short(book, round_at):
    assert round_at(HP).asked <= 8

"""What one device may send: energy that it can use, and the channels and bytes a day that the honest need."""

import json
import math
from dataclasses import asdict, replace

import pytest
from parcimetre_agent.report import Display, Energy, Feed, PowerSupply, Reading, Report, Supply
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.fleet.plausible_power import CEILING_W, ceiling_w
from parcimetre_server.ingest.dead_letters import DeadLetterQuota
from parcimetre_server.ingest.device_limits import MOST_CHANNELS, MOST_READINGS_A_DAY
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.operations.doctor import content
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import DAY_S, NOW, SLOT_S, TODAY, inventory, slot

DEVICE = DeviceId("d" * 32)
START = NOW // SLOT_S * SLOT_S - SLOT_S


def enrolled(context, category="laptop", **about):
    body = {"category": category, "org_unit": "M", "site": "default", "virtual": "none", "simulated": False,
            "install_id": "1" * 32, "enrolled_at": NOW - 500 * DAY_S, "agent_version": "0.1.0"}  # fmt: skip
    context.store.append([Fact("device", DEVICE, NOW - 500 * DAY_S, body | about)])


def arrived(context, now=NOW, **parts):
    """Have the store take a report, as the collector does after a restart: nothing of it is cached."""
    document = json.dumps(asdict(Report(2, DEVICE, now, "0.1.0", **parts)))
    found = accept_report(document.encode(), DEVICE, context.store, now)
    context.store.write([found.arrival, *found.fed])
    return found


def used(start, energy_j, duration_s=900, source="rapl", scope="package"):
    return slot(start, [Energy(source, scope, "measured", energy_j, duration_s)])


def channels_by_day(context, first, last):
    found = {}
    for day in range(first // DAY_S, last // DAY_S + 1):
        read = context.store.activity(DEVICE, day * DAY_S, (day + 1) * DAY_S)
        found[day] = len(read.measured)
    return found


@pytest.mark.parametrize("category", CEILING_W)
def test_energy_beyond_what_a_category_can_use_is_set_aside_and_never_counted(empty, category):
    relayed = {"relayed_by": "e" * 32} if category in ("pdu", "ups") else {}
    enrolled(empty, category, **relayed)
    most_j = CEILING_W[category] * 900.0
    sent = [used(START - SLOT_S, most_j), used(START, math.nextafter(most_j, math.inf))]
    if category in ("pdu", "ups"):
        sent[1] = used(START, most_j, 899)
    found = arrived(empty, slots=sent)
    assert [(one.part, one.index) for one in found.refused] == [("slots", 1)]
    assert "W on average" in found.refused[0].reason
    assert float(empty.store.activity(DEVICE, 0, NOW).measured[0].energy_j.sum()) == most_j
    letters = [fact.body for fact in empty.store.history("dead_letter")]
    assert [one["record"]["start"] for one in letters] == [START]


def test_what_a_report_says_of_its_category_changes_no_bound(empty):
    enrolled(empty, "laptop")
    found = arrived(empty, inventory=inventory("ups"), slots=[used(START, 9e8)])
    assert [one.part for one in found.refused] == ["slots"]
    found = arrived(empty, slots=[used(START, 9e8)])
    assert [one.part for one in found.refused] == ["slots"]


def test_a_ups_that_no_gateway_reports_does_not_feed_a_hall():
    assert ceiling_w({"category": "ups"}, None) < ceiling_w({"category": "ups", "relayed_by": "e" * 32}, None)


def test_power_supplies_that_state_their_rating_lower_the_bound_but_not_below_what_is_usual(empty):
    enrolled(empty, "desktop")
    supplies = [PowerSupply(rated_w=400.0)]
    arrived(empty, inventory=replace(inventory("desktop"), power_supplies=supplies))
    found = arrived(empty, slots=[used(START, 590.0 * 900), used(START - SLOT_S, 610.0 * 900)])
    assert [one.index for one in found.refused] == [1]
    body = {"category": "desktop"}
    assert ceiling_w(body, {"power_supplies": [{"rated_w": 1.0}]}) == 500
    assert ceiling_w(body, {"power_supplies": [{"rated_w": 1.0}, {}]}) == CEILING_W["desktop"]
    assert ceiling_w(body, {"power_supplies": [{"rated_w": 1e5}]}) == CEILING_W["desktop"]


def test_a_letter_is_replayed_once_its_device_is_what_it_is(empty):
    from parcimetre_server.ingest.dead_letters import letters, replay

    enrolled(empty, "laptop")
    arrived(empty, slots=[used(START, 5e6)])
    enrolled(empty, "server")
    assert replay(empty.store, letters(empty.store), NOW).accepted == 1
    assert letters(empty.store) == []


@pytest.mark.parametrize("energy_j", [1e-308, 0.0001])
def test_energy_that_no_counter_counts_is_refused_but_none_is_not(empty, energy_j):
    enrolled(empty)
    found = arrived(empty, slots=[used(START, energy_j), used(START - SLOT_S, 0.0)])
    assert [one.index for one in found.refused] == [0]


def test_an_outlet_gives_no_more_than_its_feeder_and_a_port_no_more_than_ethernet_carries(empty):
    enrolled(empty, "network")
    feeds = [
        Feed(START, "1", "poe", "snmp", "measured", 90.0 * 900, 900),
        Feed(START, "2", "poe", "snmp", "measured", 200.0 * 900, 900),
        Feed(START, "3", "wall_ac", "snmp", "measured", 6e4 * 900, 900),
    ]
    assert [(one.part, one.index) for one in arrived(empty, feeds=feeds).refused] == [
        ("feeds", 1),
        ("feeds", 2),
    ]


def test_sources_that_change_their_name_fill_no_day_beyond_the_cap_whenever_it_was(empty):
    enrolled(empty)
    first = TODAY - 60 * DAY_S
    for report in range(20):
        slots = [
            slot(
                first + i * SLOT_S,
                [Energy(f"{report}-{i}-{k}", "gpu", "measured", 1.0, 900) for k in range(16)],
            )
            for i in range(96 * report, 96 * (report + 1))
        ]
        found = arrived(empty, slots=slots)
        assert all(one.part == "slots" for one in found.refused)
    assert sum(channels_by_day(empty, first, TODAY).values()) <= MOST_CHANNELS
    honest = arrived(empty, slots=[slot(START, [Energy("0-0-0", "gpu", "measured", 1.0, 900)])])
    assert honest.refused == []


def test_a_device_that_is_full_has_room_again_after_half_a_year(empty):
    enrolled(empty)
    many = [Energy(f"x{k}", "gpu", "measured", 1.0, 900) for k in range(16)]
    for i in range(MOST_CHANNELS // 16):
        renamed = [replace(one, source=f"{i}{one.source}") for one in many]
        assert arrived(empty, slots=[slot(START - i * SLOT_S, renamed)]).refused == []
    assert arrived(empty, slots=[used(START, 1.0)]).refused
    later = NOW + 181 * DAY_S
    assert arrived(empty, later, slots=[used(later // SLOT_S * SLOT_S - SLOT_S, 1.0)]).refused == []


@pytest.mark.slow
def test_a_laptop_that_was_away_for_sixty_days_and_a_server_of_sixteen_sources_are_taken_whole(empty):
    enrolled(empty, "server")
    sources = [Energy(f"source-{k}", "package", "measured", 900.0, 900) for k in range(16)]
    first = START - 5_760 * SLOT_S
    for begin in range(0, 5_760, 960):
        slots = [slot(first + i * SLOT_S, sources) for i in range(begin, begin + 960)]
        assert arrived(empty, slots=slots).refused == []
    assert len(empty.store.activity(DEVICE, first, NOW).start) == 5_760


@pytest.mark.parametrize(("category", "n", "scope"), [("pdu", 54, "wall_ac"), ("network", 48, "poe")])
def test_a_large_feeder_is_taken_whole_after_two_weeks_away(empty, category, n, scope):
    enrolled(empty, category, relayed_by="e" * 32)
    for day in range(14):
        start = TODAY - (day + 1) * DAY_S
        feeds = [
            Feed(start + i * SLOT_S, f"{k}", scope, "snmp", "measured", 900.0, 900)
            for k in range(n) for i in range(2)
        ]  # fmt: skip
        assert arrived(empty, feeds=feeds).refused == []
    assert len(empty.store.latest("outlet")) == n


def test_readings_are_capped_by_the_day_on_which_they_were_read(empty):
    enrolled(empty, "printer")
    begin, refused = TODAY - 40 * DAY_S, 0
    for report in range(6):
        readings = [
            Reading(begin + 60 * (100 * report + i), 100 * report + i, supplies=[Supply("x" * 60)] * 32)
            for i in range(100)
        ]
        refused += len(arrived(empty, printing=readings).refused)
    assert refused == 600 - MOST_READINGS_A_DAY
    backlog = [Reading(begin + DAY_S + 900 * i, 1000 + i) for i in range(96)]
    assert arrived(empty, printing=backlog).refused == []


def test_inventories_that_change_all_day_are_capped_in_bytes(empty):
    enrolled(empty)
    sizes = []
    for i in range(60):
        shown = [Display(f"{i:03}"[:3], "x" * 200, built_in=True, name="y" * 200) for _ in range(16)]
        made = replace(inventory("laptop", displays=shown), disks=[])
        guests = [{"guest_hash": f"{i:032x}{k:032x}"} for k in range(1000)]
        document = asdict(Report(2, DEVICE, NOW, "0.1.0")) | {"inventory": asdict(made) | {"guests": guests}}
        found = accept_report(json.dumps(document).encode(), DEVICE, empty.store, NOW)
        empty.store.write([found.arrival])
        sizes.append(len(found.refused))
    assert sum(sizes) > 0
    stored = sum(len(json.dumps(fact.body)) for fact in empty.store.history("inventory"))
    assert stored <= 1_100_000


def test_a_computer_makes_no_more_monitors_a_day_than_it_can_be_attached_to(empty):
    enrolled(empty)
    for i in range(6):
        shown = [Display("DEL", "a", built_in=False, serial_hash=f"{i:032x}{k:032x}") for k in range(16)]
        found = arrived(empty, inventory=inventory("laptop", displays=shown))
        assert [one.part for one in found.refused] == (["inventory.displays"] if i >= 3 else [])
    assert len(empty.store.latest("monitor")) == 48


def test_one_device_leaves_room_for_the_letters_of_others():
    quota = DeadLetterQuota(per_hour=10_000)
    letters = [Fact("dead_letter", f"{i}", NOW, {}) for i in range(2_000)]
    one = quota.bounded(WriteBatch(DeviceId("a" * 32), [], letters), NOW)
    other = quota.bounded(WriteBatch(DeviceId("b" * 32), [], letters[:10]), NOW)
    assert len(one.facts) == 500
    assert len(other.facts) == 10


def test_limits_outlive_a_restart_and_are_shared_by_collectors(empty):
    enrolled(empty)
    arrived(empty, slots=[used(START, 1.0)])
    assert empty.store.latest_of("channels", DEVICE).body["channels"] == [["rapl", "package", "measured"]]


def test_an_accepted_report_counts_towards_no_channel_twice(empty):
    enrolled(empty)
    arrived(empty, slots=[used(START, 1.0)])
    again = arrived(empty, slots=[used(START - SLOT_S, 1.0)])
    assert again.arrival.facts == []


def test_the_bound_is_read_again_after_the_inventory_changed(empty, client_of):
    enrolled(empty, "desktop")
    reader, credential = client_of(empty), Credentials(empty).issue(DEVICE, NOW)

    def post(**parts):
        body = json.dumps(asdict(Report(2, DEVICE, NOW, "0.1.0", **parts)))
        return reader.post(
            "/v1/reports", content=body, headers={"authorization": f"Bearer {credential}"}
        ).json()

    assert post(slots=[used(START, 2000.0 * 900)])["refused"] == []
    post(inventory=replace(inventory("desktop"), power_supplies=[PowerSupply(rated_w=400.0)]))
    assert [one["part"] for one in post(slots=[used(START - SLOT_S, 2000.0 * 900)])["refused"]] == ["slots"]


def test_implausible_energy_is_shown_on_the_page_of_its_device_and_by_doctor(fleet, reader):
    credential = Credentials(fleet.context).issue(fleet.laptop, NOW)
    document = asdict(Report(2, fleet.laptop, NOW, "0.1.0", slots=[used(START, 9e8)]))
    headers = {"authorization": f"Bearer {credential}"}
    answer = reader.post("/v1/reports", content=json.dumps(document), headers=headers).json()
    assert answer["accepted"] == 0
    assert answer["refused"][0]["part"] == "slots"
    page = reader.get(f"/devices/{fleet.laptop}").text
    assert "1000000 W on average are more than the 1000 W" in page
    assert [one["device"] for one in reader.get("/v1/dead-letters").json()] == [fleet.laptop]
    findings = {one.what: one.told for one in content.findings(fleet.context)}
    assert findings["implausible energy"].startswith("1 in the last 24 hours")

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from parcimetre_agent.report import SLOT_S, Gap, Report, Slot
from parcimetre_server.demo.fleet import DemoDevice, fleet
from parcimetre_server.demo.records import activity, slots
from parcimetre_server.demo.send import reports
from pydantic import TypeAdapter

REPORT = TypeAdapter(Report)
PARIS = ZoneInfo("Europe/Paris")
DAY_S = 86_400
MONDAY = int(datetime(2025, 3, 24, tzinfo=PARIS).timestamp())  # the clock goes forward six days later
LAST = MONDAY + 14 * DAY_S
DEVICES = list(fleet(80, seed=1))
OFFICE = [device for device in DEVICES if not device.habits.always_on]
SERVERS = [device for device in DEVICES if device.habits.always_on]


def covered(records: Iterable[Slot | Gap]) -> list[int]:
    """Start of every slot that a record covers, in the records' order."""
    starts = []
    for record in records:
        length_s = record.duration_s if isinstance(record, Gap) else SLOT_S
        starts += range(record.start, record.start + length_s, SLOT_S)
    return starts


def by_slot(device: DemoDevice, first: int, last: int) -> dict[int, Slot | str]:
    """Each slot's record, or the state that a gap gives it."""
    found: dict[int, Slot | str] = {}
    for record in activity(device, first, last):
        if isinstance(record, Slot):
            found[record.start] = record
        else:
            found |= dict.fromkeys(covered([record]), record.state)
    return found


@pytest.mark.parametrize("device", DEVICES[:20], ids=lambda device: device.hostname)
def test_records_cover_the_period_once_and_in_order(device: DemoDevice) -> None:
    assert covered(activity(device, MONDAY, LAST)) == list(range(MONDAY, LAST, SLOT_S))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param("2025-03-29T12:00", "2025-03-31T12:00", id="clock-goes-forward"),
        pytest.param("2025-10-25T12:00", "2025-10-27T12:00", id="clock-goes-back"),
        pytest.param("2025-03-25T09:15", "2025-03-25T09:30", id="one-slot"),
    ],
)
def test_no_slot_is_lost_or_doubled(first: str, last: str) -> None:
    begin, end = (int(datetime.fromisoformat(t).replace(tzinfo=PARIS).timestamp()) for t in (first, last))
    for device in DEVICES[:20]:
        assert covered(activity(device, begin, end)) == list(range(begin, end, SLOT_S))


def test_periods_that_overlap_agree_on_every_slot() -> None:
    for device in DEVICES[:20]:
        whole = by_slot(device, MONDAY, LAST)
        middle = by_slot(device, MONDAY + 3 * DAY_S + 9 * 3600, MONDAY + 12 * DAY_S)
        assert middle.items() <= whole.items()


@pytest.mark.slow
def test_every_report_is_one_the_collector_accepts() -> None:
    for device in DEVICES:
        for report in reports(device, "0" * 32, MONDAY, LAST):
            assert REPORT.validate_json(REPORT.dump_json(report, exclude_none=True)) == report


def test_reports_carry_the_period_and_one_inventory() -> None:
    server = SERVERS[0]
    sent = list(reports(server, "0" * 32, MONDAY, LAST))
    assert len(sent) > 1
    assert [slot for report in sent for slot in report.slots] == list(slots(server, MONDAY, LAST))
    assert [report.inventory is not None for report in sent] == [True] + [False] * (len(sent) - 1)


def test_load_deciles_add_up_to_the_time_awake() -> None:
    for device in DEVICES:
        assert all(sum(slot.load_deciles_s) == slot.awake_s for slot in slots(device, MONDAY, LAST))


def test_servers_are_never_off_and_show_nothing() -> None:
    for server in SERVERS:
        records = list(activity(server, MONDAY, LAST))
        assert all(isinstance(record, Slot) and record.display_off_s == SLOT_S for record in records)


def test_servers_are_busier_by_day_than_by_night() -> None:
    for server in SERVERS:
        found = by_slot(server, MONDAY, MONDAY + DAY_S)
        day, night = (_mean_load(found, hours) for hours in (range(10, 17), range(0, 5)))
        assert day > night


def test_most_office_machines_are_off_or_asleep_at_night() -> None:
    at_three = [
        by_slot(device, MONDAY + day * DAY_S + 3 * 3600, MONDAY + day * DAY_S + 3 * 3600 + SLOT_S)
        for device in OFFICE
        for day in range(1, 5)
    ]
    idle = [state for found in at_three for state in found.values() if isinstance(state, str)]
    assert len(idle) > 0.85 * len(at_three)


def test_some_machines_are_left_on_overnight_with_the_display_off() -> None:
    at_three = MONDAY + DAY_S + 3 * 3600
    left_on = [slot for device in fleet(600, seed=1) for slot in slots(device, at_three, at_three + SLOT_S)]
    office = [slot for slot in left_on if slot.display_off_s == SLOT_S]
    assert left_on == office
    assert len(office) > len([device for device in fleet(600, seed=1) if device.habits.always_on])


def test_most_office_machines_are_in_use_on_a_working_morning() -> None:
    at_eleven = MONDAY + 11 * 3600
    in_use = [device for device in OFFICE if list(slots(device, at_eleven, at_eleven + SLOT_S))]
    assert len(in_use) > 0.6 * len(OFFICE)


def test_nobody_arrives_on_a_weekend() -> None:
    saturday = MONDAY + 5 * DAY_S
    for device in OFFICE:
        weekend = slots(device, saturday + 3600, saturday + 46 * 3600)
        assert not any(slot.display_on_s for slot in weekend)


def test_only_laptops_count_energy_from_a_battery_and_only_while_awake() -> None:
    seen = set()
    for device in DEVICES:
        for slot in slots(device, MONDAY, LAST):
            for energy in slot.energy:
                assert energy.duration_s <= slot.awake_s
                seen.add((device.category == "laptop", energy.scope))
    assert (True, "battery") in seen
    assert (False, "battery") not in seen


def test_power_stays_within_what_such_machines_draw() -> None:
    for device in DEVICES:
        for slot in slots(device, MONDAY, MONDAY + 2 * DAY_S):
            for energy in slot.energy:
                assert 0 < energy.energy_j / energy.duration_s < 300


def test_gaps_of_one_state_never_touch() -> None:
    for device in DEVICES:
        for one, other in pairwise(activity(device, MONDAY, LAST)):
            if isinstance(one, Gap) and isinstance(other, Gap):
                assert one.state != other.state


def _mean_load(found: dict[int, Slot | str], hours: range) -> float:
    seconds = weighted = 0.0
    for start, slot in found.items():
        if isinstance(slot, Slot) and datetime.fromtimestamp(start, PARIS).hour in hours:
            seconds += slot.awake_s
            weighted += sum(decile * s for decile, s in enumerate(slot.load_deciles_s))
    return weighted / seconds

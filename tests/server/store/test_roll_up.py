"""What every engine promises of days that are rolled up: no sum changes, nothing is lost or counted twice."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_server.access.scoped_store import ScopedStore
from parcimetre_server.base.scope import NotAllowed, Scope
from parcimetre_server.store.interface import RolledUp
from parcimetre_server.store.records import DeviceId, WriteBatch
from parcimetre_server.store.rolling import DayRule, RollRules

from .test_conformance import A, B, records
from .test_conformance import slot as slot_at

DAY_S, HOUR_S = 86_400, 3600
DAY = 19_675  # 2023-11-14, of the slots of `records`
LATER = DAY + 40  # whole months lie between, which an engine may roll up only together
STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s")
few = settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def sums(store, device, step_s, day):
    """Seconds by state and decile, and joules and seconds by channel, of each hour or day with a record."""
    found = store.activity(device, day * DAY_S, (day + 3) * DAY_S)
    told = defaultdict(float)
    for i, start in enumerate(found.start // step_s):
        for name in STATES:
            told[start, name] += getattr(found, name)[i]
        for decile, seconds in enumerate(found.load_deciles_s[i]):
            told[start, decile] += seconds
        for one in found.measured:
            told[start, one.source, one.scope, "J"] += one.energy_j[i]
            told[start, one.source, one.scope, "s"] += one.duration_s[i]
    return {key: pytest.approx(value, rel=1e-13, abs=1e-300) for key, value in told.items() if value}


def starts(store, device, day=DAY):
    return store.activity(device, day * DAY_S, (day + 3) * DAY_S).start.tolist()


def by_device(found):
    return dict(zip(found.devices, found.covered_s.T.tolist(), strict=True))


@pytest.mark.parametrize(("hours", "step_s"), [(1, HOUR_S), (24, DAY_S)], ids=["hours", "days"])
@few
@given(st.lists(records(), min_size=1, max_size=40), st.integers(0, 2))
def test_sums_coverage_and_which_quarter_hours_have_a_record_stay(store, hours, step_s, sent, sealed):
    day = max(DAY, store.rolled_up().hours_before)  # no example meets days that are rolled up
    device = DeviceId(f"{day:032x}")
    store.write([WriteBatch(device, [replace(one, start=one.start + (day - DAY) * DAY_S) for one in sent])])
    store.tidy((day + sealed) * DAY_S + DAY_S // 2)
    before = sums(store, device, step_s, day)
    known = starts(store, device, day), store.span(device), by_device(store.coverage(day, day + 2))
    for each in (1, hours):
        store.roll_up(day + 40, each)
    assert store.rolled_up().hours_of(day) == hours
    assert sums(store, device, step_s, day) == before
    after = starts(store, device, day), store.span(device), by_device(store.coverage(day, day + 2))
    assert after == known
    listed = list(store.slots(device, day * DAY_S, (day + 3) * DAY_S))
    read = store.activity(device, day * DAY_S, (day + 3) * DAY_S)
    assert [(one.start, one.covered_s) for one in listed] == list(
        zip(read.start.tolist(), read.covered_s.tolist(), strict=True)
    )
    joules = sum(reading.energy_j for one in listed for reading in one.energy)
    assert joules == pytest.approx(sum(one.energy_j.sum() for one in read.measured), rel=1e-12, abs=1e-300)


def test_it_is_told_how_much_is_rolled_up_and_a_second_time_nothing_is(store):
    store.write([WriteBatch(A, [slot_at(0), slot_at(1), slot_at(96)]), WriteBatch(B, [slot_at(500)])])
    assert store.rolled_up() == RolledUp()
    assert [store.roll_up(LATER, hours, dry_run=True) for hours in (1, 24)] == [3, 3]
    assert store.rolled_up() == RolledUp()
    assert store.roll_up(LATER, 24) == 0, "days are made of hours"
    assert [store.roll_up(LATER, 1), store.roll_up(LATER, 1)] == [3, 0]
    assert store.rolled_up().hours_of(DAY) == 1
    assert store.roll_up(LATER, 24, dry_run=True) == 3
    assert [store.roll_up(LATER, 24), store.roll_up(LATER, 24)] == [3, 0]
    assert store.rolled_up().hours_of(DAY) == 24
    assert store.rolled_up().hours_of(LATER) is None
    assert store.roll_up(LATER, 1, dry_run=True) == 0


def test_days_after_the_limit_stay_as_they_were(store):
    late = slot_at(45 * 96, 300, energy_j=7.0)
    store.write([WriteBatch(A, [slot_at(0), late])])
    store.roll_up(LATER, 1)
    assert next(iter(store.slots(A, LATER * DAY_S, (LATER + 9) * DAY_S))) == late
    both = store.activity(A, DAY * DAY_S, (LATER + 9) * DAY_S)
    assert both.start.tolist() == [DAY * DAY_S, late.start]
    assert both.measured[0].energy_j.tolist() == [0.0, 7.0]
    assert (
        dict(store.activities([A], DAY * DAY_S, (LATER + 9) * DAY_S))[A].start.tolist() == both.start.tolist()
    )


@pytest.mark.parametrize("hours", [1, 24])
def test_a_late_quarter_hour_is_added_once_and_one_that_is_known_changes_nothing(store, hours):
    store.write([WriteBatch(A, [slot_at(0, 600, energy_j=60.0), slot_at(2, 300, energy_j=30.0)])])
    store.roll_up(LATER, 1)
    store.roll_up(LATER, hours)
    late = [slot_at(0, 900, energy_j=90.0), slot_at(1, 900, energy_j=9.0), slot_at(100, 30)]
    told = store.write([WriteBatch(A, late), WriteBatch(A, late), WriteBatch(B, late[:1])])
    assert [(one.accepted, one.duplicates) for one in told] == [(2, 1), (0, 3), (1, 0)]
    store.tidy((LATER + 40) * DAY_S)
    store.roll_up(LATER, 1)
    store.roll_up(LATER, hours)
    read = store.activity(A, DAY * DAY_S, (DAY + 3) * DAY_S)
    assert read.start.tolist() == [DAY * DAY_S + at * SLOT_S for at in (0, 1, 2, 100)]
    assert read.covered_s.tolist() == [600, 600, 600, 30]
    assert read.measured[0].energy_j.sum() == 99.0
    assert read.measured[0].duration_s.sum() == 1800
    assert by_device(store.coverage(DAY, DAY + 1)) == {A: [1800, 30], B: [900, 0]}


def test_a_device_that_is_erased_is_gone_from_the_sums_too(store):
    store.write([WriteBatch(one, [slot_at(0), slot_at(200)]) for one in (A, B)])
    store.roll_up(LATER, 1)
    store.write([WriteBatch(A, [slot_at(1)])])
    store.erase([A], [], [])
    assert set(store.spans()) == {B}
    assert starts(store, A) == []
    assert len(starts(store, B)) == 2
    assert by_device(store.coverage(DAY, DAY + 2)).get(A, [0, 0, 0]) == [0, 0, 0]


def test_means_of_an_hour_are_weighted_by_time(store):
    def used(at, covered_s, mib):
        return Slot(DAY * DAY_S + at * SLOT_S, covered_s, 0, 0, 0, SLOT_S - covered_s, [], mib)

    store.write([WriteBatch(A, [used(0, 900, 1000.0), used(1, 300, 2000.0), used(2, 100, None)])])
    store.roll_up(LATER, 1)
    assert [one.memory_used_mib for one in store.slots(A, DAY * DAY_S, (DAY + 1) * DAY_S)] == [
        pytest.approx(1250, rel=0.011)
    ] * 3


def test_nothing_is_rolled_up_through_the_scope_of_a_reader(store):
    scoped = ScopedStore(store, Scope("Ville", "analyst"))
    with pytest.raises(NotAllowed):
        scoped.roll_up(LATER, 1)
    assert scoped.rolled_up() == store.rolled_up()


def test_an_hour_that_was_measured_in_part_is_as_good_as_its_worst_part(store):
    energy = [[Energy("rapl", "package", quality, 9.0, 900)] for quality in ("modelled", "measured")]
    store.write(
        [
            WriteBatch(
                A,
                [Slot((DAY * 96 + at) * SLOT_S, 900, 0, 0, 0, 0, energy=energy[at % 2]) for at in (0, 1, 5)],
            )
        ]
    )
    store.roll_up(LATER, 1)
    found = list(store.slots(A, DAY * DAY_S, (DAY + 1) * DAY_S))
    assert [one.quality for slot in found for one in slot.energy] == ["modelled", "modelled", "measured"]
    assert [one.energy_j for slot in found for one in slot.energy] == [9.0, 9.0, 9.0]


def test_a_channel_of_few_seconds_keeps_its_joules(store):
    energy = [Energy("bat", "battery", "measured", 0.7, 2)]
    store.write(
        [WriteBatch(A, [slot_at(0), slot_at(1), Slot(DAY * DAY_S + 1800, 900, 0, 0, 0, 0, energy=energy)])]
    )
    store.roll_up(LATER, 1)
    found = list(store.slots(A, DAY * DAY_S, (DAY + 1) * DAY_S))
    assert [[one.duration_s for one in slot.energy] for slot in found] == [[1], [1], []]
    assert sum(one.energy_j for slot in found for one in slot.energy) == 0.7


AT_NIGHT = np.where((np.arange(96) >= 24) & (np.arange(96) < 76), 0, 1)

OPEN = RollRules(lambda _day: DayRule(AT_NIGHT, False), settled_before=0)
LATE_NO_MORE = RollRules(lambda _day: DayRule(AT_NIGHT, True), settled_before=LATER)


def roll_up(store, hours, rules):
    for each in (1, hours):
        store.roll_up(LATER, each, rules=rules)


@pytest.mark.parametrize("hours", [1, 24])
def test_a_late_record_replaces_one_of_less_covered_time_in_a_day_of_sums(store, hours):
    whole = [slot_at(at, 900, energy_j=9.0) for at in (0, 2, 3)]
    store.write([WriteBatch(A, [*whole, slot_at(1, 300, energy_j=40.0)])])
    roll_up(store, hours, OPEN)
    read = store.activity(A, DAY * DAY_S, (DAY + 1) * DAY_S)
    assert read.covered_s.tolist() == [900, 300, 900, 900]
    assert read.measured[0].energy_j.tolist() == [9.0, 40.0, 9.0, 9.0]
    better = [slot_at(1, 600, energy_j=70.0), slot_at(2, 900, energy_j=1.0)]
    told = store.write([WriteBatch(A, better), WriteBatch(A, better)])
    assert [(one.accepted, one.duplicates) for one in told] == [(1, 1), (0, 2)]
    (told,) = store.write([WriteBatch(A, [slot_at(1, 900, energy_j=100.0)])])
    assert (told.accepted, told.duplicates) == (1, 0)
    read = store.activity(A, DAY * DAY_S, (DAY + 1) * DAY_S)
    assert read.covered_s.tolist() == [900] * 4
    assert read.measured[0].energy_j.sum() == pytest.approx(127.0, rel=1e-12)
    assert by_device(store.coverage(DAY, DAY)) == {A: [3600]}
    assert store.write([WriteBatch(A, [slot_at(1, 900, energy_j=1.0)])])[0].duplicates == 1


def test_records_of_days_that_are_settled_are_added_up_whole_or_not(store):
    store.write([WriteBatch(A, [slot_at(0, 900, energy_j=9.0), slot_at(1, 300, energy_j=41.0)])])
    roll_up(store, 1, LATE_NO_MORE)
    assert store.activity(A, DAY * DAY_S, (DAY + 1) * DAY_S).covered_s.tolist() == [600, 600]
    assert store.write([WriteBatch(A, [slot_at(1, 900)])])[0].duplicates == 1


def test_incomplete_records_are_added_up_once_their_day_is_settled(store):
    if store.shared:
        pytest.skip("ClickHouse leaves them as they are")
    store.write([WriteBatch(A, [slot_at(0, 900, energy_j=9.0), slot_at(1, 300, energy_j=41.0)])])
    roll_up(store, 24, OPEN)
    for _ in range(2):
        roll_up(store, 24, LATE_NO_MORE)
        read = store.activity(A, DAY * DAY_S, (DAY + 1) * DAY_S)
        assert read.covered_s.tolist() == [600, 600]
        assert read.measured[0].energy_j.sum() == 50.0
    assert by_device(store.coverage(DAY, DAY)) == {A: [1200]}


def test_a_day_of_sums_keeps_working_hours_and_night_apart(store):
    slots = [slot_at(at, 900, energy_j=90.0 if 24 <= at < 76 else 9.0) for at in range(96)]
    store.write([WriteBatch(A, slots)])
    roll_up(store, 24, OPEN)
    read = store.activity(A, DAY * DAY_S, (DAY + 1) * DAY_S).measured[0].energy_j
    assert read == pytest.approx(np.where(AT_NIGHT == 0, 90.0, 9.0))

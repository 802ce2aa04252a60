"""What every engine of the store promises."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_server.store.interface import Lease, Store
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

DAY_S = 86_400
START = 1_700_000_000 // DAY_S * DAY_S
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
A, B = DeviceId("a" * 32), DeviceId("b" * 32)


def slot(at: int, covered_s: int = SLOT_S, energy_j: float | None = None, **more: object) -> Slot:
    energy = [] if energy_j is None else [Energy("rapl", "package", "measured", energy_j, max(1, covered_s))]
    deciles = [covered_s, *[0] * 9]
    start = START + at * SLOT_S
    return Slot(start, covered_s, 0, 0, 0, SLOT_S - covered_s, deciles, energy=energy, **more)  # type: ignore[arg-type]


def one(store: Store, device: DeviceId = A) -> dict[int, float]:
    """Covered seconds by slot number of one device."""
    read = store.activity(device, START - DAY_S, START + 100 * DAY_S)
    return dict(zip(((read.start - START) // SLOT_S).tolist(), read.covered_s.tolist(), strict=True))


def test_slot_comes_back_as_it_was_written(store: Store) -> None:
    sent = Slot(
        START, 300, 200, 100, 250, 50, [0, 100, 0, 50, 0, 0, 0, 0, 0, 350],
        energy=[
            Energy("rapl", "package", "measured", 1234.5, 500),
            Energy("bat", "battery", "measured", 9.25, 60),
        ],
    )  # fmt: skip
    store.write([WriteBatch(A, [sent])])
    read = store.activity(A, START, START + SLOT_S)
    assert read.start.tolist() == [START]
    assert [read.display_on_s[0], read.display_off_s[0], read.asleep_s[0], read.off_s[0]] == [
        300,
        200,
        100,
        250,
    ]
    assert read.load_deciles_s[0].tolist() == sent.load_deciles_s
    assert [(m.source, m.scope, m.quality, m.energy_j[0], m.duration_s[0]) for m in read.measured] == [
        ("rapl", "package", "measured", 1234.5, 500),
        ("bat", "battery", "measured", 9.25, 60),
    ]


def test_record_that_covers_more_time_replaces_the_other_whole(store: Store) -> None:
    store.write([WriteBatch(A, [slot(0, 300, energy_j=5.0)])])
    assert store.write([WriteBatch(A, [slot(0, 600)])])[0].accepted == 1
    read = store.activity(A, START, START + SLOT_S)
    assert read.covered_s.tolist() == [600]
    assert sum(m.energy_j.sum() for m in read.measured) == 0


@pytest.mark.parametrize("covered_s", [600, 300], ids=["same", "less"])
def test_slot_resent_with_no_more_coverage_changes_nothing(store: Store, covered_s: int) -> None:
    store.write([WriteBatch(A, [slot(0, 600, energy_j=7.0)])])
    merged = store.write([WriteBatch(A, [slot(0, covered_s, energy_j=99.0)])])[0]
    assert (merged.accepted, merged.duplicates) == (0, 1)
    assert store.activity(A, START, START + SLOT_S).measured[0].energy_j.tolist() == [7.0]


@settings(max_examples=30, suppress_health_check=SLOW, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from([A, B]), st.integers(0, 300), st.integers(0, SLOT_S)), max_size=20
        ),
        max_size=5,
    )
)
def test_any_order_of_arrivals_keeps_the_greatest_coverage(
    store: Store, batches: list[list[tuple[DeviceId, int, int]]]
) -> None:
    expected = {device: one(store, device) for device in (A, B)}
    for batch in batches:
        store.write([WriteBatch(device, [slot(at, covered)]) for device, at, covered in batch])
        for device, at, covered in batch:
            if covered > expected[device].get(at, 0):
                expected[device][at] = covered
    for device in (A, B):
        assert one(store, device) == expected[device]


def test_period_cuts_at_slots_within_a_day(store: Store) -> None:
    store.write([WriteBatch(A, [slot(at) for at in range(200)])])
    read = store.activity(A, START + 50 * SLOT_S, START + 130 * SLOT_S)
    assert read.start.tolist() == [START + at * SLOT_S for at in range(50, 130)]


def test_channel_missing_on_one_day_reads_as_silent_there(store: Store) -> None:
    store.write([WriteBatch(A, [slot(0, energy_j=5.0), slot(96)])])
    read = store.activity(A, START, START + 2 * DAY_S)
    assert read.measured[0].energy_j.tolist() == [5.0, 0.0]
    assert read.measured[0].duration_s.tolist() == [900.0, 0.0]


def test_many_devices_are_read_in_one_pass_without_the_silent_ones(store: Store) -> None:
    store.write([WriteBatch(A, [slot(0)]), WriteBatch(B, [slot(500)])])
    found = dict(store.activities([B, A, DeviceId("c" * 32)], START, START + DAY_S))
    assert set(found) == {A}
    assert store.spans() == {A: (START, START), B: (START + 500 * SLOT_S,) * 2}
    assert store.span(DeviceId("c" * 32)) is None


def test_device_without_slots_has_an_empty_activity(store: Store) -> None:
    read = store.activity(A, START, START + DAY_S)
    assert len(read.start) == 0
    assert read.load_deciles_s.shape == (0, 10)


def test_latest_fact_is_the_state_and_none_is_forgotten(store: Store) -> None:
    store.append([Fact("site", "x", 5, {"zone": "FR"}), Fact("site", "x", 5, {"zone": "DE"})])
    store.append([Fact("site", "y", 6, {"zone": "IT"})])
    assert {key: fact.body["zone"] for key, fact in store.latest("site").items()} == {"x": "DE", "y": "IT"}
    assert store.latest_of("site", "x") == Fact("site", "x", 5, {"zone": "DE"})
    assert store.latest_of("site", "z") is None
    assert [fact.body["zone"] for fact in store.history("site", "x")] == ["FR", "DE"]
    assert len(store.history("site")) == 3


def test_history_since_a_time_begins_with_the_state_of_each_key_at_that_time(store: Store) -> None:
    stated = [("x", 5, 0), ("y", 6, 1), ("x", 20, 2), ("x", 7, 3), ("x", 30, 4), ("z", 40, 5)]
    for key, at, n in stated:  # a clock was ahead at 2
        store.append([Fact("printing", key, at, {"n": n}), Fact("site", key, 1, {"n": n})])
    assert [fact.body["n"] for fact in store.history("printing", since=10)] == [1, 3, 4, 5]
    assert [fact.body["n"] for fact in store.history("printing", "x", 10)] == [3, 4]
    assert [fact.body["n"] for fact in store.history("printing", "x", 5)] == [0, 2, 3, 4]
    assert [fact.body["n"] for fact in store.history("printing", "z", 10)] == [5]
    assert store.history("printing", "nobody", 10) == []


def test_batch_that_fails_leaves_nothing_behind(store: Store) -> None:
    unwritable = Fact("site", "x", 1, {"zone": {1, 2}})
    with pytest.raises(TypeError):
        store.write([WriteBatch(A, [slot(0)], [unwritable])])
    assert one(store) == {}
    store.write([WriteBatch(A, [slot(0)])])
    assert one(store) == {0: SLOT_S}


def test_writers_in_many_threads_lose_nothing(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: store.write([WriteBatch(A, [slot(at)])]), range(40)))
    assert one(store) == dict.fromkeys(range(40), SLOT_S)


def test_tidying_changes_nothing_that_is_read_and_late_slots_still_merge(store: Store) -> None:
    before = Slot(
        START + 5 * SLOT_S, 300, 200, 100, 250, 50, [0, 100, 0, 50, 0, 0, 0, 0, 0, 350], 2048.0, None, 1.5,
        energy=[Energy("rapl", "package", "measured", 1234.56789, 500)],
    )  # fmt: skip
    store.write([WriteBatch(A, [before, slot(96, 300, energy_j=3.0)]), WriteBatch(B, [slot(7)])])
    read = store.activity(A, START, START + 2 * DAY_S)
    store.tidy(START + 10 * DAY_S)
    again = store.activity(A, START, START + 2 * DAY_S)
    for field in ("start", "display_on_s", "display_off_s", "asleep_s", "off_s", "load_deciles_s"):
        assert getattr(again, field).tolist() == getattr(read, field).tolist()
    assert [m.energy_j.tolist() for m in again.measured] == [m.energy_j.tolist() for m in read.measured]
    assert store.write([WriteBatch(A, [slot(96, 600), slot(5), slot(4)])])[0].accepted == 3
    store.tidy(START + 10 * DAY_S)
    assert one(store) == {4: SLOT_S, 5: SLOT_S, 96: 600}
    assert one(store, B) == {7: SLOT_S}


READINGS = st.builds(
    Energy,
    st.sampled_from(["rapl", "prise « mesurée »", "a\\'b"]),
    st.sampled_from(["package", "dram"]),
    st.sampled_from(["measured", "modelled"]),
    st.floats(0, 50_000_000),
    st.integers(1, SLOT_S),
)


KEYS = ("", "Hôtel de 'Ville' \\", "\0\n")


@st.composite
def records(draw: st.DrawFn) -> Slot:
    """Any record that an agent may send of the first three days."""
    on_s = draw(st.integers(0, SLOT_S))
    off_s = draw(st.integers(0, SLOT_S - on_s))
    deciles = draw(st.sampled_from([[], [on_s, *[0] * 9], [0] * 9 + [on_s // 2]]))
    means = draw(st.lists(st.none() | st.floats(0, 1e9), min_size=5, max_size=5))
    energy = draw(st.lists(READINGS, max_size=4, unique_by=lambda one: (one.source, one.scope)))
    start = START + draw(st.integers(0, 287)) * SLOT_S
    return Slot(start, on_s, 0, off_s, 0, SLOT_S - on_s - off_s, deciles, *means, energy=energy)


@settings(max_examples=10, suppress_health_check=SLOW, deadline=None)
@given(st.lists(records(), max_size=12), st.integers(0, 1_000_000))
def test_records_are_given_back_as_sent_means_to_half_a_percent(
    store: Store, sent: list[Slot], number: int
) -> None:
    device = DeviceId(f"{number:032x}")
    before = {one.start: one for one in store.slots(device, START, START + 3 * DAY_S)}
    store.write([WriteBatch(device, sent)])
    for one in sent:
        if one.covered_s > (before[one.start].covered_s if one.start in before else 0):
            before[one.start] = one
    found = list(store.slots(device, START, START + 3 * DAY_S))
    assert [one.start for one in found] == sorted(before)
    for kept, given_ in ((one, before[one.start]) for one in found):
        states = ("display_on_s", "display_off_s", "asleep_s", "off_s", "unknown_s")
        assert [getattr(kept, name) for name in states] == [getattr(given_, name) for name in states]
        assert kept.load_deciles_s == (given_.load_deciles_s if any(given_.load_deciles_s) else [])
        assert sorted(map(repr, kept.energy)) == sorted(map(repr, given_.energy))
        for name in ("memory_used_mib", "disk_read_kib_s", "net_sent_kib_s"):
            mean = getattr(given_, name)
            close = None if mean is None else pytest.approx(mean, abs=0.0051 * (1 + mean))
            assert getattr(kept, name) == close


@settings(max_examples=10, suppress_health_check=SLOW, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 9), st.text(max_size=5)), max_size=5),
        max_size=4,
    )
)
def test_facts_are_kept_in_the_order_of_their_appending_whatever_their_date(
    store: Store, appended: list[list[tuple[str, int, str]]]
) -> None:
    expected = store.history("purchase")
    for batch in appended:
        facts = [Fact("purchase", key, at, {"told": text}) for key, at, text in batch]
        store.append(facts)
        expected += facts
    assert store.history("purchase") == expected
    assert store.latest("purchase") == {fact.key: fact for fact in expected}
    for key in {fact.key for fact in expected}:
        assert store.history("purchase", key) == [fact for fact in expected if fact.key == key]
        assert store.latest_of("purchase", key) == store.latest("purchase")[key]


@pytest.mark.slow
def test_facts_about_more_things_than_a_query_may_name_are_kept(store: Store) -> None:
    store.append([Fact("purchase", f"{n:032x}", 1, {"n": n}) for n in range(60_000)])
    assert len(store.latest("purchase")) == 60_000


def test_keys_that_changed_lately_are_found_with_their_latest_fact(store: Store) -> None:
    store.append([Fact("site", "x", 5, {"zone": "FR"}), Fact("site", "y", 9, {"zone": "DE"})])
    store.append([Fact("site", "y", 7, {"zone": "IT"})])
    assert store.latest("site", since=6) == {"y": Fact("site", "y", 7, {"zone": "IT"})}
    assert store.latest("site", since=10) == {}


def test_what_was_stated_after_a_mark_is_told_once(store: Store) -> None:
    _, begin = store.newer((), 0)
    first, other = Fact("site", "x", 5, {"zone": "FR"}), Fact("device", "y", 3, {"n": 1})
    store.append([first, other])
    store.append([Fact("secret", "z", 1, {})])
    told, mark = store.newer(("site", "device"), begin)
    assert told == [first, other]
    assert store.newer(("site", "device"), 0)[0] == [first, other]
    later = Fact("site", "x", 4, {"zone": "DE"})
    store.append([later])
    assert store.newer(("site", "device"), mark)[0] == [later]
    assert store.newer(("site", "device"), begin)[0][-1] == later


def test_seconds_covered_are_told_by_device_and_day(store: Store) -> None:
    store.write([WriteBatch(A, [slot(0, 300), slot(1), slot(96)]), WriteBatch(B, [slot(500)])])
    store.write([WriteBatch(A, [slot(0, 600), slot(1, 10)])])
    found = store.coverage(START // DAY_S, START // DAY_S + 1)
    by_device = dict(zip(found.devices, found.covered_s.T.tolist(), strict=True))
    assert by_device[A] == [1500, 900]
    assert by_device.get(B, [0, 0]) == [0, 0]


def test_a_lease_is_what_was_put_in_force_last(store: Store) -> None:
    assert (store.lease("weekly").term, store.lease("weekly").left_s) == (0, 0)
    assert store.take("weekly", Lease(1, "one", 60, ""))
    assert store.take("tidy", Lease(1, "other", 60, ""))
    assert store.take("weekly", Lease(2, "one", 0, "2026-W47"))
    found = store.lease("weekly")
    assert (found.term, found.holder, found.done) == (2, "one", "2026-W47")
    assert found.left_s <= 0


def test_facts_that_are_removed_are_gone_and_no_other(store: Store) -> None:
    store.append([Fact("dead_letter", key, 1, {"n": key}) for key in ("x", "y", "x")])
    store.append([Fact("site", "x", 1, {"zone": "FR"})])
    store.remove("dead_letter", ["x", "unknown"])
    assert [fact.key for fact in store.history("dead_letter")] == ["y"]
    assert store.latest_of("site", "x") is not None


def test_what_is_erased_is_gone_with_its_facts_and_the_rest_stays(store: Store) -> None:
    store.write(
        [WriteBatch(A, [slot(0), slot(200)], [Fact("inventory", A, 1, {})]), WriteBatch(B, [slot(0)])]
    )
    store.tidy(START + DAY_S + DAY_S // 2)
    store.append([Fact("dead_letter", "x", 1, {}), Fact("dead_letter", "y", 1, {}), Fact("device", B, 1, {})])
    store.erase([A, DeviceId("c" * 32)], [("dead_letter", "x")], [Fact("audit", "deleted", 2, {"act": "x"})])
    assert (one(store), one(store, B)) == ({}, {0: SLOT_S})
    assert store.span(A) is None
    assert set(store.spans()) == {B}
    assert store.history("inventory") == []
    assert [fact.key for fact in store.history("dead_letter")] == ["y"]
    assert store.latest_of("device", B) is not None
    assert store.latest_of("audit", "deleted") == Fact("audit", "deleted", 2, {"act": "x"})
    assert store.write([WriteBatch(A, [slot(3)])])[0].accepted == 1
    assert one(store) == {3: SLOT_S}

"""Months that ClickHouse rolls up: an end between any two steps loses nothing and counts nothing twice."""

import contextlib

import pytest
from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_server.store.clickhouse import open_store, rollup, slots
from parcimetre_server.store.clickhouse.server import HttpServer
from parcimetre_server.store.errors import StoreUnusable
from parcimetre_server.store.records import DeviceId, WriteBatch

PASSWORD, DAY_S, DAY = "s3cret", 86_400, 19_675
DEVICES = [DeviceId(f"{n:032x}") for n in range(9)]
NEXT_MONTH = DAY + 17  # 2023-12-01


def slot(day, at, covered_s=900):
    energy = [Energy("rapl", "package", "measured", 0.1 * at, covered_s)]
    return Slot(day * DAY_S + at * SLOT_S, covered_s, 0, 0, 0, 900 - covered_s, energy=energy)


@pytest.fixture
def store(urls):
    """Two shards; devices have two days in November and one in December."""
    made = open_store(urls, PASSWORD, create=True)
    days = (DAY, DAY + 1, NEXT_MONTH)
    made.write(
        [WriteBatch(one, [slot(day, at) for day in days for at in range(0, 96, 3)]) for one in DEVICES]
    )
    yield made
    made.close()


def totals(store):
    """Quarter hours, seconds and joules of every device."""
    found = store.activities(DEVICES, DAY * DAY_S, (NEXT_MONTH + 9) * DAY_S)
    return {
        one: (len(read.start), read.covered_s.sum(), pytest.approx(read.measured[0].energy_j.sum()))
        for one, read in found
    }


def rows(store, table):
    return sum(int(server.ask(f"SELECT count() FROM {table}")) for server in store._servers)


def test_only_whole_months_are_rolled_up(store):
    before = totals(store)
    assert store.roll_up(NEXT_MONTH - 1, 1) == 0
    assert store.roll_up(NEXT_MONTH + 5, 1) == 18
    assert store.rolled_up().hours_before == NEXT_MONTH
    assert totals(store) == before


@pytest.mark.parametrize("step", ["INSERT INTO rolled_day", "INSERT INTO rolled_up", "DROP PARTITION"])
def test_an_end_before_any_step_is_made_up_for_by_the_next_call(store, monkeypatch, step):
    monkeypatch.setattr(rollup, "GRACE_S", 0)
    before, ask, calls = totals(store), HttpServer.ask, []

    def end(server, sql, *more, **about):
        if step in sql:
            calls.append(sql)
            if len(calls) == 2:
                raise StoreUnusable("ended")
        return ask(server, sql, *more, **about)

    monkeypatch.setattr(HttpServer, "ask", end)
    for _ in range(3):
        with contextlib.suppress(StoreUnusable):
            store.roll_up(NEXT_MONTH + 5, 1)
        assert totals(store) == before
    assert len(calls) > 2
    store.roll_up(NEXT_MONTH + 5, 1)
    assert totals(store) == before
    assert rows(store, "slot") == 9 * 32
    for _ in range(2):
        store.roll_up(NEXT_MONTH + 5, 24)
        assert totals(store) == before
    assert rows(store, "rolled_day") == 18


def test_slots_stay_until_no_older_query_can_want_them(store):
    for _ in range(2):
        store.roll_up(NEXT_MONTH, 1)
    assert rows(store, "slot") == 9 * 96


def test_a_slot_that_another_collector_wrote_meanwhile_is_not_dropped(store, monkeypatch):
    monkeypatch.setattr(rollup, "GRACE_S", 0)
    store.roll_up(NEXT_MONTH, 1)
    late = slot(DAY, 1, 300)
    slots.write(store._servers[store._shard(DEVICES[0])], {(DEVICES[0], late.start): late})
    store.roll_up(NEXT_MONTH, 1)
    found = totals(store)
    assert found[DEVICES[0]][:2] == (97, 96 * 900 + 300)
    assert found[DEVICES[1]][:2] == (96, 96 * 900)
    assert rows(store, "slot") == 9 * 32


def test_a_store_of_the_first_layout_gets_its_tables_at_the_start(store, urls):
    for number, server in enumerate(store._servers, start=1):
        for table in ("rolled_day", "rolled_up", "shard"):
            server.ask(f"DROP TABLE {table}")
        columns = "number UInt16, shards UInt16, layout UInt16"
        server.ask(f"CREATE TABLE shard ({columns}) ENGINE = MergeTree ORDER BY number")
        server.ask(f"INSERT INTO shard VALUES ({number}, 2, 1)")
    with pytest.raises(StoreUnusable, match=r"has the old layout 1: start `parcimetre serve`"):
        open_store(urls, PASSWORD)
    for create in (True, False):
        again = open_store(urls, PASSWORD, create)
        assert len(totals(again)) == 9
        again.close()


def test_rolled_up_days_of_the_second_layout_get_their_versions_at_the_start(store, urls):
    store.roll_up(NEXT_MONTH, 1)
    before = totals(store)
    for number, server in enumerate(store._servers, start=1):
        server.ask("ALTER TABLE rolled_day DROP COLUMN version")
        server.ask("DROP TABLE shard")
        columns = "number UInt16, shards UInt16, layout UInt16"
        server.ask(f"CREATE TABLE shard ({columns}) ENGINE = MergeTree ORDER BY number")
        server.ask(f"INSERT INTO shard VALUES ({number}, 2, 2)")
    with pytest.raises(StoreUnusable, match=r"has the old layout 2: start `parcimetre serve`"):
        open_store(urls, PASSWORD)
    for create in (True, False):
        again = open_store(urls, PASSWORD, create)
        assert totals(again) == before
        again.close()

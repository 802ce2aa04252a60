"""What goes wrong around ClickHouse: nothing acknowledged is lost, nothing is answered in part."""

import httpx
import pytest
from parcimetre_agent.report import Energy, Slot
from parcimetre_server.store.clickhouse import open_store
from parcimetre_server.store.clickhouse.engine import shard_of
from parcimetre_server.store.errors import StoreUnusable
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

PASSWORD, READER = "s3cret", "reader"
START, SLOT_S, DAY_S = 1_700_006_400, 900, 86_400
DEVICES = [DeviceId(f"{n:032x}") for n in range(20)]
FIRST, SECOND = ([one for one in DEVICES if shard_of(one, 2) == shard] for shard in (0, 1))


def slot(at, covered_s=SLOT_S, energy_j=1.0):
    energy = [Energy("rapl", "package", "measured", energy_j, covered_s)]
    return Slot(START + at * SLOT_S, covered_s, 0, 0, 0, SLOT_S - covered_s, energy=energy)


@pytest.fixture
def opened():
    """Open stores that are closed at the end."""
    stores = []

    def go(url, password=PASSWORD, create=True):
        stores.append(open_store(url, password, create))
        return stores[-1]

    yield go
    for store in stores:
        store.close()


@pytest.fixture
def second(servers):
    """The second server, which a test may stop."""
    yield servers[1]
    servers[1].stop(kill=True)
    servers[1].start()


def seen(store):
    return {device: len(read.start) for device, read in store.activities(DEVICES, START, START + DAY_S)}


def test_a_shard_that_is_away_fails_every_reading_by_name_and_loses_nothing(urls, opened, second):
    store = opened(urls)
    store.write([WriteBatch(device, [slot(0), slot(1)]) for device in DEVICES])
    store.append([Fact("device", device, 1, {}) for device in DEVICES])
    second.stop(kill=True)
    name = rf"{second.base} \(shard 2 of 2\)"
    for read in (
        lambda: seen(store), store.spans, lambda: store.latest("device"), lambda: store.history("device"),
        lambda: store.activity(SECOND[0], START, START + DAY_S), lambda: store.latest_of("device", SECOND[0]),
        lambda: opened(urls),
    ):  # fmt: skip
        with pytest.raises(StoreUnusable, match=name):
            read()
    with pytest.raises(StoreUnusable, match=name):
        store.write([WriteBatch(FIRST[0], [slot(2)]), WriteBatch(SECOND[0], [slot(2)])])
    with pytest.raises(StoreUnusable, match=name):
        store.append([Fact("site", device, 1, {}) for device in DEVICES])
    second.start()
    assert seen(store) == dict.fromkeys(DEVICES, 2)
    assert store.latest("device").keys() == set(DEVICES)
    assert store.latest("site") == {}
    assert store.write([WriteBatch(device, [slot(2)]) for device in DEVICES])[0].accepted == 1


def test_two_collectors_that_write_the_same_slots_count_them_once_at_the_greatest(urls, opened, monkeypatch):
    """Both have read that nothing is there before either writes."""
    one, other = opened(urls), opened(urls)
    monkeypatch.setattr("parcimetre_server.store.clickhouse.slots.covered", lambda *_: {})
    for store, covered_s in ((one, 600), (other, 900), (one, 300), (other, 900)):
        store.write([WriteBatch(device, [slot(0, covered_s, float(covered_s))]) for device in DEVICES])
    monkeypatch.undo()
    for _, read in one.activities(DEVICES, START, START + DAY_S):
        assert read.covered_s.tolist() == [900]
        assert read.measured[0].energy_j.tolist() == [900.0]
    assert one.write([WriteBatch(DEVICES[0], [slot(0, 800)])])[0].duplicates == 1


def test_of_two_records_that_cover_the_same_the_first_is_kept_whole(urls, opened, monkeypatch):
    store = opened(urls)
    monkeypatch.setattr("parcimetre_server.store.clickhouse.slots.covered", lambda *_: {})
    for energy_j in (7.0, 99.0):
        store.write([WriteBatch(DEVICES[0], [slot(0, 600, energy_j)])])
    assert store.activity(DEVICES[0], START, START + DAY_S).measured[0].energy_j.tolist() == [7.0]


def test_a_fact_whose_acknowledgement_was_lost_is_kept_once(urls, opened, monkeypatch):
    store, sent = opened(urls), []
    real = httpx.Client.post

    def cut(client, url, **about):
        answer = real(client, url, **about)
        if "INSERT INTO fact" in about["params"].get("query", ""):
            sent.append(url)
            if len(sent) == 1:
                raise httpx.ReadError("cut")
        return answer

    monkeypatch.setattr(httpx.Client, "post", cut)
    store.append([Fact("site", "x", 1, {"zone": "FR"})])
    assert len(sent) == 2
    assert len(store.history("site")) == 1
    assert len(store.history("site", "x")) == 1


def test_a_later_fact_stays_later_on_a_collector_whose_clock_is_behind(urls, opened, monkeypatch):
    ahead, behind = opened(urls), opened(urls)
    ahead.append([Fact("site", "x", 9, {"zone": "FR"})])
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)
    behind.append([Fact("site", "x", 5, {"zone": "DE"})])
    assert ahead.latest_of("site", "x").body == {"zone": "DE"}
    assert [fact.body["zone"] for fact in ahead.history("site", "x")] == ["FR", "DE"]


def test_servers_in_another_order_or_number_are_refused(urls, opened):
    opened(urls)
    first, second = urls.split(",")
    database = first.rpartition("/")[2]
    turned = f"clickhouse+{second.replace('//', '//parcimetre@')}/{database},{first.partition('+')[2]}"
    for wrong, told in ((turned, "shard 2 of 2"), (first, "shard 1 of 2")):
        with pytest.raises(StoreUnusable, match=rf"{told}: list all servers in their original order"):
            opened(wrong)


def test_a_server_that_lost_its_database_is_not_taken_for_an_empty_share(urls, opened, servers):
    opened(urls).write([WriteBatch(device, [slot(0)]) for device in DEVICES])
    database = urls.split(",")[0].rpartition("/")[2]
    httpx.post(servers[1].base, content=f"DROP DATABASE {database}", auth=("parcimetre", PASSWORD))
    with pytest.raises(StoreUnusable, match="has no database"):
        opened(urls, create=False)
    with pytest.raises(StoreUnusable, match="is empty although other servers of the store contain data"):
        opened(urls)


@pytest.mark.parametrize(
    ("change", "password", "told"),
    [
        (lambda url: url, "wrong", "refuses the login of 'parcimetre': correct the user"),
        (lambda url: url.replace("parcimetre@", "nobody@"), PASSWORD, "refuses the login of 'nobody'"),
        (lambda url: url.replace("parcimetre@", f"{READER}@"), PASSWORD, "does not let 'reader' do that"),
        (lambda url: url.replace("parcimetre@", "parcimetre:s3cret@"), "", "contains a password"),
        (lambda _: "clickhouse+http://127.0.0.1:1/x", "", "does not answer"),
        (lambda _: "clickhouse+http:///x", "", "is not a valid server"),
        (lambda _: "clickhouse+tcp://host/x", "", "is not a valid store address"),
        (lambda url: url.split(",")[0] + "," + url.split(",")[0].partition("+")[2], "", "a server twice"),
    ],
    ids=["password", "user", "rights", "clear-password", "unreachable", "no-host", "scheme", "twice"],
)
def test_what_is_wrong_with_an_address_is_said_in_one_sentence(urls, opened, change, password, told):
    with pytest.raises(StoreUnusable, match=told) as caught:
        opened(change(urls), password)
    assert "\n" not in str(caught.value)


def test_a_server_older_than_18_16_is_refused(urls, opened, monkeypatch):
    monkeypatch.setattr("parcimetre_server.store.clickhouse.open.OLDEST", (18, 17))
    with pytest.raises(StoreUnusable, match=r"is ClickHouse 18\.16\.\d+: update it"):
        opened(urls)


def test_a_command_that_only_reads_makes_nothing(urls, opened):
    with pytest.raises(StoreUnusable, match="has no database"):
        opened(urls, create=False)

"""A store moved between the engines and back: the same, or the difference by name."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_agent.report import Energy, Slot
from parcimetre_server.cli.store import command
from parcimetre_server.store.clickhouse import open_store as open_clickhouse
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.migration import migrate, steps
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

DAY_S, SLOT_S, START = 86_400, 900, 1_699_920_000
DEVICES = [DeviceId(f"{n:032x}") for n in range(5)]
RAPL, PDU = (
    Energy("rapl", "package", "measured", 0.1 + 0.2, 300),
    Energy("pdu", "wall_ac", "measured", 1e7, 9),
)


def slot(start, covered_s=800):
    deciles = [covered_s // 2, *[0] * 8, 1]
    return Slot(
        start, covered_s, 0, 0, 0, SLOT_S - covered_s, deciles, 2047.5, None, 1e-3, energy=[RAPL, PDU]
    )


@pytest.fixture
def folder(tmp_path):
    """A data folder whose devices have slots on two days far apart, and facts of several kinds."""
    store = open_store(tmp_path / "data", create=True)
    starts = [*range(START, START + DAY_S, SLOT_S), START + 40 * DAY_S]
    store.write([WriteBatch(one, [slot(start) for start in starts]) for one in DEVICES])
    store.append([Fact("device", one, 5, {"n": n, "é": None}) for n, one in enumerate(DEVICES)])
    store.append([Fact("site", "x", at, {"zone": zone}) for at, zone in ((5, "FR"), (5, "DE"), (3, "FR"))])
    store.append([Fact("site", "x", 5, {"zone": "FR"})])
    store.tidy(START + 100 * DAY_S)
    store.close()
    return tmp_path / "data"


@pytest.fixture
def run(monkeypatch):
    """`parcimetre store migrate`: exit code, and what it told."""
    monkeypatch.setenv("PARCIMETRE_STORE_PASSWORD", "s3cret")
    monkeypatch.setenv("LC_ALL", "C")

    def go(source, target):
        done = CliRunner().invoke(command, ["migrate", "--from", str(source), "--to", str(target), "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, json.loads(done.stdout)

    return go


def all_of(store):
    kinds = ("device", "site")
    slots = {one: list(store.slots(one, 0, START + 1000 * DAY_S)) for one in store.spans()}
    return slots, [store.history(kind, key) for kind in kinds for key in sorted(store.latest(kind))]


def test_there_and_back_is_the_same_to_the_last_digit(folder, urls, run, tmp_path):
    told = {"devices": 5, "slots": 5 * 97, "different": []}
    assert run(folder, urls) == (0, told)
    assert run(urls, tmp_path / "back") == (0, told)
    before, after = open_store(folder), open_store(tmp_path / "back")
    assert all_of(after) == all_of(before)
    before.close()
    after.close()


def test_a_move_that_is_repeated_adds_nothing(folder, urls, run):
    assert run(folder, urls) == run(folder, urls)
    store = open_clickhouse(urls, "s3cret")
    assert len(store.history("site", "x")) == 4
    store.close()


def test_a_move_that_was_interrupted_goes_on(folder, urls):
    source, target = open_store(folder), open_clickhouse(urls, "s3cret", create=True)
    next(migrate(source, target))
    target.append([Fact("site", "x", 5, {"zone": "FR"})])
    found = list(migrate(source, target))
    different = [one.what for one in found if not one.equal]
    assert len(found) == steps(source)
    assert different == []
    source.close()
    target.close()


def test_what_the_target_has_beside_is_named_and_the_exit_code_is_1(folder, urls, run):
    target = open_clickhouse(urls, "s3cret", create=True)
    target.write([WriteBatch(DEVICES[2], [slot(START, 900)]), WriteBatch(DeviceId("f" * 32), [slot(START)])])
    target.append([Fact("site", "y", 1, {}), Fact("device", DEVICES[0], 9, {"n": 99})])
    code, told = run(folder, urls)
    assert code == 1
    assert {one["what"] for one in told["different"]} == {
        f"device {DEVICES[2]}", f"device {'f' * 32}", "facts of kind device", "facts of kind site",
    }  # fmt: skip
    target.close()


def test_days_that_are_rolled_up_move_as_they_are_and_are_rolled_up_there(folder, urls, run, tmp_path):
    day = START // DAY_S
    source = open_store(folder)
    for hours in (1, 24):
        source.roll_up(day + 30, hours)
    source.close()
    told = {"devices": 5, "slots": 5 * 97, "different": []}
    for goal in (urls, tmp_path / "back"):
        assert run(folder, goal) == (0, told)
        assert run(folder, goal) == (0, told), "once it is rolled up there"
    assert run(urls, tmp_path / "back") == (0, told)
    before, after = open_store(folder), open_store(tmp_path / "back")
    there = open_clickhouse(urls, "s3cret")
    assert all_of(before) == all_of(after) == all_of(there)
    assert before.rolled_up() == after.rolled_up()
    assert there.rolled_up().hours_of(day) == 24
    for store in (before, after, there):
        store.close()

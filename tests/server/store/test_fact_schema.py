"""Bodies of facts and rows of days have versions: older ones are upgraded, newer ones refused."""

import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import zstandard
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_server.store.embedded import FILE, LAYOUT, day_rows, open_store
from parcimetre_server.store.embedded.packing import Unpacker
from parcimetre_server.store.embedded.rolled import _planes
from parcimetre_server.store.errors import NewerVersion, StoreUnusable
from parcimetre_server.store.fact_schema import (
    SCHEMAS,
    VERSION,
    VERSIONS,
    DeviceBody,
    SiteBody,
    body_of,
    decode_body,
    encode_body,
)
from parcimetre_server.store.interface import Store
from parcimetre_server.store.migration import migrate
from parcimetre_server.store.records import DeviceId, Fact, FactKind, WriteBatch

from ..fact_shapes import faults

RECORDED = Path(__file__).parents[2] / "data/stores/bb8efdf/store.tar.xz"
KINDS: tuple[FactKind, ...] = get_args(FactKind)
LATER_KINDS = {
    "channels",
    "look",
    "former_monitor",
    "join",
    "ended_session",
    "hourly_energy",
}  # that no store of version 0 has
DAY_S = 86_400
START = 1_700_000_000 // DAY_S * DAY_S
A = DeviceId("a" * 32)
READS: dict[str, Callable[[Store], object]] = {
    "latest": lambda store: store.latest("site"),
    "latest_of": lambda store: store.latest_of("site", "Hall"),
    "history": lambda store: store.history("site"),
    "history since": lambda store: store.history("site", "Hall", since=1),
    "newer": lambda store: store.newer(["site"], 0),
}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The data folder of a store that bb8efdf wrote, whose bodies have no version."""
    with tarfile.open(RECORDED) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


def bodies(folder: Path) -> list[tuple[FactKind, str, dict[str, Any]]]:
    """Bodies as they are in the file."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        rows = db.execute("SELECT kind, key, body FROM facts").fetchall()
    return [(kind, key, json.loads(body)) for kind, key, body in rows]


def test_what_is_not_as_the_shape_says_is_named() -> None:
    assert faults(Fact("site", "Hall", 1, {"zone": "FR"})) == []
    assert faults(Fact("site", "Hall", 1, {"zone": 1, "more": 2})) == [
        "site Hall: body.more is not in the shape",
        "site Hall: body.zone is 1",
    ]
    assert faults(Fact("lineage", "a", 1, {"pieces": [["a", 0, "late"]]})) == [
        "lineage a: body.into is missing",
        "lineage a: body.pieces[0][2] is 'late'",
    ]


def test_every_kind_of_fact_has_a_schema() -> None:
    assert set(SCHEMAS) == set(VERSIONS) == set(KINDS)
    assert all(schema.shapes and schema.version >= 1 for schema in SCHEMAS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_no_shape_has_a_field_that_the_version_would_overwrite(kind: FactKind) -> None:
    assert all(VERSION not in get_type_hints(shape) for shape in SCHEMAS[kind].shapes)


def test_bodies_of_version_0_of_every_kind_come_out_in_the_present_shape(recorded: Path) -> None:
    stored = bodies(recorded)
    assert {kind for kind, *_ in stored} == set(KINDS) - LATER_KINDS
    assert all(VERSION not in body for *_, body in stored)
    with closing(open_store(recorded)) as store:
        facts = [fact for kind in KINDS for fact in store.history(kind)]
    assert len(facts) == len(stored)
    assert [fault for fact in facts for fault in faults(fact)] == []


@pytest.mark.parametrize(
    ("kind", "body", "added"),
    [
        (
            "device",
            {"category": "laptop"},
            {
                "hostname": None,
                "fingerprint": None,
                "relayed_by": None,
                "retired_at": None,
                "scrapped": False,
                "secret": None,
                "asset_hash": None,
                "hash_form": "product",
            },
        ),
        ("monitor", {"machines": []}, {"retired_at": None, "scrapped": False, "hash_form": "product"}),
        ("site", {"zone": "FR"}, {}),
        ("token", {"id": "t"}, {"expires_at": None, "revoked_at": None}),
        ("audit", {"act": "device retired"}, {"reason": None}),
    ],
)
def test_fields_that_version_0_could_leave_out_are_there(
    kind: FactKind, body: dict[str, Any], added: dict[str, Any]
) -> None:
    assert decode_body(kind, "k", json.dumps(body)) == body | added


def test_a_report_of_version_0_gets_the_fields_that_came_later() -> None:
    report = {"actions": [{"kind": "left_on"}], "printing": [{"group": "all"}]}
    body = decode_body("report", "k", json.dumps({"role": "admin", "report": report}))
    assert body == {
        "role": "admin",
        "stated": 0,
        "disclosure_rule": 1,
        "report": {
            "actions": [{"kind": "left_on", "ratio": None, "name": ""}],
            "printing": [{"group": "all", "among": {}}],
            "withheld": False,
            "restated": None,
        },
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_is_read_as_it_was_written_and_stored_with_its_version(kind: FactKind) -> None:
    body = {"anything": [1, "é", None]}
    text = encode_body(kind, body)
    assert json.loads(text) == {VERSION: VERSIONS[kind], **body}
    assert decode_body(kind, "k", text) == body


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_of_a_newer_version_is_refused_with_what_to_do(kind: FactKind) -> None:
    newest = VERSIONS[kind]
    with pytest.raises(NewerVersion) as refused:
        decode_body(kind, "the key", json.dumps({VERSION: newest + 1}))
    error = refused.value
    assert (error.record_kind, error.key, error.version, error.newest) == (
        kind,
        "the key",
        newest + 1,
        newest,
    )
    for part in (kind, "the key", str(newest + 1), f"up to {newest}", "install", "restore a backup"):
        assert part in str(error)


@pytest.mark.parametrize("version", ["1", -1, None, 1.5])
def test_a_version_that_is_not_one_is_damage(version: object) -> None:
    with pytest.raises(StoreUnusable, match="damaged"):
        decode_body("site", "Hall", json.dumps({VERSION: version, "zone": "FR"}))


def test_a_body_is_read_by_the_shape_of_its_kind_only() -> None:
    fact = Fact("site", "Hall", 1, {"zone": "FR"})
    assert body_of(fact, SiteBody)["zone"] == "FR"
    with pytest.raises(AssertionError, match="DeviceBody is not a shape of site"):
        body_of(fact, DeviceBody)


@pytest.mark.parametrize("read", READS)
def test_no_engine_half_reads_facts_of_a_newer_version(
    store: Store, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append([Fact("site", "Annexe", 1, {"zone": "FR"}), Fact("token_use", "t", 1, {"day": 1})])
    with monkeypatch.context() as later:
        later.setitem(VERSIONS, "site", 99)  # type: ignore[arg-type]
        store.append([Fact("site", "Hall", 2, {"zone": "FR", "new": True})])
    with pytest.raises(NewerVersion, match="'Hall' of kind 'site' has version 99"):
        READS[read](store)
    assert store.latest_of("site", "Annexe") is not None
    assert store.latest("token_use")["t"].body == {"day": 1}


def test_every_engine_upgrades_older_facts_and_keeps_them_equal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setitem(VERSIONS, "token", 0)  # type: ignore[arg-type]
        store.append([Fact("token", "t", 1, {"id": "t"})])
    upgraded = {"id": "t", "expires_at": None, "revoked_at": None}
    store.append([Fact("token", "t", 2, upgraded)])
    first, second = store.history("token")
    assert first.body == second.body == upgraded


def slot(at: int) -> Slot:
    return Slot(START + at * SLOT_S, SLOT_S, 0, 0, 0, 0, [SLOT_S, *[0] * 9])


def read_days(store: Store) -> None:
    """Each of the ways to read slots."""
    list(store.activities([A], START, START + DAY_S))


def test_quarter_hours_of_a_newer_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(tmp_path, create=True)) as store:
        with monkeypatch.context() as later:
            later.setattr(day_rows, "QUARTER_HOURS", (lambda row: row,))
            store.write([WriteBatch(A, [slot(0)])])
        for attempt in (
            read_days,
            lambda store: list(store.slots(A, START, START + DAY_S)),
            lambda store: store.write([WriteBatch(A, [slot(1)])]),
            lambda store: store.tidy(START + 9 * DAY_S),
            lambda store: store.roll_up(START // DAY_S + 9, 1),
        ):
            with pytest.raises(NewerVersion, match="2023-11-14' of kind 'day of quarter hours'"):
                attempt(store)


def test_rolled_up_days_of_a_newer_version_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write([WriteBatch(A, [slot(0)])])
    with monkeypatch.context() as later:
        later.setattr(day_rows, "ROLLED_UP", (*day_rows.ROLLED_UP, lambda row: row))
        store.roll_up(START // DAY_S + 60, 1)
    with pytest.raises(NewerVersion, match="of kind 'rolled-up day' has version 3"):
        read_days(store)
    with pytest.raises(NewerVersion, match="of kind 'rolled-up day' has version 3"):
        store.write([WriteBatch(A, [slot(1)])])


def test_days_of_an_older_version_are_upgraded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write([WriteBatch(A, [slot(0)])])
    store.roll_up(START // DAY_S + 60, 1)
    upgraded = []
    older = (*day_rows.ROLLED_UP, lambda row: upgraded.append(row) or row)
    monkeypatch.setattr(day_rows, "ROLLED_UP", older)
    read_days(store)
    assert [row.hours for row in upgraded] == [1]


@pytest.mark.parametrize(("hours", "pieces"), [(1, 24), (24, 1)])
def test_sums_of_version_1_read_as_they_did(hours: int, pieces: int) -> None:
    zip_ = zstandard.ZstdCompressor().compress
    present, seconds = np.zeros(96, np.bool_), np.zeros((pieces, 14), np.int64)
    present[[1, 2]], seconds[0, 0] = True, 1500
    means, counted_s = np.full((pieces, 5), 100), np.zeros((1, pieces), np.int64)
    joules = np.zeros((1, pieces))
    counted_s[0, 0], joules[0, 0] = 1200, 60.0
    row = day_rows.stored_row(
        1, 1, True,
        zip_(np.packbits(present).tobytes() + _planes(seconds, "<u4")), zip_(_planes(means, "<u2")),
        '[["rapl", "package", "measured"]]', zip_(joules.tobytes() + _planes(counted_s, "<u4")),
        hours,
    )  # fmt: skip
    day = Unpacker().day(row)
    assert day.covered_s[[1, 2]].tolist() == [750, 750]
    assert day.covered_s.sum() == 1500
    assert [reading.energy_j for slot in day.slots(0) for reading in slot.energy] == [30.0, 30.0]
    assert day.rule.settled
    assert not day.merge(Slot(SLOT_S, SLOT_S, 0, 0, 0, 0))
    assert day.merge(Slot(3 * SLOT_S, 60, 0, 0, 0, 840))


def test_a_file_of_layout_3_gets_versions_of_days_and_keeps_its_rows(recorded: Path) -> None:
    with closing(sqlite3.connect(recorded / FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (3,)
        before = db.execute("SELECT * FROM sealed_day ORDER BY id").fetchall()
    open_store(recorded).close()
    with closing(sqlite3.connect(recorded / FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (LAYOUT,)
        assert db.execute("SELECT * FROM sealed_day ORDER BY id").fetchall() == [(*row, 1) for row in before]
        for table in ("open_day", "hourly_day", "whole_day"):
            assert set(db.execute(f"SELECT version FROM {table}").fetchall()) <= {(1,)}
        assert db.execute("SELECT count(*) FROM device_days").fetchone() > (len(before),)


@pytest.mark.slow
def test_a_store_moved_to_another_has_the_present_versions(
    recorded: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("moved")
    with closing(open_store(recorded)) as source, closing(open_store(folder, create=True)) as target:
        assert all(compared.equal for compared in migrate(source, target))
    assert all(body[VERSION] == VERSIONS[kind] for kind, _, body in bodies(folder))

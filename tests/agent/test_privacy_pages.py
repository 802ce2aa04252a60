"""The privacy pages against the wire format: every field explained, and none that is not sent."""

import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from parcimetre_agent.report import EnrolRequest, Report

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / lang / "privacy.md" for lang in ("en", "fr")]


def _classes(type_: Any) -> Iterator[type]:
    """Every dataclass that a message is made of."""
    if dataclasses.is_dataclass(type_) and isinstance(type_, type):
        yield type_
        for hint in get_type_hints(type_, include_extras=True).values():
            yield from _classes(hint)
    for inner in get_args(type_):
        yield from _classes(inner)


SENT = {
    f"{one.__name__}.{field.name}"
    for message in (Report, EnrolRequest)
    for one in _classes(message)
    for field in dataclasses.fields(one)
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_field_that_is_sent_is_explained_and_no_other(page: Path) -> None:
    explained = set(re.findall(r"`([A-Z]\w+\.[a-z]\w*)`", page.read_text()))
    assert explained == SENT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_pages_name_commands_and_tests_that_exist(page: Path) -> None:
    text = page.read_text()
    for named in re.findall(r"tests/agent/\w+\.py", text):
        assert (ROOT / named).exists()
    assert "show --last-report" in text
    assert "once --print" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_erasing_as_written_leaves_nothing_of_the_device_and_all_of_the_others(
    page: Path, tmp_path: Path
) -> None:
    from parcimetre_server.store.embedded.files import open_store
    from parcimetre_server.store.embedded.packing import day_id

    gone, kept = "a" * 32, "b" * 32
    open_store(tmp_path, create=True).close()
    with sqlite3.connect(tmp_path / "store.sqlite3") as db:
        for number, device in enumerate((gone, kept), start=1):
            db.execute("insert into device_number (number, id) values (?, ?)", (number, device))
            for table in ("open_day", "sealed_day"):
                db.execute(f"insert into {table} (id) values (?)", (day_id(number, 20_000),))
            for kind, key in (
                ("device", device),
                ("inventory", device),
                ("dead_letter", f"letter-{device[0]}"),
            ):
                body = f'{{"device_id": "{device}"}}'
                db.execute(
                    "insert into facts (kind, key, recorded_at, body) values (?, ?, 1, ?)", (kind, key, body)
                )
    db.close()
    (script,) = re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL)
    db = sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)
    db.executescript(script.replace("ID", gone))
    assert {row[0] for row in db.execute("select device from device_days")} == {kept}
    assert db.execute("select count(*) from open_day").fetchone() == (1,)
    assert db.execute("select count(*) from sealed_day").fetchone() == (1,)
    assert {row[0] for row in db.execute("select body from facts")} == {f'{{"device_id": "{kept}"}}'}
    db.close()

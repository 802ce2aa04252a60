"""Datasette reads a copy of the embedded store, as docs/en/sql.md says."""

import asyncio
import re
import warnings
from pathlib import Path

import pytest
from parcimetre_server.store.embedded import FILE

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def ask(fleet, tmp_path):
    """Answers of a Datasette that serves the store, to be read only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its plugins' own imports
        from datasette.app import Datasette

    file = fleet.context.settings.data_dir / FILE

    async def all_answers(paths):
        site = Datasette([str(file)])
        await site.invoke_startup()
        return [await site.client.get(path) for path in paths]

    return lambda *paths: asyncio.run(all_answers(paths))


def test_views_are_answered_as_json_with_the_columns_of_the_documents(ask, fleet):
    text = (DOCS / "en" / "sql.md").read_text(encoding="utf-8")
    documented = {
        table: re.findall(r"`(\w+)`", columns)
        for table, columns in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)
    }
    tables = ("devices", "org_units", "sites", "device_days")
    for table, answer in zip(
        tables, ask(*(f"/store/{one}.json?_shape=array" for one in tables)), strict=True
    ):
        assert answer.status_code == 200
        assert all(list(row) == documented[table] for row in answer.json())
    (answer,) = ask("/store.json?sql=select+id+from+devices+order+by+id&_shape=arrayfirst")
    assert answer.json() == sorted(fleet.context.store.latest("device"))


def test_nothing_can_be_changed_through_it(ask, fleet):
    before = fleet.context.store.latest("device")
    (answer,) = ask("/store.json?sql=delete+from+facts&_shape=array")
    assert answer.status_code == 400
    assert fleet.context.store.latest("device") == before

"""`parcimetre sql`: reads everything that is documented, changes nothing."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from parcimetre_server.access.presence import switch
from parcimetre_server.base.periods import span
from parcimetre_server.cli import sql
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.operations.sql_views import BadQuery

DOCS = Path(__file__).parents[3] / "docs"
PERIOD = ("--from", "2026-11-20", "--to", "2026-11-22")


@pytest.fixture
def ask(fleet):
    """Run the command on the fleet's data folder; returns what it printed."""

    def go(*words, **about):
        folder = ["--data-dir", str(fleet.context.settings.data_dir)]
        answer = CliRunner().invoke(sql.command, [*words, *folder], catch_exceptions=False, **about)
        assert answer.exit_code == 0, answer.output
        return answer.output

    return go


@pytest.fixture
def rows(ask):
    return lambda *words: json.loads(ask("--json", *words))


def documented(language):
    """Tables and their columns, as the page names them."""
    text = (DOCS / language / "sql.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)
    return {table: re.findall(r"`(\w+)`", columns) for table, columns in lines}


def test_both_languages_document_the_same():
    assert documented("en") == documented("fr")
    assert len(documented("en")) == 8


@pytest.mark.parametrize("table", documented("en"))
def test_a_table_has_the_columns_of_the_documents_in_order(ask, table):
    first = ask("--csv", *PERIOD, f"select * from {table}").splitlines()[0]
    assert first.split(",") == documented("en")[table]


def test_slots_are_those_of_the_store_for_who_may_see_presence(rows, fleet):
    switch(fleet.context.store, True, "test", fleet.now)
    found = rows(*PERIOD, f"select start, display_on_s + display_off_s as awake from slots "
                          f"where device = '{fleet.laptop}' order by start")  # fmt: skip
    within = span("2026-11-20", "2026-11-22", fleet.context.zone, fleet.now)
    stored = fleet.context.store.activity(fleet.laptop, within.first, within.last)
    assert [row["start"] for row in found] == stored.start.tolist()
    assert [row["awake"] for row in found] == stored.awake_s.tolist()


def test_without_presence_data_only_slots_of_nobody_s_machines_are_shown(rows, fleet):
    shown = {row["device"] for row in rows(*PERIOD, "select distinct device from slots")}
    assert shown == {fleet.server, fleet.guest}
    (counted,) = rows("select count(*) as days from device_days where covered_s > 0")
    assert counted["days"] > 0
    days = rows("select device, first_slot is null as hidden, covered_s from device_days")
    assert {row["device"] for row in days if row["hidden"]} == {fleet.laptop, fleet.silent}
    assert all(row["covered_s"] for row in days)
    assert rows("select id from devices where category = 'laptop'") == [{"id": fleet.laptop}]


@pytest.mark.parametrize(
    "query",
    ["select body from facts", "select * from latest_facts", "select first_slot from main.device_days",
     "select slots from open_day"],
)  # fmt: skip
def test_without_presence_data_the_stores_own_tables_cannot_be_read(rows, fleet, query):
    with pytest.raises(BadQuery):
        rows(query)


def test_energy_of_slots_is_what_counters_counted(rows, fleet):
    switch(fleet.context.store, True, "test", fleet.now)
    found = rows(
        *PERIOD, "select source, sum(energy_j) / count(*) as each from slot_energy group by 1 order by 1"
    )
    assert found == [
        {"source": "battery", "each": 6300.0},
        {"source": "pdu", "each": 180_000.0},
        {"source": "rapl", "each": 2700.0},
    ]


def test_footprint_days_add_up_to_the_footprint(rows, fleet):
    (told,) = rows(*PERIOD, "select sum(value) as kg, sum(energy_kwh) as kwh from footprint_days "
                            "where criterion = 'gwp'")  # fmt: skip
    within = span("2026-11-20", "2026-11-22", fleet.context.zone, fleet.now)
    (whole,) = footprint_rows(fleet.context, FootprintQuery(within))
    assert told["kg"] == pytest.approx(whole.value)
    assert told["kwh"] == pytest.approx(whole.energy_kwh)


@pytest.mark.parametrize(
    "query",
    [
        "delete from facts",
        "insert into slots values (1, 2, 3, 4, 5, 6)",
        "create table mine (a)",
        "drop view devices",
        "update facts set body = ''",
        "pragma journal_mode = delete",
        "pragma query_only = off",
        "attach 'other.db' as other",
        "vacuum into 'copy.db'",
        "begin immediate",
        "select load_extension('x')",
        "select 1; delete from facts",
        "with x as (select 1) delete from facts",
        "select writefile('x', 'y')",
        "nonsense",
        "select nothing from devices",
    ],
)
def test_what_is_no_single_select_is_refused_in_one_sentence(fleet, query):
    before = fleet.context.store.history("device")
    with pytest.raises(BadQuery) as told:
        CliRunner().invoke(
            sql.command, [query, "--data-dir", str(fleet.context.settings.data_dir)], catch_exceptions=False
        )
    assert "\n" not in str(told.value)
    assert fleet.context.store.history("device") == before
    assert not list(Path.cwd().glob("*.db"))


def test_a_query_may_come_from_standard_input(ask):
    assert ask("--csv", "-", input="select count(*) as n from devices\n") == "n\n4\n"


def test_text_of_any_kind_survives_csv(ask):
    answer = ask("--csv", "select 'a,\"b\nc' as x, null as y")
    assert list(csv.reader(io.StringIO(answer))) == [["x", "y"], ['a,"b\nc', ""]]


def test_a_person_reads_a_table(ask):
    assert "laptop" in ask("select category, count(*) as n from devices group by 1")
    assert ask("select 1 as a, 2 as b").split() == ["a", "b", "1", "2"]

"""The weekly report: its week, its sums, and what it compares with."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_server.access.opening import open_context
from parcimetre_server.base.periods import week_span
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.reports.content import as_json
from parcimetre_server.reports.weekly import weekly_report
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import DAY_S, SLOT_S, TODAY, enrolled, inventory, slot


def test_it_covers_the_iso_week_of_the_organisation(fleet):
    report = weekly_report(fleet.context, "2026-W47")
    assert report.span == week_span("2026-W47", fleet.context.zone)
    assert report.total == footprint_rows(fleet.context, FootprintQuery(report.span))[0]


@pytest.mark.parametrize("part", ["by_unit", "by_category", "by_stage", "by_power_source", "by_day"])
def test_each_table_adds_up_to_the_total(fleet, part):
    report = weekly_report(fleet.context, "2026-W47")
    assert sum(row.value or 0.0 for row in getattr(report, part)) == pytest.approx(report.total.value)


def test_a_week_that_is_over_is_final_and_the_present_one_provisional(fleet):
    assert not weekly_report(fleet.context, "2026-W47").provisional
    assert weekly_report(fleet.context, "2026-W48").provisional


def test_a_provisional_week_is_compared_with_the_same_part_of_the_one_before(fleet):
    report = weekly_report(fleet.context, "2026-W48", "Métropole/DSI")
    assert report.energy_change == pytest.approx(0.0, abs=0.02)


def test_without_a_week_before_there_is_no_change(fleet):
    first = weekly_report(fleet.context, "2026-W46")
    assert first.change is None
    assert first.total.value > 0


def test_the_greatest_devices_come_first_and_are_at_most_ten(fleet):
    values = [row.value for _, row in weekly_report(fleet.context, "2026-W47").greatest]
    assert values == sorted(values, reverse=True)
    assert 0 < len(values) <= 10


def test_an_org_units_report_is_of_its_subtree(fleet):
    report = weekly_report(fleet.context, "2026-W47", "Métropole/Ville")
    assert report.devices == 2
    assert report.virtual == 1


def test_the_json_says_all_that_the_page_says(fleet):
    told = as_json(weekly_report(fleet.context, "2026-W47"))
    parts = {"week", "total", "previous", "change", "changes", "actions", "by_unit", "greatest", "state"}
    assert parts <= set(told)


def test_the_reasons_add_up_to_the_change(fleet):
    report = weekly_report(fleet.context, "2026-W47")
    told = sum(part.value for part in report.changes.parts)
    assert told == pytest.approx(report.total.value - report.previous.value)


def test_electricity_costs_its_price(fleet):
    report = weekly_report(fleet.context, "2026-W47")
    assert report.cost_eur == pytest.approx(0.19 * report.total.energy_kwh)


UNITS = ("A", "A/B", "A/B/C", "A/D", "E", "E/F", "E/F/G")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    placed=st.lists(
        st.tuples(st.sampled_from(UNITS), st.sampled_from(("laptop", "server")), st.integers(1, 40)),
        min_size=1, max_size=9,
    ),
    late=st.integers(0, 30),
)  # fmt: skip
def test_the_reports_of_org_units_add_up_to_the_whole_whatever_the_tree_and_what_comes_late(
    clock_at, placed, late
):
    with tempfile.TemporaryDirectory() as folder:
        context = open_context(Settings(Path(folder) / "data"), create=True)
        context.store.append([Fact("site", "Hôtel de Ville", TODAY, {"zone": "FR"})])
        first = week_span("2026-W47", context.zone).first
        for i, (unit, category, slots) in enumerate(placed):
            starts = range(first + i * DAY_S // 2, first + i * DAY_S // 2 + slots * SLOT_S, SLOT_S)
            facts = enrolled(f"{i:032}", category, unit, inventory(category))
            context.store.write([WriteBatch(DeviceId(f"{i:032}"), [slot(start) for start in starts], facts)])
        weekly_report(context, "2026-W47")
        more = [slot(first + 6 * DAY_S + n * SLOT_S) for n in range(late)]
        context.store.write([WriteBatch(DeviceId("0" * 32), more)])
        whole = weekly_report(context, "2026-W47")
        parts = [weekly_report(context, "2026-W47", top) for top in ("A", "E")]
        for figure in ("value", "energy_kwh"):
            told = getattr(whole.total, figure)
            assert sum(getattr(row, figure) for row in whole.by_unit) == pytest.approx(told)
            assert sum(getattr(part.total, figure) or 0.0 for part in parts) == pytest.approx(told)
        assert sum(part.devices for part in parts) == whole.devices
        context.store.close()

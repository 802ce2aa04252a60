"""The weekly report: its week, its sums, and what it compares with."""

import pytest
from parcimetre_server.footprints import Query, footprint
from parcimetre_server.periods import week_span
from parcimetre_server.reports.weekly import as_json, weekly


def test_it_covers_the_iso_week_of_the_organisation(fleet):
    report = weekly(fleet.collector, "2026-W47")
    assert report.span == week_span("2026-W47", fleet.collector.zone)
    assert report.total == footprint(fleet.collector, Query(report.span))[0]


@pytest.mark.parametrize("part", ["by_unit", "by_category", "by_stage", "by_power_source", "by_day"])
def test_each_table_adds_up_to_the_total(fleet, part):
    report = weekly(fleet.collector, "2026-W47")
    assert sum(row.value or 0.0 for row in getattr(report, part)) == pytest.approx(report.total.value)


def test_a_week_that_is_over_is_final_and_the_present_one_provisional(fleet):
    assert not weekly(fleet.collector, "2026-W47").provisional
    assert weekly(fleet.collector, "2026-W48").provisional


def test_a_provisional_week_is_compared_with_the_same_part_of_the_one_before(fleet):
    report = weekly(fleet.collector, "2026-W48", "Métropole/DSI")
    assert report.energy_change == pytest.approx(0.0, abs=0.02)


def test_without_a_week_before_there_is_no_change(fleet):
    first = weekly(fleet.collector, "2026-W46")
    assert first.change is None
    assert first.total.value > 0


def test_the_greatest_devices_come_first_and_are_at_most_ten(fleet):
    values = [row.value for _, row in weekly(fleet.collector, "2026-W47").greatest]
    assert values == sorted(values, reverse=True)
    assert 0 < len(values) <= 10


def test_an_org_units_report_is_of_its_subtree(fleet):
    report = weekly(fleet.collector, "2026-W47", "Métropole/Ville")
    assert report.devices == 2
    assert report.virtual == 1


def test_the_json_says_all_that_the_page_says(fleet):
    told = as_json(weekly(fleet.collector, "2026-W47"))
    assert {"week", "total", "previous", "change", "by_unit", "by_category", "by_stage", "greatest"} <= set(
        told
    )

"""The overview: what a reader chooses there, and that what it tells fits together."""

import re

import pytest
from parcimetre_server.analysis.trend import MISSING, trend, trend_of
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import STAGES, FootprintQuery
from parcimetre_server.presentation.stacked_chart import stacked_chart

UNBROKEN = "\u00a0"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("period=week", "23 Nov 2026 00:00 to 24 Nov 2026 00:00"),
        ("period=week&at=2026-W47", "16 Nov 2026 00:00 to 23 Nov 2026 00:00"),
        ("period=month", "1 Nov 2026 00:00 to 24 Nov 2026 00:00"),
        ("period=year", "1 Jan 2026 00:00 to 24 Nov 2026 00:00"),
        ("period=own&from=2026-11-20&to=2026-11-21", "20 Nov 2026 00:00 to 22 Nov 2026 00:00"),
        ("period=own&from=&to=", "18 Nov 2026 00:00 to 24 Nov 2026 00:00"),
    ],
)
def test_every_period_of_the_form_can_be_shown(reader, query, told):
    answer = reader.get(f"/?lang=en&{query}")
    assert answer.status_code == 200
    assert told in answer.text
    chosen = re.search(r'<option value="(\w+)" selected>', answer.text)
    assert chosen[1] == query.split("&")[0].split("=")[1]


def test_today_of_a_few_personal_machines_is_answered_with_seven_days(reader):
    page = reader.get("/?lang=en&period=today").text
    assert "18 Nov 2026 00:00 to 24 Nov 2026 00:00" in page
    assert "shown from midnight on: these are the last 7 days" in page


@pytest.mark.parametrize("query", ["period=own&from=never", "period=own&from=2026-11-20&to=2026-11-01",
                                   "period=month&at=2026-13"])  # fmt: skip
def test_a_period_that_is_none_is_refused_with_the_mend(reader, query):
    assert reader.get(f"/?{query}").status_code == 400


def test_the_form_offers_the_units_of_the_scope_and_keeps_what_was_chosen(reader):
    text = reader.get("/?org_unit=M%C3%A9tropole/Ville&criterion=adpe&period=week&at=2026-W47&lang=en").text
    assert '<option value="Métropole/Ville" selected>' in text
    assert '<option value="adpe" selected>' in text
    assert '<input type="hidden" name="at" value="2026-W47">' in text
    assert "Métropole / Ville / Mairie" in text
    assert "← week 46 2026" in text
    assert "week 48 2026 →" in text


def test_changes_are_told_with_parts_that_add_up(reader):
    text = reader.get("/?lang=en").text
    table = text.split('<table class="changes">')[1].split("</table>")[0]
    signed = re.findall(rf'class="n">([+−])([\d.,]+){UNBROKEN}(k?g|mg|µg)', table)
    sizes = {"kg": 1000.0, "g": 1.0, "mg": 0.001, "µg": 1e-6}
    *parts, whole = (
        (-1 if sign == "−" else 1) * float(number) * sizes[unit] for sign, number, unit in signed
    )
    assert len(parts) > 1
    assert sum(parts) == pytest.approx(whole, abs=0.005 * sum(map(abs, parts)))


def test_a_fleet_without_a_past_is_not_compared(reader):
    text = reader.get("/?lang=en&period=year").text
    assert "There is no footprint of as many days before to compare with." in text


def test_coverage_and_measured_share_stand_beside_every_total(reader):
    text = reader.get("/?lang=en").text
    for table in text.split('<table class="totals">')[1:]:
        rows = table.split("</table>")[0].count('<th scope="row">')
        assert table.split("</table>")[0].count(" measured</span>") == rows > 0


@pytest.mark.parametrize("at_once", [2, 12])
def test_the_trend_s_columns_are_the_rows_of_its_table(fleet, at_once):
    query = FootprintQuery(Span(fleet.today - 6 * DAY_S, fleet.today + DAY_S // 2), interval="day")
    found = trend_of(fleet.context, query, at_once)
    chart = stacked_chart(found.names, found.amounts, [*STAGES, MISSING])
    top, base = chart.scale[-1], chart.scale[0]
    per_unit = (base[0] - top[0]) / top[1]
    values = [row.value for row in compute_footprint(fleet.context, query).rows()]
    assert [row.value for row in found.totals.values()] == pytest.approx(values)
    for stack in chart.stacks:
        row = found.totals[stack.name]
        known = sum(one.height for one in stack.segments if one.key != MISSING)
        assert known == pytest.approx(row.value * per_unit)
        whole = row.extrapolated.value if row.incomplete else row.value
        assert sum(one.height for one in stack.segments) == pytest.approx(whole * per_unit)
        assert all(top[0] - 1e-6 <= one.y <= base[0] for one in stack.segments)


def test_nothing_to_draw_is_no_chart():
    found = trend(["2026-11-23"], [], [])
    assert stacked_chart(found.names, found.amounts, [*STAGES, MISSING]) is None

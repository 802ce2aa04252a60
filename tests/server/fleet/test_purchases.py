"""Purchase dates: who states them, what stands for them, and what they do to a figure."""

import pytest
from click.testing import CliRunner
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.cli import devices as command
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.purchases import BadPurchases, store_purchases
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.notes import LIFE_FROM, LIFE_OVER
from parcimetre_server.footprint.query import FootprintQuery

HEAD = "device,date,condition\n"


def take(fleet, *lines):
    context = fleet.context
    return store_purchases(context.store, [HEAD, *lines], context.zone, fleet.now)


def week(fleet):
    return Span(fleet.today - 7 * DAY_S, fleet.today)


def embodied(fleet, which):
    rows = footprint_rows(fleet.context, FootprintQuery(week(fleet), device=which), "stage")
    return [row for row in rows if row.group == "manufacturing"]


def explained(fleet, which):
    return explain_device(fleet.context, which, week(fleet), Criterion.GWP)


def test_a_laptop_whose_panel_is_of_2021_has_served_its_life(fleet):
    notes = explained(fleet, fleet.laptop).notes
    assert LIFE_FROM["estimated"] in notes
    assert LIFE_OVER in notes
    assert [row.value for row in embodied(fleet, fleet.laptop)] == [0.0]


def test_a_date_that_is_stated_counts_before_what_the_device_shows(fleet):
    take(fleet, f"{fleet.laptop},2025-02-01\n")
    found = explained(fleet, fleet.laptop)
    assert LIFE_FROM["known"] in found.notes
    assert LIFE_OVER not in found.notes
    assert embodied(fleet, fleet.laptop)[0].value > 0


def test_a_life_that_ends_within_the_period_accrues_up_to_then(fleet):
    whole = embodied(fleet, fleet.silent)[0].value
    take(fleet, f"{fleet.silent},2020-11-19\n")  # a life of six years
    assert 0 < embodied(fleet, fleet.silent)[0].value < whole
    found = explained(fleet, fleet.silent)
    row = footprint_rows(fleet.context, FootprintQuery(week(fleet), device=fleet.silent))[0]
    assert recompute(found.term) == pytest.approx(row.value, rel=1e-9)


def test_a_known_date_narrows_the_interval(fleet):
    before = embodied(fleet, fleet.server)[0]
    take(fleet, f"{fleet.server},2026-01-05\n")
    after = embodied(fleet, fleet.server)[0]
    assert after.value == before.value
    assert before.low < after.low <= after.high < before.high


def test_the_uncertainty_of_the_date_is_told_with_its_source(fleet):
    found = explained(fleet, fleet.server)
    assert "life.start.unknown" in {term.factor for term in walk(found.term)}
    assert "life.start.unknown" in {factor.id for factor in found.factors}


def test_a_device_is_named_by_its_id_the_beginning_of_it_or_its_name(fleet):
    found = take(fleet, f"{fleet.laptop[:9]},2024-02-01\n", "guest-1,2024-03-01\n")
    assert vars(found) == {"changed": 2, "known": 0}
    dates = [device(fleet.context.store, which).purchase.at for which in (fleet.laptop, fleet.guest)]
    assert dates == [1706742000, 1709247600]  # midnight in Paris


def test_a_file_may_come_again_and_the_last_date_holds(fleet):
    line = f"{fleet.laptop},2024-02-01\n"
    take(fleet, line)
    assert vars(take(fleet, line)) == {"changed": 0, "known": 1}
    assert vars(take(fleet, line.replace("2024", "2025"))) == {"changed": 1, "known": 0}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{laptop},01/02/2024\n", "line 3: '01/02/2024' is not a valid date (example: 2024-02-01)"),
        ("{laptop},\n", "line 3: '' is not a valid date"),
        ("{laptop}\n", "line 3: None is not a valid date"),
        ("{laptop},2027-01-01\n", "line 3: 2027-01-01 is in the future"),
        ("nobody,2024-02-01\n", "line 3: there is no device 'nobody'"),
        ("{laptop},2024-02-01,used\n", "line 3: 'used' is not a valid condition: give new or reconditioned"),
        (",2024-02-01\n", "line 3: there is no device ''"),
    ],
)
def test_a_faulty_line_is_named_and_nothing_of_the_file_is_kept(fleet, line, told):
    with pytest.raises(BadPurchases) as refused:
        take(fleet, f"{fleet.server},2024-02-01\n", line.format(laptop=fleet.laptop))
    assert told in str(refused.value)
    assert device(fleet.context.store, fleet.server).purchase is None


def test_columns_of_another_name_are_refused(fleet):
    with pytest.raises(BadPurchases, match="line 1: give the columns device and date"):
        store_purchases(fleet.context.store, ["serial;date\n"], fleet.context.zone, fleet.now)


def test_the_command_takes_a_file_that_a_spreadsheet_saved(fleet, tmp_path):
    file = tmp_path / "bought.csv"
    file.write_text(f"{HEAD}{fleet.laptop},2024-02-01\n", "utf-8-sig")
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    answer = CliRunner().invoke(command.command, ["purchases", str(file), *folder], catch_exceptions=False)
    assert answer.output == "Purchases: 1 imported, 0 already known.\n"

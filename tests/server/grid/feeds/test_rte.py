"""eCO2mix: RTE's own rows (tests/data/grid/ORIGIN.md), its other formats, and days of 23 and 25 hours."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from parcimetre_factors.grid.intensity import intensity, losses
from parcimetre_factors.grid.observations import collect_observations
from parcimetre_server.grid.feeds import parse_feed
from parcimetre_server.grid.feeds.rte import FUELS
from parcimetre_server.grid.feeds.times import BadFeed

SAMPLE = Path(__file__).parents[3] / "data/grid/eco2mix.csv"
RTE_DIRECT = {"fioul": 0.777, "charbon": 0.986, "gaz": 0.429, "bioenergies": 0.494}
"""kg CO2 per kWh by which RTE's taux_co2 is made."""


@pytest.fixture(scope="module")
def rows():
    with SAMPLE.open(newline="") as text:
        return list(csv.DictReader(text))


def csv_of(rows, separator=","):
    """Rows as a file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def kg(rows, factors):
    """Impact per kWh at the meter of each slot of rows."""
    found = collect_observations(parse_feed(csv_of(rows), "FR"))
    slots = intensity("FR", found.starts, factors, found)
    return slots.kg_per_kwh


def lost(factors):
    return losses("FR", factors, "gwp").value


def test_a_quarter_hour_worked_by_hand(factors, rows):
    """1,240.68 t/h over 45,294 MW: each fuel's MW times its published factor, on the sheet of paper."""
    t = (
        347 * 0.65 + 11 * 0.82 + 1221 * 0.49 + 37433 * 0.00513 + 3061 * 0.0107 + 2547 * 0.011 + 0 * 0.045
        + 674 * 0.23
    )  # fmt: skip
    mw = 347 + 11 + 1221 + 37433 + 3061 + 2547 + 674
    assert (round(t, 2), mw) == (1240.68, 45294)
    assert kg(rows[:1], factors) == pytest.approx([t / mw * 1.07])


def test_the_difference_to_rte_s_own_direct_figure_is_explained_in_every_quarter_hour(factors, rows):
    """Ours less RTE's is, by fuel: life-cycle factor less RTE's direct one; RTE rounds to a gram."""
    ours = kg(rows, factors) / lost(factors) * 1000
    for row, grams in zip(rows, ours, strict=True):
        mw = {column: max(0.0, float(row[column] or 0)) for column in FUELS}
        by_fuel = [
            mw[column] * (factors.get(f"fuel.{fuel}.gwp").value - RTE_DIRECT.get(column, 0.0))
            for column, fuel in FUELS.items()
        ]
        explained = sum(by_fuel) / sum(mw.values()) * 1000
        assert grams - float(row["taux_co2"]) == pytest.approx(explained, abs=0.7)


def test_intensity_ranks_quarter_hours_as_rte_does(factors, rows):
    ranks = [np.argsort(np.argsort(values)) for values in (
        kg(rows, factors), np.array([float(row["taux_co2"]) for row in rows])
    )]  # fmt: skip
    assert np.corrcoef(*ranks)[0, 1] > 0.9


@pytest.mark.parametrize(("column", "fuel"), FUELS.items(), ids=FUELS)
def test_one_fuel_alone_has_its_own_factor(factors, rows, column, fuel):
    row = rows[0] | dict.fromkeys(FUELS, "0") | {column: "500"}
    assert kg([row], factors) == pytest.approx([factors.get(f"fuel.{fuel}.gwp").value * lost(factors)])


def test_plants_that_take_power_and_pumping_and_net_exchanges_do_not_count(factors, rows):
    changed = rows[0] | {"solaire": "-12", "pompage": "-5000", "ech_physiques": "9000", "consommation": ""}
    assert kg([changed], factors) == pytest.approx(kg(rows[:1], factors))


def test_imports_by_neighbour_come_with_their_zone_s_year_and_exports_change_nothing(factors, rows):
    """1,000 MW from Germany join 45,294 MW of France's own."""
    own = kg(rows[:1], factors)[0]
    german = factors.get("grid.de.2023.gwp").value * lost(factors)
    partners = {"ech_comm_allemagne_belgique": "1000", "ech_comm_italie": "-3000", "ech_comm_suisse": ""}
    mixed = kg([rows[0] | partners], factors)
    assert mixed == pytest.approx([(own * 45294 + german * 1000) / 46294])


def test_a_quarter_hour_without_figures_is_a_gap_and_never_zero(rows):
    empty = rows[1] | dict.fromkeys(FUELS, "")
    starts = [reading.start for reading in parse_feed(csv_of([rows[0], empty, *rows[2:5]]), "FR")]
    first = int(datetime.fromisoformat(rows[0]["start_utc"]).timestamp())
    assert starts == [first, first + 1800, first + 2700, first + 3600]
    with pytest.raises(BadFeed, match="no value for any slot"):
        parse_feed(csv_of([empty]), "FR")


def test_half_hours_of_the_consolidated_data_hold_for_both_their_quarters(rows):
    hours = [row for row in rows[:40] if row["start_utc"][14:16] in ("00", "30")]
    found = parse_feed(csv_of(hours), "FR")
    assert len(found) == 40
    assert found[0].produced_mw == found[1].produced_mw


def labelled(day, hours, mw=40000):
    """A file in RTE's own layout: tabs, French headings, Paris time, a last line of words."""
    head = "Périmètre\tNature\tDate\tHeures\tConsommation\tFioul\tCharbon\tGaz\tNucléaire\tBioénergies"
    lines = [f"France\tDonnées temps réel\t{day}\t{hour}\tND\t100\tND\t\t{mw + i}\t600"
             for i, hour in enumerate(hours)]  # fmt: skip
    return "\n".join([head, *lines, "RTE ne pourra être tenu responsable\t\t\t\t\t\t\t\t\t", ""])


def test_the_hour_that_october_has_twice_counts_twice():
    hours = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    found = parse_feed(labelled("2023-10-29", hours), "FR")
    starts = [reading.start for reading in found[::2]]
    assert [datetime.fromtimestamp(start, UTC).strftime("%H:%M") for start in starts] == [
        "23:30", "00:00", "00:30", "01:00", "01:30", "02:00",
    ]  # fmt: skip
    assert [reading.produced_mw["nuclear"] for reading in found[::2]] == [40000 + i for i in range(6)]


def test_the_hour_that_march_skips_is_refused_with_figures_and_passed_over_without():
    with pytest.raises(BadFeed, match="row 3: 2023-03-26 02:30 does not exist in Paris"):
        parse_feed(labelled("26/03/2023", ["01:30", "02:30", "03:00"]), "FR")
    full = labelled("26/03/2023", ["01:30", "02:30", "03:00"])
    without = full.replace("\t02:30\tND\t100\tND\t\t40001\t600", "\t02:30\tND\tND\tND\t\t\t")
    starts = [reading.start for reading in parse_feed(without, "FR")]
    assert starts[2] - starts[0] == 1800


def test_json_of_the_open_data_is_read_as_the_csv_is(rows):
    row = {
        "date": "2023-10-01", "heure": "02:00", "date_heure": "2023-10-01T00:00:00+00:00",
        **{column: int(rows[0][column]) for column in FUELS}, "ech_comm_suisse": 100,
    }  # fmt: skip
    (found,) = parse_feed(json.dumps({"total_count": 1, "results": [row]}), "FR")
    (plain,) = parse_feed(csv_of(rows[:1], ";"), "FR")
    assert (found.start, found.produced_mw, found.imported_mw) == (
        plain.start,
        plain.produced_mw,
        {"CH": 100},
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"nucleaire": "many"}, r"row 2, nucleaire: 'many' is not a number"),
        ({"start_utc": "2023-10-01 02:00"}, "has no offset from UTC"),
        ({"start_utc": "yesterday"}, "'yesterday' is not a valid time"),
    ],
)
def test_what_cannot_be_read_is_named(rows, change, sentence):
    with pytest.raises(BadFeed, match=sentence):
        parse_feed(csv_of([rows[0] | change]), "FR")


def test_another_zone_is_refused(rows):
    with pytest.raises(BadFeed, match="--zone FR, not DE"):
        parse_feed(csv_of(rows[:1]), "DE")

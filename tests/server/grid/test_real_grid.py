"""A device's day on RTE's own quarter hours, worked out by hand from the CSV: gaps, corrections, odd days."""

import csv
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from parcimetre_agent import report
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute
from parcimetre_server.base.periods import Span
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.grid.feeds import parse_feed
from parcimetre_server.grid.monthly_profiles import TooFewDays, write_month_profiles
from parcimetre_server.grid.observations import store_observations
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

SAMPLE = Path(__file__).parents[2] / "data/grid/eco2mix.csv"
PARIS = ZoneInfo("Europe/Paris")
LAPTOP = DeviceId("f" * 32)
SLOT_S, DAY_S, FRENCH_LOSSES = 900, 86_400, 1.07
G_PER_KWH = {
    "fioul": 650, "charbon": 820, "gaz": 490, "nucleaire": 5.13, "eolien": 11, "solaire": 45,
    "hydraulique": 10.7, "bioenergies": 230,
}  # fmt: skip
"""Life-cycle factors as their sources print them (IPCC AR5, UNECE, POST), in g CO2 eq/kWh."""


def rows():
    with SAMPLE.open(newline="") as text:
        return list(csv.DictReader(text))


def as_csv(lines):
    """Rows as the file's text."""
    return "\n".join([",".join(lines[0]), *(",".join(line.values()) for line in lines)]) + "\n"


def wh(i):
    """Energy of the i-th quarter hour of the day: 5 Wh by night, 5 to 14.5 Wh from 6:00 to 18:00."""
    return 5 + (i - 24) * 0.2 if 24 <= i < 72 else 5.0


def kg_of(row):
    """kg CO2 eq per kWh at the meter of one row, in plain arithmetic."""
    mw = {fuel: max(0.0, float(row[fuel] or 0)) for fuel in G_PER_KWH}
    return sum(mw[fuel] * G_PER_KWH[fuel] for fuel in mw) / sum(mw.values()) / 1000 * FRENCH_LOSSES


def of_day(lines, day="2023-10-02"):
    return [line for line in lines if line["start_utc"].startswith(day)]


@pytest.fixture
def laptop(fleet):
    """A laptop counted at the wall over four days from 1 October 2023, UTC; its day is asked for."""
    first = int(datetime(2023, 10, 1, tzinfo=UTC).timestamp())
    report_slots(fleet, first, 4 * 96)
    return fleet


def report_slots(fleet, first, n):
    about = {"category": "laptop", "org_unit": "M", "site": "S", "hostname": None, "simulated": False,
             "virtual": "none", "enrolled_at": first, "agent_version": "0.1.0"}  # fmt: skip
    slots = [
        report.Slot(first + i * SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9],
                    energy=[report.Energy("pdu", "wall_ac", "measured", wh(i % 96) * 3600, 900)])
        for i in range(n)
    ]  # fmt: skip
    store = fleet.context.store
    store.append([Fact("device", LAPTOP, first, about), Fact("site", "S", first, {"zone": "FR"})])
    store.write([WriteBatch(LAPTOP, slots)])


def take(fleet, text):
    return store_observations(fleet.context.store, "FR", parse_feed(text, "FR"), fleet.now)


def use(fleet, day, zone=UTC):
    """The use stage of a day, as long as the clock makes it."""
    first, last = (
        int(datetime.combine(date.fromordinal(day.toordinal() + i), time(), zone).timestamp()) for i in (0, 1)
    )
    found = footprint_rows(fleet.context, FootprintQuery(Span(first, last), device=LAPTOP), "stage")
    (row,) = [row for row in found if row.group == "use"]
    return row


SECOND = date(2023, 10, 2)


def by_hand_of_the_year(factors, slots=range(96)):
    """What the fallback says: the year's factor times the quarter hour's ratio, and the losses."""
    year = factors.get("grid.fr.2023.gwp").value
    ratios = [factors.get(f"grid_profile.fr.{i:02}").value for i in slots]
    return sum(wh(i) / 1000 * year * ratio for i, ratio in zip(slots, ratios, strict=True)) * FRENCH_LOSSES


def test_a_laptop_s_day_differs_from_the_annual_factor_s_by_what_is_worked_out_by_hand(laptop, factors):
    """96 products of watt-hours and RTE's mix, added up, less the same with the annual factor."""
    before = use(laptop, SECOND)
    assert before.grid_tiers == {"FR": {"profile": 1.0}}
    take(laptop, SAMPLE.read_text())
    after = use(laptop, SECOND)
    by_hand = sum(wh(i) / 1000 * kg_of(row) for i, row in enumerate(of_day(rows())))
    assert after.energy_kwh == pytest.approx(sum(map(wh, range(96))) / 1000)
    assert after.value == pytest.approx(by_hand)
    assert after.grid_tiers == {"FR": {"slot": 1.0}}
    assert after.value - before.value == pytest.approx(by_hand - by_hand_of_the_year(factors))
    year = factors.get("grid.fr.2023.gwp").value * FRENCH_LOSSES
    assert after.value < 0.8 * after.energy_kwh * year  # a mild day with much nuclear power


def test_a_gap_of_the_feed_falls_back_for_its_own_slots_alone(laptop, factors):
    day = of_day(rows())
    holes = [line if not 40 <= i < 48 else line | dict.fromkeys(G_PER_KWH, "") for i, line in enumerate(day)]
    assert take(laptop, as_csv(holes)).gaps == 8
    row = use(laptop, SECOND)
    told = sum(wh(i) / 1000 * kg_of(line) for i, line in enumerate(day) if not 40 <= i < 48)
    assert row.value == pytest.approx(told + by_hand_of_the_year(factors, range(40, 48)))
    missing = sum(map(wh, range(40, 48))) / sum(map(wh, range(96)))
    assert row.grid_tiers["FR"] == pytest.approx({"slot": 1 - missing, "profile": missing})


def test_a_late_correction_moves_the_figure_of_the_past_and_keeps_what_it_replaced(laptop):
    take(laptop, SAMPLE.read_text())
    before = use(laptop, SECOND)
    day = of_day(rows())
    changed = day[30] | {"gaz": str(float(day[30]["gaz"]) + 2000)}
    assert take(laptop, as_csv([changed])).corrected == 1
    moved = wh(30) / 1000 * (kg_of(changed) - kg_of(day[30]))
    assert use(laptop, SECOND).value - before.value == pytest.approx(moved)
    assert (
        len(
            laptop.context.store.history(
                "grid", f"FR/{int(datetime(2023, 10, 2, tzinfo=UTC).timestamp()) // DAY_S}"
            )
        )
        == 2
    )


def test_a_negative_fuel_counts_nothing_in_the_figure(laptop):
    negative = [line | {"solaire": "-40", "fioul": "-5"} for line in of_day(rows())]
    take(laptop, as_csv(negative))
    by_hand = sum(wh(i) / 1000 * kg_of(line) for i, line in enumerate(negative))
    assert use(laptop, SECOND).value == pytest.approx(by_hand)
    assert kg_of(negative[0]) == kg_of(negative[0] | {"solaire": "0", "fioul": "0"})


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2023, 10, 29), 25), (date(2023, 3, 26), 23)], ids=["25 hours", "23 hours"]
)
def test_a_day_on_which_paris_shifts_its_clock_has_all_its_quarter_hours_once(fleet, day, hours):
    """The sample's rows from its start, put on that day as RTE writes it: Paris time without an offset."""
    first = int(datetime.combine(day, time(), PARIS).timestamp())
    sample = rows()[: hours * 4]
    local = [
        {"date": f"{day}", "heure": datetime.fromtimestamp(first + i * SLOT_S, PARIS).strftime("%H:%M"),
         **{name: cell for name, cell in line.items() if name in G_PER_KWH}}
        for i, line in enumerate(sample)
    ]  # fmt: skip
    report_slots(fleet, first, hours * 4)
    kept = take(fleet, as_csv(local))
    assert (kept.added, kept.gaps, kept.first) == (hours * 4, 0, first)
    row = use(fleet, day, PARIS)
    by_hand = sum(wh(i % 96) / 1000 * kg_of(line) for i, line in enumerate(sample))
    assert row.value == pytest.approx(by_hand)
    assert row.grid_tiers == {"FR": {"slot": 1.0}}


def test_imports_join_the_device_s_day_with_the_partner_s_year_and_exports_leave_it_alone(laptop, factors):
    day = of_day(rows())
    partners = {"ech_comm_allemagne_belgique": "1500", "ech_comm_italie": "-2500"}
    take(laptop, as_csv([line | partners for line in day]))
    german = factors.get("grid.de.2023.gwp").value * FRENCH_LOSSES
    by_hand = 0.0
    for i, line in enumerate(day):
        own_mw = sum(max(0.0, float(line[fuel] or 0)) for fuel in G_PER_KWH)
        by_hand += wh(i) / 1000 * (kg_of(line) * own_mw + german * 1500) / (own_mw + 1500)
    assert use(laptop, SECOND).value == pytest.approx(by_hand)


def test_the_explanation_of_the_day_recomputes_and_tells_the_same_shares(laptop):
    take(laptop, as_csv(of_day(rows())[:48]))
    first = int(datetime(2023, 10, 2, tzinfo=UTC).timestamp())
    found = explain_device(laptop.context, LAPTOP, Span(first, first + DAY_S), Criterion.GWP)
    (row,) = footprint_rows(laptop.context, FootprintQuery(Span(first, first + DAY_S), device=LAPTOP))
    assert recompute(found.term) == pytest.approx(row.value, rel=1e-9)
    assert found.grid_tiers["FR"] == pytest.approx(row.grid_tiers["FR"])
    assert set(found.grid_tiers["FR"]) == {"slot", "profile"}


def test_three_days_are_too_few_for_the_profile_of_a_month(laptop, tmp_path):
    take(laptop, SAMPLE.read_text())
    with pytest.raises(TooFewDays, match=r"no month of FR has 20 days .*2023-10: 3"):
        write_month_profiles(
            laptop.context.store, laptop.context.factors, "FR", laptop.context.now(), tmp_path / "own"
        )
    assert not (tmp_path / "own").exists()

"""Printers by hand: the two examples of docs/en/printing.md, and what holds of any pages."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_factors.activity import Activity
from parcimetre_factors.consumables import PrintedPages, consumed
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.hardware.description import Hardware, Printer
from parcimetre_factors.power.model import power_model
from parcimetre_factors.power.printers import printer_watts
from parcimetre_factors.power.printers import test_at as use_in_test
from parcimetre_factors.tables.factor_set import load_factor_set
from parcimetre_factors.uncertainty.amounts import amounts
from parcimetre_factors.uncertainty.monte_carlo import interval

FACTORS = load_factor_set()
LASER = Hardware("printer", "Ricoh", "IM C3000", kind="40_to_99_kg", printer=Printer("laser", a3=True))
INKJET = Hardware("printer", "Epson", "WF-C5790", kind="under_40_kg", printer=Printer("inkjet", a3=False))
SHEET = Hardware("printer", "Lexmark", "MX331adne", printer=Printer("laser", a3=False))
J_PER_KWH = 3.6e6


def week_kwh(hardware, awake_h, asleep_h, impressions):
    """Modelled electricity of one long slot: a second at the highest load is an impression."""
    awake_s, none = np.array([awake_h * 3600.0]), np.zeros(1)
    load_s = np.zeros((1, 10))
    load_s[0, 0], load_s[0, 9] = awake_s[0] - impressions, impressions
    activity = Activity(np.zeros(1, np.int64), none, awake_s, np.array([asleep_h * 3600.0]), none, load_s)
    return float(power_model(hardware, FACTORS).energy_j(activity)[0]) / J_PER_KWH


def made_a_week_kg(hardware):
    """Embodied impact over the service life, a week's part."""
    found = embodied(hardware, FACTORS)
    return found.by_stage[Criterion.GWP, Stage.MANUFACTURING].value / (found.life_years.value * 365.25 / 7)


def test_the_laser_by_hand():
    assert week_kwh(LASER, 45, 123, 2000) == pytest.approx(2.583, abs=0.001)
    assert made_a_week_kg(LASER) == pytest.approx(3.68, abs=0.005)
    made = consumed(PrintedPages(2000, 1200, 1400, 100, "laser"), "virgin", FACTORS)
    assert made.sheets.value == pytest.approx(1365)
    assert made.paper.value == pytest.approx(9.161, abs=0.001)
    assert made.marking.value == pytest.approx(9.148, abs=0.001)
    assert made.spared_by_duplex.value == pytest.approx(4.933, abs=0.001)
    assert made.spent_on_colour.value == pytest.approx(5.872, abs=0.001)


def test_the_inkjet_by_hand():
    assert week_kwh(INKJET, 20, 148, 300) == pytest.approx(0.313, abs=0.001)
    assert made_a_week_kg(INKJET) == pytest.approx(1.648, abs=0.005)
    made = consumed(PrintedPages(300, None, 240, None, "inkjet"), "virgin", FACTORS)
    assert made.paper.value == pytest.approx(1.208, abs=0.001)
    assert made.marking.value == pytest.approx(0.471, abs=0.001)
    assert made.spared_by_duplex.value == pytest.approx(0.805, abs=0.001)
    assert made.spent_on_colour is None


def test_a_printer_that_is_used_like_the_test_takes_what_its_sheet_says():
    speed_ipm = FACTORS.get("power.printer.speed").value
    use = use_in_test(speed_ipm, 2020, FACTORS)
    assert use.images < 0.5 * speed_ipm**2 * 260
    stated_kwh = FACTORS.get("power.tec.printer.lexmark-mx331adne").value
    assert week_kwh(SHEET, use.awake_h, 8760 - use.awake_h, use.images) == pytest.approx(stated_kwh, rel=1e-9)


@pytest.mark.parametrize("hardware", [LASER, INKJET, SHEET], ids=["class", "inkjet", "sheet"])
def test_printing_takes_more_than_ready_and_ready_more_than_asleep(hardware):
    watts = printer_watts(hardware, hardware.printer, FACTORS)
    assert watts.printing_w.value > watts.ready_w.value > watts.asleep_w.value > watts.off_w.value
    assert all(recompute(term) == term.value for term in (watts.ready_w, watts.printing_w))


def test_a_printer_that_nobody_asks_takes_its_yearly_mean():
    assert power_model(Hardware("printer"), FACTORS).evidence == "printer"


@settings(deadline=None)
@given(st.integers(1, 10**6), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_parts_of_the_pages_never_spare_or_spend_more_than_all(impressions, colour, duplex, a3):
    pages = PrintedPages(impressions, impressions * colour, impressions * duplex, impressions * a3, "laser")
    made = consumed(pages, "virgin", FACTORS)
    simplex = consumed(PrintedPages(impressions, pages.colour, 0.0, pages.a3), "virgin", FACTORS)
    black = consumed(PrintedPages(impressions, 0.0, pages.duplex, pages.a3), "virgin", FACTORS)
    assert made.paper.value + made.spared_by_duplex.value == pytest.approx(simplex.paper.value)
    assert made.marking.value == pytest.approx(black.marking.value + made.spent_on_colour.value)
    low, high = interval([*amounts(made.paper), *amounts(made.marking)], FACTORS)
    assert low < made.paper.value + made.marking.value < high
    assert recompute(made.paper) == made.paper.value


def test_recycled_paper_is_counted_as_such():
    pages = PrintedPages(100)
    virgin, recycled = (consumed(pages, paper, FACTORS) for paper in ("virgin", "recycled"))
    assert recycled.paper.value < virgin.paper.value
    assert recycled.marking.value == virgin.marking.value


def test_a_printer_that_does_not_count_colour_counts_as_black_and_says_so():
    told, untold = (
        consumed(PrintedPages(100, 0.0), "virgin", FACTORS),
        consumed(PrintedPages(100), "virgin", FACTORS),
    )
    assert untold.marking.value == told.marking.value
    assert untold.marking.note

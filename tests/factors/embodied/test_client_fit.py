"""The fit of client computers: it finds what is there, and judges on model lines it has not seen."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from fit_client_embodied import Sheet, category_of, features, fit, line_of, unseen

LINES = [f"Maker line{i}" for i in range(20)]


def sheet(inch, line="Maker line0", kg=None, category="laptop"):
    """A sheet that lies on 60 kg + 0.5 kg a squared inch + 48 kg of parts, unless it states another sum."""
    return Sheet(category, line, 108 + 0.5 * inch**2 if kg is None else kg, inch, 48.0, None, "model")


EXACT = [sheet(11 + i % 7, line) for i, line in enumerate(LINES)]


def test_a_relation_without_error_is_found_as_it_is():
    assert fit(EXACT) == pytest.approx([60, 0.5])


def test_one_sheet_far_off_pulls_the_fit_hardly():
    assert fit([*EXACT, sheet(14, kg=5000)]) == pytest.approx([60, 0.5], rel=0.02)


def test_desktops_grow_with_their_weight_and_not_with_its_square():
    assert features([sheet(6, category="desktop")]).tolist() == [[1, 6]]
    assert features([sheet(6)]).tolist() == [[1, 36]]


def test_a_line_is_judged_by_fits_that_have_not_seen_it():
    """A line of its own level is missed by just that level, however many of its sheets there are."""
    strange = [sheet(14, "Other line", kg=2 * sheet(14).kg) for _ in range(5)]
    predicted, stated = unseen([*EXACT, *strange], lambda s: s.parts_kg)
    of_strange = predicted[stated == strange[0].kg]
    assert of_strange == pytest.approx([sheet(14).kg] * len(of_strange), rel=0.02)


@pytest.mark.parametrize(
    ("maker", "name", "line"),
    [
        ("Dell", "Latitude 5420", "Dell latitude5"),
        ("Dell", "Latitude 5310 2-IN-1", "Dell latitude5"),
        ("Dell", "Latitude 7430", "Dell latitude7"),
        ("Lenovo", "ThinkPad T490s", "Lenovo thinkpad4"),
        ("Dell", "U2722D Monitor", "Dell ud2"),
    ],
)
def test_a_model_line_is_told_by_maker_word_and_first_digit(maker, name, line):
    assert line_of({"manufacturer": maker, "name": name}) == line


@pytest.mark.parametrize(
    ("kind", "name", "screen", "category"),
    [
        ("Laptop", "Latitude 5420", "14", "laptop"),
        ("Monitor", "U2722D Monitor", "27", "monitor"),
        ("Desktop", "OptiPlex 3090 Micro Form Factor", "0", "mini_pc"),
        ("Desktop", "OptiPlex 5000 Tower", "", "desktop"),
        ("Desktop", "24-inch iMac", "24", "all_in_one"),
        ("Desktop", "Precision 7540", "15", None),
        ("Thin Client", "Wyse 3030 Thin Client", "", "thin_client"),
        ("Thin Client", "Wyse 5040 All-in-One Thin Client", "", None),
        ("Smartphone", "Pixel 7", "6", None),
    ],
    ids=lambda value: value or "",
)
def test_a_sheet_s_category_is_told_by_kind_form_and_screen(kind, name, screen, category):
    assert category_of({"subcategory": kind, "name": name, "screen_size": screen}) == category

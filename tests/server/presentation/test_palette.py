"""Colours: enough contrast in light and dark, one pair for less and more wherever a change is shown."""

import re
from typing import get_args

import pytest
from parcimetre_server.presentation.palette import colours, direction
from parcimetre_server.reports.mail_body import mail_html
from parcimetre_server.reports.weekly import weekly_report
from parcimetre_server.reports.wording import Colour, report_text

GRAPHICS, TEXT = 3.0, 4.5  # WCAG 2.2 AA: 1.4.11 and 1.4.3


def luminance(colour):
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """The contrast of two colours, at least 1."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("behind", ["surface", "paper"])
def test_figures_and_words_can_be_told_from_what_is_behind_them(look, behind):
    known = colours(look)
    for name in get_args(Colour):
        assert contrast(known[name], known[behind]) >= GRAPHICS, name
    for name in ("ink", "muted", "accent"):
        assert contrast(known[name], known[behind]) >= TEXT, name


@pytest.mark.parametrize("look", ["light", "dark"])
def test_less_and_more_are_colours_of_no_stage(look):
    known = colours(look)
    assert len({known[name] for name in get_args(Colour)}) == len(get_args(Colour))


@pytest.mark.parametrize(("change", "name"), [(-0.1, "less"), (0.1, "more"), (0.0, "more")])
def test_one_rule_says_which_colour_a_change_has(change, name):
    assert direction(change) == name


def bars(html):
    """The side of the middle and the colour of each bar of a table of changes."""
    found = re.findall(r'class="fill-(less|more)" x="([\d.]+)"', html)
    return {(colour, float(x) >= 50) for colour, x in found}


def test_pages_and_mail_show_a_change_alike_and_not_by_colour_alone(reader, fleet):
    for page in ("/?lang=en", "/reports/weekly/2026-W47?lang=en"):
        text = reader.get(page).text
        assert bars(text) == {("less", False), ("more", True)}
        assert "Less or more" in text
    report = weekly_report(fleet.context, "2026-W47")
    mail = mail_html(report_text(report, fleet.context, "en"))
    assert 'class="c-more"' in mail
    for name in ("less", "more"):
        for look in ("light", "dark"):
            assert re.search(rf"\.c-{name} {{ background: {colours(look)[name]}", mail)

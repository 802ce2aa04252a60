"""The report as a file that stands alone."""

import re

import pytest
from parcimetre_server.reports.html import html
from parcimetre_server.reports.weekly import weekly_report


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_needs_nothing_but_itself(fleet, language):
    text = html(weekly_report(fleet.context, "2026-W47"), fleet.context, language)
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!#)', text)


def test_it_says_that_a_week_is_not_over_in_the_readers_language(fleet):
    report = weekly_report(fleet.context, "2026-W48")
    assert "provisoire" in html(report, fleet.context, "fr")
    assert "provisional" in html(report, fleet.context, "en")


def test_it_names_its_factor_set(fleet):
    text = html(weekly_report(fleet.context, "2026-W47"), fleet.context, "en")
    assert fleet.context.factors.id in text


def test_a_week_without_devices_says_so(empty):
    assert "No device was in service" in html(weekly_report(empty, "2026-W47"), empty, "en")

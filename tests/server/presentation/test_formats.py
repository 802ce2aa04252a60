"""Numbers and times for people, in both languages."""

from zoneinfo import ZoneInfo

import pytest
from parcimetre_server.base.i18n import Translator
from parcimetre_server.presentation.formats import Formats

EN, FR = Formats(Translator("en")), Formats(Translator("fr"), ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("value", "unit", "english"),
    [
        (0.012345, "kg CO2 eq", "12.3 g CO₂ eq"),
        (12.345, "kg CO2 eq", "12.3 kg CO₂ eq"),
        (1234.5, "kg CO2 eq", "1.23 t CO₂ eq"),
        (0.9999, "kg CO2 eq", "1 kg CO₂ eq"),
        (2.5e-8, "kg Sb eq", "25 µg Sb eq"),
        (0.0, "kg CO2 eq", "0 kg CO₂ eq"),
        (1500.0, "kWh", "1.5 MWh"),
        (45.678, "W", "45.7 W"),
        (123456.0, "s", "123,000 s"),
    ],
)
def test_quantities_have_three_digits_and_the_unit_of_their_size(value, unit, english):
    assert EN.quantity(value, unit).replace("\u00a0", " ") == english


def test_french_writes_a_decimal_comma():
    assert FR.quantity(12.345, "kWh") == "12,3\u00a0kWh"


def test_absence_is_a_dash_and_never_zero():
    assert EN.quantity(None, "kWh") == EN.percent(None) == EN.change(None) == "–"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"),
        (0.034, "3.4%"),
        (0.5, "50%"),
        (0.9996, "99.9%"),
        (1.0, "100%"),
        (0.996, "99.6%"),
        (4e-4, "<\u00a00.1%"),
    ],
)
def test_a_share_is_only_complete_when_it_is(share, text):
    assert EN.percent(share) == text


def test_an_interval_is_in_the_unit_of_its_value():
    assert EN.interval(12.0, 0.9, 1300.0, "kg CO2 eq").replace("\u00a0", " ") == "0.9 to 1,300 kg CO₂ eq"


def test_times_are_the_organisations():
    assert FR.time(0) == "01:00"


def test_a_change_shows_its_sign():
    assert (EN.change(0.123), EN.change(-0.5)) == ("+12%", "−50%")

"""When a device was bought: as stated, or by what it shows, and never after it was seen."""

from datetime import UTC, datetime

import pytest
from parcimetre_factors.service_life.purchase import StatedPurchase, purchase


def day(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


SEEN = day("2026-11-15")


@pytest.mark.parametrize(
    ("about", "bought", "tier"),
    [
        ({"stated": StatedPurchase(day("2024-02-01")), "panel_year": 2019}, "2024-02-01", "known"),
        ({"panel_year": 2021}, "2021-07-01", "estimated"),
        ({"bios_date": "03/15/2022"}, "2022-03-15", "estimated"),
        ({"bios_date": "2022-03-15"}, "2022-03-15", "estimated"),
        ({"bios_date": "20220315000000.000000+000"}, "2022-03-15", "estimated"),
        ({"panel_year": 2021, "bios_date": "03/15/2025"}, "2021-07-01", "estimated"),  # firmware was updated
        ({"panel_year": 2024, "bios_date": "03/15/2022"}, "2022-03-15", "estimated"),  # panel was replaced
        ({"panel_year": 2027}, "2026-11-15", "estimated"),
        ({"stated": StatedPurchase(day("2027-01-01"))}, "2026-11-15", "known"),
        ({}, "2026-11-15", "unknown"),
        ({"bios_date": "01/01/1980"}, "2026-11-15", "unknown"),
        ({"bios_date": "13/45/2022"}, "2026-11-15", "unknown"),
        ({"bios_date": "Not Specified"}, "2026-11-15", "unknown"),
        ({"panel_year": 1990, "bios_date": ""}, "2026-11-15", "unknown"),
    ],
)
def test_the_best_evidence_decides(about, bought, tier):
    found = purchase(SEEN, **about)
    assert (found.at, found.tier) == (day(bought), tier)


def test_the_less_is_known_the_wider_the_error(factors):
    spreads = [
        factors.get(found.error).rel_sd if found.error else 0.0
        for found in (
            purchase(SEEN, stated=StatedPurchase(SEEN)),
            purchase(SEEN, panel_year=2021),
            purchase(SEEN),
        )
    ]
    assert spreads == sorted(set(spreads))


def test_a_first_life_began_before_the_second():
    second = StatedPurchase(day("2025-09-01"), reconditioned=True)
    shown, hidden = purchase(SEEN, second, panel_year=2021), purchase(SEEN, second)
    assert (shown.at, shown.tier, shown.second_life) == (day("2021-07-01"), "estimated", second.at)
    assert (hidden.at, hidden.tier, hidden.second_life) == (second.at, "unknown", second.at)

"""When a device's service life began: stated, estimated from what the device shows, or unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

DateTier = Literal["known", "estimated", "unknown"]
US_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})")
ISO_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
EARLIEST_YEAR = 2000
MIDDLE_OF_THE_YEAR = 7
ERRORS = {"known": None, "estimated": "life.start.estimated", "unknown": "life.start.unknown"}


@dataclass(frozen=True)
class Purchase:
    """Beginning of the service life, seconds UTC, and how it is known.

    `second_life` is when a reconditioned device was bought: another owner has carried what accrued before.
    """

    at: int
    tier: DateTier
    second_life: int | None = None

    @property
    def error(self) -> str | None:
        """Id of the factor that holds the uncertainty of the date, if any."""
        return ERRORS[self.tier]


@dataclass(frozen=True)
class StatedPurchase:
    """What an organisation says of a purchase; `at` is seconds UTC."""

    at: int
    reconditioned: bool = False


def purchase(
    first_seen: int,
    stated: StatedPurchase | None = None,
    panel_year: int | None = None,
    bios_date: str | None = None,
) -> Purchase:
    """The purchase as stated, else the earlier of the middle of the panel's year and the firmware's date.

    Never later than `first_seen`, when the device was already there: that alone leaves it unknown. Firmware
    is updated, so its date may be late; dates before 2000 are placeholders. The first life of a
    reconditioned device began before it was bought. Times in seconds UTC; the method is ours.
    """
    latest = first_seen if stated is None else min(stated.at, first_seen)
    if stated is not None and not stated.reconditioned:
        return Purchase(latest, "known")
    second_life = None if stated is None else latest
    panel = None if panel_year is None else _second(panel_year, MIDDLE_OF_THE_YEAR, 1)
    evidence = [at for at in (panel, _firmware(bios_date)) if at is not None]
    if not evidence:
        return Purchase(latest, "unknown", second_life)
    return Purchase(min(latest, *evidence), "estimated", second_life)


def _firmware(text: str | None) -> int | None:
    """The date that SMBIOS states, month first, or an ISO one."""
    if found := US_DATE.match(text or ""):
        month, day, year = map(int, found.groups())
    elif found := ISO_DATE.match(text or ""):
        year, month, day = map(int, found.groups())
    else:
        return None
    return _second(year, month, day)


def _second(year: int, month: int, day: int) -> int | None:
    if year < EARLIEST_YEAR:
        return None
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp())
    except ValueError:
        return None

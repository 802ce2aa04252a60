"""Numbers, quantities and times as people read them, in their language: at most three significant digits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal

from ..base.i18n import N_, Translator
from .labels import TIERS

DIGITS = 3
UTC_ZONE = ZoneInfo("UTC")
NBSP = "\u00a0"
RATIO = "1"
DAYS = {"medium": "d MMM y", "long": "d MMMM y"}
COUNTED = (N_("slot"), N_("year"), N_("core"), N_("hour"))
MASS = ((1000.0, "t"), (1.0, "kg"), (1e-3, "g"), (1e-6, "mg"), (1e-9, "µg"), (1e-12, "ng"))
SCALES = {
    "kg CO2 eq": tuple((size, unit + NBSP, N_("CO₂ eq")) for size, unit in MASS),
    "kg Sb eq": tuple((size, unit + NBSP, N_("Sb eq")) for size, unit in MASS),
    "MJ": ((1000.0, "GJ", ""), (1.0, "MJ", ""), (1e-3, "kJ", ""), (1e-6, "J", "")),
    "kWh": ((1000.0, "MWh", ""), (1.0, "kWh", ""), (1e-3, "Wh", ""), (1e-6, "mWh", "")),
}


@dataclass(frozen=True)
class Formats:
    """How a language writes numbers, quantities and times; times are in the organisation's time zone."""

    translator: Translator
    zone: ZoneInfo = UTC_ZONE

    def number(self, value: float, digits: int = DIGITS) -> str:
        """A number with so many significant digits, never in exponents."""
        if value == 0 or not math.isfinite(value):
            return self._decimal(0.0, 0) if value == 0 else "–"
        decimals = digits - 1 - math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
        return self._decimal(round(value, decimals), max(0, decimals))

    def _decimal(self, value: float, decimals: int) -> str:
        pattern = "#,##0" + ("." + "#" * decimals if decimals else "")
        return format_decimal(value, format=pattern, locale=self.translator.language)

    def quantity(self, value: float | None, unit: str) -> str:
        """A value with the unit of its size: 0.0123 "kg CO2 eq" is 12.3 g CO₂ eq. None is a dash."""
        if value is None:
            return "–"
        size, name = self.scale(value, unit)
        return f"{self.number(value / size)}{NBSP}{name}".rstrip(NBSP)

    def scale(self, value: float, unit: str) -> tuple[float, str]:
        """Size and name of the unit in which to write values about as great as this one."""
        numerator, slash, per = unit.partition("/")
        steps = SCALES.get(numerator)
        if steps is None:
            return 1.0, self.unit(unit)
        rounded = abs(float(f"{value:.{DIGITS - 1}e}"))
        fallback = next(step for step in steps if step[0] == 1.0) if value == 0 else steps[-1]
        size, name, tail = next((step for step in steps if rounded >= step[0]), fallback)
        return size, name + self.translator(tail) + slash + self.unit(per)

    def unit(self, unit: str) -> str:
        """A unit as it is written: kg CO₂ eq, kg CO₂ eq/kWh; a ratio has none."""
        if unit == RATIO:
            return ""
        words = "/".join(self.translator(word) for word in unit.split("/"))
        return words.replace("CO2 eq", self.translator("CO₂ eq")).replace("Sb eq", self.translator("Sb eq"))

    def interval(self, value: float, low: float | None, high: float | None, unit: str) -> str:
        """A 95 % interval in the unit chosen for its value, or nothing where there is none."""
        limits = self.limits(value, low, high, unit)
        return limits and f"{limits}{NBSP}{self.scale(value, unit)[1]}"

    def limits(self, value: float, low: float | None, high: float | None, unit: str) -> str:
        """The same without its unit, for beside the value."""
        if low is None or high is None:
            return ""
        size, _ = self.scale(value, unit)
        return self.translator("{low} to {high}", low=self.number(low / size), high=self.number(high / size))

    def about(self, value: float, low: float, high: float, unit: str) -> str:
        """A value with its interval behind it."""
        return f"{self.quantity(value, unit)} ({self.limits(value, low, high, unit)})"

    def percent(self, share: float | None) -> str:
        """A share as a percentage without decimals, with one below 10 %; None is a dash."""
        if share is None:
            return "–"
        hundredths = share * 100
        if 0 < hundredths < 0.05:
            return f"<{NBSP}{self.percent(0.001)}"
        decimals = 0 if hundredths >= 9.95 or hundredths == 0 else 1
        if 99.5 <= hundredths < 100:
            hundredths, decimals = math.floor(hundredths * 10) / 10, 1
        return f"{self._decimal(hundredths, decimals)}{NBSP if self.translator.language == 'fr' else ''}%"

    def tiers(self, shares: Mapping[str, Mapping[str, float]]) -> str:
        """Each grid zone with the shares of what its intensity rests on."""
        zones = []
        for zone, tiers in shares.items():
            told = (f"{self.translator(TIERS[tier])} {self.percent(share)}" for tier, share in tiers.items())
            zones.append(f"{zone} ({', '.join(told)})")
        return ", ".join(zones)

    def change(self, share: float | None) -> str:
        """A change as a percentage with its sign; None is a dash."""
        if share is None:
            return "–"
        return ("+" if share >= 0 else "−") + self.percent(abs(share))

    def signed(self, value: float, unit: str) -> str:
        """A difference with its sign, in the unit of its size."""
        return ("−" if value < 0 else "+") + self.quantity(abs(value), unit)

    def euros(self, value: float) -> str:
        """An amount of money: in whole euros from 100 on."""
        pattern = (
            None if value < 99.995 else ("#,##0\u00a0¤" if self.translator.language == "fr" else "¤#,##0")
        )
        return format_currency(
            value, "EUR", pattern, locale=self.translator.language, currency_digits=pattern is None
        )

    def duration(self, seconds: float) -> str:
        """A time span in the unit of its size."""
        for size, name in ((86_400 * 2, N_("d")), (3600, N_("h")), (60, N_("min"))):
            if seconds >= size:
                return (
                    f"{self.number(seconds / (86_400 if name == 'd' else size))}{NBSP}{self.translator(name)}"
                )
        return f"{self.number(seconds)}{NBSP}s"

    def local(self, second: float) -> datetime:
        """The second as a time of the organisation."""
        return datetime.fromtimestamp(second, UTC).astimezone(self.zone)

    def day(self, second: float, width: str = "medium") -> str:
        """The day of a second."""
        return format_date(self.local(second), DAYS[width], locale=self.translator.language)

    def named_day(self, period: str) -> str:
        """A day by its ISO name, with the day of the week."""
        return format_date(date.fromisoformat(period), "EEE d MMM", locale=self.translator.language)

    def period(self, name: str, short: bool = False) -> str:
        """A day, ISO week, month or year by its ISO name; `short` leaves out what its neighbours tell."""
        language = self.translator.language
        if name.isdigit():
            return name
        if "W" in name:
            year, week = name.split("-W")
            return self.translator("week {week}", week=int(week)) + ("" if short else f" {year}")
        if len(name) == len("2026-11"):
            return format_date(
                date.fromisoformat(f"{name}-01"), "LLL" if short else "LLLL y", locale=language
            )
        return format_date(date.fromisoformat(name), "d MMM" if short else "EEE d MMM", locale=language)

    def day_and_time(self, second: float) -> str:
        """Day and time to the minute."""
        return format_datetime(self.local(second), "d MMM y HH:mm", locale=self.translator.language)

    def day_or_time(self, second: float) -> str:
        """The day of a time that is known to the day, which is its first second; else day and time."""
        local = self.local(second)
        is_day = (local.hour, local.minute, local.second) == (0, 0, 0)
        return self.day(second) if is_day else self.day_and_time(second)

    def time(self, second: float) -> str:
        """Time of day to the minute."""
        return format_time(self.local(second), "HH:mm", locale=self.translator.language)

"""Read a printer's counters, as far as they agree with each other and with the last reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..base.outcome import Failed, NoData, Ok, Outcome
from ..identification.names import printable
from ..report import Reading, Supply
from . import printers
from .makers import COUNTERS, Maker

FASTEST_IPM = 300.0
SLACK = 200
LEVEL_UNKNOWN = (-1, -2, -3)
KINDS = {3: "toner", 4: "waste toner", 5: "ink", 6: "ink", 9: "drum", 10: "developer", 15: "fuser"}


def reading(
    answers: Mapping[str, object], table: Mapping[int, int], maker: Maker | None, at: int
) -> tuple[Outcome[Reading], str | None]:
    """What the counters say, and what they say that cannot be; `table` holds numbered counters.

    The total stands alone where its parts contradict it. Impressions, where the printer counts sheets, are
    its sheets: it counts nothing else.
    """
    total = answers.get(printers.LIFE_COUNT)
    if total is None:
        return NoData("the printer does not count its impressions"), None
    if not printers.is_count(total):
        return Failed(f"the printer reports {total!r} impressions, which is impossible"), None
    assert isinstance(total, int)
    parts = {name: _part(name, answers, table, maker) for name in COUNTERS}
    wrong = [name for name, value in parts.items() if value is not None and not printers.is_count(value)]
    believed: dict[str, Any] = {name: value for name, value in parts.items() if name not in wrong}
    try:
        return Ok(Reading(at, total, **believed)), _wrong(wrong, parts)
    except ValueError as error:
        apart: dict[str, Any] = {name: believed.get(name) for name in ("copies", "prints", "faxes", "scans")}
        return Ok(Reading(at, total, **apart)), f"the printer's counters contradict each other: {error}"


def _part(
    name: str, answers: Mapping[str, object], table: Mapping[int, int], maker: Maker | None
) -> int | None:
    """A counter of the maker's: the sum of those that the printer has, None where it has none of them."""
    if maker is None:
        return None
    single = [answers.get(oid) for oid in maker.counters.get(name, ())]
    numbered = [table.get(code) for code in maker.coded.codes.get(name, ())] if maker.coded else []
    found = [value for value in (*single, *numbered) if isinstance(value, int)]
    return sum(found) if found else None


def _wrong(names: Sequence[str], parts: Mapping[str, int | None]) -> str | None:
    if not names:
        return None
    return "; ".join(
        f"the printer reports {parts[name]} impressions of {name}, which is impossible" for name in names
    )


def numbered(numbers: Mapping[str, object], values: Mapping[str, object]) -> dict[int, int]:
    """Numbered counters by number, from a walk of the numbers and one of the values."""
    return {
        number: value
        for row, number in numbers.items()
        if isinstance(number, int) and isinstance(value := values.get(row), int)
    }


def after(fresh: Reading, before: Reading | None) -> tuple[Reading, str | None]:
    """The reading marked as a new start where it does not go on from the one before, with the reason.

    A counter that falls is that of another board; one that leaps faster than any printer prints is not
    believed as a difference, only as where to go on from.
    """
    if before is None:
        return replace(fresh, restarted=True), None
    why = jump(before.impressions, fresh.impressions, fresh.at - before.at)
    return replace(fresh, restarted=why is not None), why


def jump(before: int, now: int, elapsed_s: float) -> str | None:
    """Why two totals do not belong to one count, or None when they may."""
    if now < before:
        return f"the counter fell from {before} to {now}: its board was changed or reset"
    if now - before > SLACK + FASTEST_IPM * max(0.0, elapsed_s) / 60:
        return (
            f"the counter jumped from {before} to {now} in {elapsed_s:.0f} s, faster than any printer prints"
        )
    return None


def supplies(table: Mapping[str, object], colours: Mapping[str, object]) -> list[Supply]:
    """Supplies by a walk of prtMarkerSupplies, with the level where maximum and level are real numbers."""
    columns: dict[str, dict[str, object]] = {}
    for rest, value in table.items():
        column, _, row = rest.partition(".")
        columns.setdefault(column, {})[row] = value
    found = []
    for row, kind in columns.get("5", {}).items():
        number = columns.get("3", {}).get(row)
        colour = printable(colours.get(f"{row.partition('.')[0]}.{number}"))
        level = _level(columns.get("8", {}).get(row), columns.get("9", {}).get(row))
        found.append(Supply(KINDS.get(kind, "other") if isinstance(kind, int) else "other", colour, level))
    return found[:32]


def _level(most: object, left: object) -> float | None:
    """The share that is left; negative numbers are words ("unknown", "some left"), never shares."""
    if not isinstance(most, int) or not isinstance(left, int) or most <= 0 or left in LEVEL_UNKNOWN:
        return None
    return round(left / most, 3) if 0 <= left <= most else None

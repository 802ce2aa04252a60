"""A CSV of one's own: `start_utc`, `kg_per_kwh`, and if one likes `source` and `at_meter` (yes or no)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcimetre_factors.grid.observations import Reading

from .times import BadFeed, held, quantity, seconds

MOST_KG = 3.0


def readings(rows: Iterable[Mapping[str, object]]) -> list[Reading]:
    """Readings of every row with a value. Raises BadFeed."""
    return held(_readings(rows))


def _readings(rows: Iterable[Mapping[str, object]]) -> Iterator[Reading]:
    for line, row in enumerate(rows, start=2):
        where = f"row {line}"
        kg = quantity(row.get("kg_per_kwh"), where)
        if kg is None:
            continue
        if not 0 <= kg <= MOST_KG:
            raise BadFeed(f"{where}: {kg:g} kg CO2 eq per kWh is not plausible. Is the value in grams?")
        at_meter = f"{row.get('at_meter') or 'no'}".strip().lower()
        if at_meter not in ("yes", "no"):
            raise BadFeed(f"{where}: at_meter is {at_meter!r}; give yes if grid losses are included, else no")
        source = f"{row.get('source') or 'own values'}".strip()
        yield Reading(seconds(row.get("start_utc"), where), source, kg_per_kwh=kg, at_meter=at_meter == "yes")

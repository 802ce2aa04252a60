"""Own CSV: `start_utc`, `kg_per_kwh`, and optionally `source` and `at_meter` (yes or no)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcimetre_factors.grid.observations import GridObservation

from .times import BadFeed, fill_quarter_hours, parse_quantity, parse_time

MOST_KG = 3.0


def parse_rows(rows: Iterable[Mapping[str, object]]) -> list[GridObservation]:
    """Return the observations of every row with a value. Raises BadFeed."""
    return fill_quarter_hours(_observations(rows))


def _observations(rows: Iterable[Mapping[str, object]]) -> Iterator[GridObservation]:
    for line, row in enumerate(rows, start=2):
        where = f"row {line}"
        kg = parse_quantity(row.get("kg_per_kwh"), where)
        if kg is None:
            continue
        if not 0 <= kg <= MOST_KG:
            raise BadFeed(f"{where}: {kg:g} kg CO2 eq per kWh is not plausible. Is the value in grams?")
        at_meter = f"{row.get('at_meter') or 'no'}".strip().lower()
        if at_meter not in ("yes", "no"):
            raise BadFeed(f"{where}: at_meter is {at_meter!r}; give yes if grid losses are included, else no")
        source = f"{row.get('source') or 'own values'}".strip()
        yield GridObservation(
            parse_time(row.get("start_utc"), where), source, kg_per_kwh=kg, at_meter=at_meter == "yes"
        )

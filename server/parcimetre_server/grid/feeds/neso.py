"""NESO's Carbon Intensity API for Great Britain: shares of generation by fuel, in half hours.

Its own intensity counts direct emissions only and is refused; the shares give the life-cycle one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcimetre_factors.grid.observations import GridObservation

from .times import BadFeed, fill_quarter_hours, parse_quantity, parse_time

SOURCE = "NESO Carbon Intensity API"


def parse_records(rows: Iterable[Mapping[str, object]], zone: str) -> list[GridObservation]:
    """Return the observations of an answer of /generation. Raises BadFeed for other zones and /intensity."""
    if zone != "GB":
        raise BadFeed(f"the file is for Great Britain: import it with --zone GB, not {zone}")
    return fill_quarter_hours(_observations(rows))


def _observations(rows: Iterable[Mapping[str, object]]) -> Iterator[GridObservation]:
    for line, row in enumerate(rows, start=1):
        where = f"record {line}"
        mix = row.get("generationmix")
        if not isinstance(mix, list):
            raise BadFeed(
                f"{where}: direct emissions only; download /generation/FROM/TO instead of /intensity"
            )
        shares = {
            str(part["fuel"]): parse_quantity(part.get("perc"), where) for part in mix if "fuel" in part
        }
        known = {fuel: share for fuel, share in shares.items() if share is not None}
        if any(known.values()):
            yield GridObservation(parse_time(row.get("from"), where), SOURCE, known)

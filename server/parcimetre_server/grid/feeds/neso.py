"""NESO's Carbon Intensity API for Great Britain: shares of generation by fuel, in half hours.

Its own intensity counts direct emissions only and is refused; the shares give the life-cycle one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcimetre_factors.grid.observations import Reading

from .times import BadFeed, held, quantity, seconds

SOURCE = "NESO Carbon Intensity API"


def readings(rows: Iterable[Mapping[str, object]], zone: str) -> list[Reading]:
    """Readings of the answer of /generation. Raises BadFeed for another zone and for /intensity."""
    if zone != "GB":
        raise BadFeed(f"the file is for Great Britain: import it with --zone GB, not {zone}")
    return held(_readings(rows))


def _readings(rows: Iterable[Mapping[str, object]]) -> Iterator[Reading]:
    for line, row in enumerate(rows, start=1):
        where = f"record {line}"
        mix = row.get("generationmix")
        if not isinstance(mix, list):
            raise BadFeed(
                f"{where}: direct emissions only; download /generation/FROM/TO instead of /intensity"
            )
        shares = {str(part["fuel"]): quantity(part.get("perc"), where) for part in mix if "fuel" in part}
        known = {fuel: share for fuel, share in shares.items() if share is not None}
        if any(known.values()):
            yield Reading(seconds(row.get("from"), where), SOURCE, known)

"""eCO2mix of RTE: France's megawatts by fuel, and exchanges by neighbour where the file has them.

Columns as in the open data of ODRE and in RTE's own files. `date_heure` says its offset; `date` and `heure`
alone are of Paris, where the hour that a day of 25 has twice comes twice, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from parcimetre_factors.grid.observations import GridObservation

from .times import BadFeed, fill_quarter_hours, parse_quantity, parse_time

SOURCE = "RTE eCO2mix"
PARIS = ZoneInfo("Europe/Paris")
FUELS = {
    "fioul": "oil", "charbon": "coal", "gaz": "gas", "nucleaire": "nuclear", "eolien": "wind",
    "solaire": "solar", "hydraulique": "hydro", "bioenergies": "biomass",
}  # fmt: skip
PARTNERS = {
    "ech_comm_angleterre": "GB", "ech_comm_espagne": "ES", "ech_comm_italie": "IT", "ech_comm_suisse": "CH",
    "ech_comm_allemagne_belgique": "DE",
}  # fmt: skip
TIMES = ("start_utc", "date_heure", "date_et_heure")


def parse_rows(rows: Iterable[Mapping[str, object]], zone: str) -> list[GridObservation]:
    """Return the observations of every row with production. Raises BadFeed."""
    if zone != "FR":
        raise BadFeed(f"the file is eCO2mix, for France: import it with --zone FR, not {zone}")
    return fill_quarter_hours(_observations(rows))


def _observations(rows: Iterable[Mapping[str, object]]) -> Iterator[GridObservation]:
    local: set[datetime] = set()
    for line, row in enumerate(rows, start=2):
        where = f"row {line}"
        produced = _flows(row, FUELS, where)
        stated = next((row[name] for name in TIMES if row.get(name)), None)
        if stated is not None:
            start: int | None = parse_time(stated, where)
        elif row.get("date"):
            start = _paris(row, local, where, bool(produced))
        else:
            continue
        if produced and start is not None:
            yield GridObservation(start, SOURCE, produced, _flows(row, PARTNERS, where))


def _flows(row: Mapping[str, object], names: Mapping[str, str], where: str) -> dict[str, float]:
    cells = ((name, parse_quantity(row.get(column), f"{where}, {column}")) for column, name in names.items())
    return {name: mw for name, mw in cells if mw is not None}


def _paris(row: Mapping[str, object], seen: set[datetime], where: str, needed: bool) -> int | None:
    """Return the seconds UTC of an hour of Paris; None for one that does not exist, unless `needed`."""
    day, hour = f"{row['date']}", row.get("heure") or row.get("heures")
    stated = f"{'-'.join(reversed(day.split('/')))} {hour}"
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError:
        raise BadFeed(
            f"{where}: {stated!r} is not a valid date and hour (example: 2026-11-16 and 08:00)"
        ) from None
    here = moment.replace(tzinfo=PARIS, fold=int(moment in seen))
    seen.add(moment)
    start = int(here.timestamp())
    if datetime.fromtimestamp(start, UTC).astimezone(PARIS).replace(tzinfo=None) == moment:
        return start
    if needed:
        raise BadFeed(f"{where}: {stated} does not exist in Paris, where clocks skip that hour; remove it")
    return None

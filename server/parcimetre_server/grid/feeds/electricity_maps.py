"""Electricity Maps: life-cycle intensity of a zone's electricity, imports followed, as computed there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcimetre_factors.grid.observations import GridObservation

from .times import BadFeed, fill_quarter_hours, parse_quantity, parse_time

SOURCE = "Electricity Maps"
G_PER_KG = 1000
LIFE_CYCLE = ("carbon_intensity_gco2eq_kwh_life_cycle", "carbon_intensity_gco2eq_kwh_lca")


def parse_records(rows: Iterable[Mapping[str, object]], zone: str) -> list[GridObservation]:
    """Return the observations of the API's records. Raises BadFeed for other zones and direct emissions."""
    return fill_quarter_hours(_records(rows, zone))


def parse_rows(rows: Iterable[Mapping[str, object]], zone: str) -> list[GridObservation]:
    """Return the observations of the data portal's CSV. Raises BadFeed."""
    return fill_quarter_hours(_lines(rows, zone))


def _records(rows: Iterable[Mapping[str, object]], zone: str) -> Iterator[GridObservation]:
    for line, row in enumerate(rows, start=1):
        where = f"record {line}"
        _same(row.get("zone"), zone, where)
        if row.get("emissionFactorType", "lifecycle") != "lifecycle":
            raise BadFeed(f"{where}: direct emissions only; ask the API for emissionFactorType=lifecycle")
        yield from _observation(
            row.get("datetime"), row.get("carbonIntensity"), bool(row.get("isEstimated")), where
        )


def _lines(rows: Iterable[Mapping[str, object]], zone: str) -> Iterator[GridObservation]:
    for line, row in enumerate(rows, start=2):
        where = f"row {line}"
        _same(row.get("zone_id"), zone, where)
        column = next((name for name in LIFE_CYCLE if name in row), None)
        if column is None:
            raise BadFeed("the file has no life-cycle column; download the one with (Life cycle)")
        stated = f"{row.get('datetime_utc')}".removesuffix("Z") + "+00:00"
        estimated = f"{row.get('data_estimated')}".lower() == "true"
        yield from _observation(stated, row[column], estimated, where)


def _same(stated: object, zone: str, where: str) -> None:
    if stated not in (None, "", zone):
        raise BadFeed(f"{where}: the file is for zone {stated}: import it with --zone {stated}, not {zone}")


def _observation(time: object, grams: object, estimated: bool, where: str) -> Iterator[GridObservation]:
    g_per_kwh = parse_quantity(grams, where)
    if g_per_kwh is not None:
        source = f"{SOURCE}, estimated there" if estimated else SOURCE
        yield GridObservation(parse_time(time, where), source, kg_per_kwh=g_per_kwh / G_PER_KG)

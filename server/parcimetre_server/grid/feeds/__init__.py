"""Feeds of grid zones, one format per module: observations of slots in the files of publishers.

The format is detected from the file itself. Times must state their offset from UTC; empty cells are gaps.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from parcimetre_factors.grid.observations import GridObservation

from . import electricity_maps, entsoe, neso, own, rte
from .times import BadFeed

KNOWN = (
    "eCO2mix (CSV, TSV or JSON), Electricity Maps (JSON or CSV), ENTSO-E (XML, actual generation per type),"
    " NESO (JSON, generation mix), or a CSV of your own with start_utc and kg_per_kwh"
)


def parse_feed(text: str, zone: str) -> list[GridObservation]:
    """Return the observations of a zone in a file, by slot. Raises BadFeed with the fault and the fix."""
    plain = text.lstrip("\ufeff \r\n\t")
    if plain.startswith("<"):
        return _not_empty(_xml(plain))
    if plain.startswith(("{", "[")):
        return _not_empty(_json(plain, zone))
    return _not_empty(_rows(plain, zone))


def _xml(text: str) -> list[GridObservation]:
    try:
        return entsoe.parse_document(fromstring(text))
    except (ParseError, DefusedXmlException) as error:
        raise BadFeed(f"the file is not valid XML: {error}. Download it again.") from None


def _json(text: str, zone: str) -> list[GridObservation]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadFeed(f"the file is not valid JSON: {error}. Download it again.") from None
    rows = _listed(document)
    if any("carbonIntensity" in row for row in rows):
        return electricity_maps.parse_records(rows, zone)
    if any("generationmix" in row or "intensity" in row for row in rows):
        return neso.parse_records(rows, zone)
    if any("nucleaire" in row for row in rows):
        return rte.parse_rows(rows, zone)
    raise BadFeed(f"unknown file format. Known formats: {KNOWN}")


def _listed(document: object) -> list[Mapping[str, object]]:
    """The records of a document: itself, or what its one list holds."""
    if isinstance(document, Mapping):
        for name in ("history", "data", "results", "records"):
            if name in document:
                return _listed(document[name])
        return [document]
    return [row for row in document if isinstance(row, Mapping)] if isinstance(document, list) else []


def _rows(text: str, zone: str) -> list[GridObservation]:
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    table = csv.DictReader(io.StringIO(text), delimiter=separator)
    rows = [{_plain(name): cell for name, cell in row.items() if name} for row in table]
    names = {_plain(name) for name in table.fieldnames or ()}
    if "nucleaire" in names:
        return rte.parse_rows(rows, zone)
    if "kg_per_kwh" in names:
        return own.parse_rows(rows)
    if any(name.startswith("carbon_intensity") for name in names):
        return electricity_maps.parse_rows(rows, zone)
    raise BadFeed(f"unknown file format. Known formats: {KNOWN}")


def _plain(name: str) -> str:
    """Return a column's name without accents, unit and marks: "Nucléaire (MW)" is "nucleaire"."""
    letters = unicodedata.normalize("NFKD", name.replace("(MW)", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")


def _not_empty(observations: Iterable[GridObservation]) -> list[GridObservation]:
    """Return the observations as a list. Raises BadFeed when there is none."""
    listed = list(observations)
    if not listed:
        raise BadFeed("the file has no value for any slot: all its rows are empty")
    return listed

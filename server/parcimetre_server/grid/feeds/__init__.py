"""Feeds of grid zones, one format a file: what a publisher's file says of single slots.

A format is told from the file itself. Times must say their offset from UTC; what is left empty is a gap.
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
from parcimetre_factors.grid.observations import Reading

from . import electricity_maps, entsoe, neso, own, rte
from .times import BadFeed

KNOWN = (
    "eCO2mix (CSV, TSV or JSON), Electricity Maps (JSON or CSV), ENTSO-E (XML, actual generation per type),"
    " NESO (JSON, generation mix), or a CSV of your own with start_utc and kg_per_kwh"
)


def read(text: str, zone: str) -> list[Reading]:
    """What a file says of a zone, slot by slot. Raises BadFeed with what is wrong and the mend."""
    plain = text.lstrip("\ufeff \r\n\t")
    if plain.startswith("<"):
        return _checked(_xml(plain))
    if plain.startswith(("{", "[")):
        return _checked(_json(plain, zone))
    return _checked(_rows(plain, zone))


def _xml(text: str) -> list[Reading]:
    try:
        return entsoe.readings(fromstring(text))
    except (ParseError, DefusedXmlException) as error:
        raise BadFeed(f"the file is not valid XML: {error}. Download it again.") from None


def _json(text: str, zone: str) -> list[Reading]:
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadFeed(f"the file is not valid JSON: {error}. Download it again.") from None
    rows = _listed(told)
    if any("carbonIntensity" in row for row in rows):
        return electricity_maps.readings(rows, zone)
    if any("generationmix" in row or "intensity" in row for row in rows):
        return neso.readings(rows, zone)
    if any("nucleaire" in row for row in rows):
        return rte.readings(rows, zone)
    raise BadFeed(f"unknown file format. Known formats: {KNOWN}")


def _listed(told: object) -> list[Mapping[str, object]]:
    """The records of a document: itself, or what its one list holds."""
    if isinstance(told, Mapping):
        for name in ("history", "data", "results", "records"):
            if name in told:
                return _listed(told[name])
        return [told]
    return [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else []


def _rows(text: str, zone: str) -> list[Reading]:
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    table = csv.DictReader(io.StringIO(text), delimiter=separator)
    rows = [{_plain(name): cell for name, cell in row.items() if name} for row in table]
    names = {_plain(name) for name in table.fieldnames or ()}
    if "nucleaire" in names:
        return rte.readings(rows, zone)
    if "kg_per_kwh" in names:
        return own.readings(rows)
    if any(name.startswith("carbon_intensity") for name in names):
        return electricity_maps.table(rows, zone)
    raise BadFeed(f"unknown file format. Known formats: {KNOWN}")


def _plain(name: str) -> str:
    """A column's name without accents, unit and marks: "Nucléaire (MW)" is "nucleaire"."""
    letters = unicodedata.normalize("NFKD", name.replace("(MW)", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", letters.lower()).strip("_")


def _checked(found: Iterable[Reading]) -> list[Reading]:
    """The readings. Raises BadFeed when there is none."""
    readings = list(found)
    if not readings:
        raise BadFeed("the file has no value for any slot: all its rows are empty")
    return readings

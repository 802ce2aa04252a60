"""ENTSO-E Transparency Platform: actual generation per production type (document A75), as XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.grid.observations import GridObservation

from .times import BadFeed, parse_quantity, parse_time

SOURCE = "ENTSO-E Transparency Platform"
FUELS = {
    "B01": "biomass", "B02": "coal", "B03": "gas", "B04": "gas", "B05": "coal", "B06": "oil", "B07": "coal",
    "B08": "coal", "B09": "geothermal", "B10": "hydro", "B11": "hydro", "B12": "hydro", "B14": "nuclear",
    "B16": "solar", "B17": "biomass", "B18": "wind", "B19": "wind",
}  # fmt: skip
STEPS_S = {"PT15M": 900, "PT30M": 1800, "PT60M": 3600, "PT1H": 3600}
HOLDS = "A03"


def parse_document(document: Element) -> list[GridObservation]:
    """Return the observations of a document; consumption by a type (pumping) is left out.

    The document names a bidding zone, not a country: nothing checks that it is the one asked. Raises BadFeed.
    """
    if _name(document) != "GL_MarketDocument":
        raise BadFeed(
            f"the document is a {_name(document)}; ask for documentType=A75, actual generation per type"
        )
    mw: dict[int, dict[str, float]] = {}
    for series in _all(document, "TimeSeries"):
        if _text(series, "outBiddingZone_Domain.mRID") is not None:
            continue
        kind = _text(series, "psrType") or "?"
        fuel, holds = FUELS.get(kind, "other"), _text(series, "curveType") == HOLDS
        for period in _all(series, "Period"):
            for start, quantity_mw in _points(period, holds):
                of_slot = mw.setdefault(start, {})
                of_slot[fuel] = of_slot.get(fuel, 0.0) + quantity_mw
    return [GridObservation(start, SOURCE, produced) for start, produced in sorted(mw.items())]


def _points(period: Element, holds: bool) -> Iterator[tuple[int, float]]:
    """Yield the megawatts of each slot; a position left out has the value before it if the curve `holds`."""
    first = parse_time(_text(period, "start"), "timeInterval")
    last = parse_time(_text(period, "end"), "timeInterval")
    resolution = _text(period, "resolution") or ""
    step_s = STEPS_S.get(resolution)
    if step_s is None:
        raise BadFeed(f"unknown resolution {resolution!r}. Known resolutions: {', '.join(STEPS_S)}")
    points = list(_all(period, "Point"))
    stated = {_position(point): parse_quantity(_text(point, "quantity"), "Point") for point in points}
    before: float | None = None
    for position in range(1, (last - first) // step_s + 1):
        before = stated.get(position, before if holds else None)
        if before is not None:
            for offset in range(0, step_s, SLOT_S):
                yield first + (position - 1) * step_s + offset, before


def _position(point: Element) -> int:
    text = _text(point, "position") or ""
    if not re.fullmatch(r"\d{1,6}", text):
        raise BadFeed(f"a Point has the invalid position {text!r}. Download the file again.")
    return int(text)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: Element, name: str) -> Iterator[Element]:
    return (below for below in element.iter() if _name(below) == name)


def _text(element: Element, name: str) -> str | None:
    return next(((below.text or "").strip() for below in _all(element, name)), None)

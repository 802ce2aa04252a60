"""Paper and toner or ink of printed pages, reported apart from the printer's footprint.

Cradle to the point of sale, for climate only, as the factors are. An impression on A3 counts as two of A4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .explanation.leaves import MINUS, ONE, factor_leaf
from .explanation.term import Term, leaf, product, quotient, total
from .tables.factor_set import FactorSet

Paper = Literal["virgin", "recycled"]
UNIT = "kg CO2 eq"
HALF = leaf("sheets an impression on both sides", 0.5, "1", "constant")
NO_SPLIT = "The printer does not tell colour from black: all counts as black."
SAME_CARTRIDGE = "Both are estimated from the same cartridge, so their errors are one."
NO_DUPLEX = "The printer does not count sheets printed on both sides: each impression counts as a sheet."


@dataclass(frozen=True)
class PrintedPages:
    """Impressions of a period; `colour`, `duplex` and `a3` are parts of them, None where not counted.

    `duplex` are impressions on sheets that were printed on both sides.
    """

    impressions: float
    colour: float | None = None
    duplex: float | None = None
    a3: float | None = None
    marking: str | None = None


@dataclass(frozen=True)
class Consumables:
    """What was consumed, as terms: A4 sheets, and kg CO2 eq of paper and of toner or ink.

    `spared_by_duplex` is the paper that both sides spared; `spent_on_colour` what colour took beyond black.
    Each is None where the printer does not count it.
    """

    sheets: Term
    paper: Term
    marking: Term
    spared_by_duplex: Term | None
    spent_on_colour: Term | None


def consumed(pages: PrintedPages, paper: Paper, factors: FactorSet) -> Consumables:
    """Paper and toner or ink of some pages. Raises UnknownFactor where the tables lack one."""
    size = _size(pages)
    a_sheet = factor_leaf("a sheet", f"consumable.a4_{paper}.gwp", factors)
    impressions = leaf("impressions", pages.impressions, "impression", "measured")
    sheets = impressions
    spared: Term | None = None
    note = NO_DUPLEX
    if pages.duplex is not None:
        both = leaf("impressions on both sides", pages.duplex, "impression", "measured")
        fewer = product("sheets spared by both sides", "sheet", (both, HALF))
        sheets = total("sheets", "sheet", (impressions, product("spared", "sheet", (MINUS, fewer))))
        spared = product("spared by both sides", UNIT, (fewer, size, a_sheet))
        note = ""
    a4 = product("sheets of A4", "sheet", (sheets, size), note=note)
    marking, beyond_black = _marking(pages, size, factors)
    return Consumables(a4, product("paper", UNIT, (a4, a_sheet)), marking, spared, beyond_black)


def _size(pages: PrintedPages) -> Term:
    """A4 per impression: 1, and more by the share on A3."""
    if not pages.a3 or not pages.impressions:
        return ONE
    a3 = leaf("impressions on A3", pages.a3, "impression", "measured")
    whole = leaf("impressions", pages.impressions, "impression", "measured")
    return total("A4 an impression", "1", (ONE, quotient("share of A3", "1", (a3, whole))))


def _marking(pages: PrintedPages, size: Term, factors: FactorSet) -> tuple[Term, Term | None]:
    """Return toner or ink, and the share of colour beyond black; ink has no split by colour."""
    if pages.marking == "inkjet":
        a_page = factor_leaf("ink of a page", "consumable.ink_page.gwp", factors)
        all_pages = leaf("impressions", pages.impressions, "page", "measured")
        return product("ink", UNIT, (all_pages, size, a_page)), None
    black = factor_leaf("toner of a black page", "consumable.toner_page_black.gwp", factors)
    if pages.colour is None:
        all_pages = leaf("impressions", pages.impressions, "page", "measured")
        return product("toner", UNIT, (all_pages, size, black), note=NO_SPLIT), None
    colour = factor_leaf("toner of a colour page", "consumable.toner_page_colour.gwp", factors)
    in_black = leaf("black impressions", max(0.0, pages.impressions - pages.colour), "page", "measured")
    in_colour = leaf("colour impressions", pages.colour, "page", "measured")
    parts = (
        product("black", UNIT, (in_black, size, black)),
        product("colour", UNIT, (in_colour, size, colour)),
    )
    less = leaf("black over colour", black.value / colour.value, "1", "modelled", note=SAME_CARTRIDGE)
    share = total("share of colour beyond black", "1", (ONE, product("black", "1", (MINUS, less))))
    return total("toner", UNIT, parts), product("spent on colour", UNIT, (in_colour, size, colour, share))

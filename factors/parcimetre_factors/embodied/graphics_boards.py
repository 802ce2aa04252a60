"""Embodied impact of graphics boards: dies by their effective area, board by area, metal by mass, transport.

Method: the sum that BoaviztAPI 2.5.0 documents. A die's effective area is what of a 300 mm wafer it takes,
saw kerf and defects included: wafer area per good die, defects 0.1 per cm2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..criteria import UNITS, Criterion
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product, total
from ..tables.factor_set import FactorSet

WAFER_MM, KERF_MM, DEFECTS_PER_CM2, VRAM_MM2_PER_GB = 300.0, 0.2, 0.1, 15.5
UNKNOWN = "default"


@dataclass(frozen=True)
class Board:
    """A graphics board: masses in kg, areas in cm2 (board) and mm2 (dies, effective), transport in km."""

    name: str
    mass_kg: float
    casing_kg: float
    heatsink_kg: float
    board_cm2: float
    die_mm2: float
    vram_mm2: float
    ship_km: float
    truck_km: float
    source_url: str


def find_board(name: str | None, factors: FactorSet) -> Board | None:
    """The board of that name, maker's marks and case aside; None if not in the table."""
    wanted = _plain(name or "")
    rows = factors.facts.get("graphics", ())
    return next((_board(row) for row in rows if _plain(row["name"]) == wanted), None)


def graphics(board: Board, units: int, criterion: Criterion, factors: FactorSet) -> Term:
    """Impact of making, moving and discarding graphics boards of one kind."""
    one = total("one graphics board", UNITS[criterion], tuple(_parts(board, criterion, factors)))
    how_many = leaf("units", float(units), "1", "measured")
    return product("graphics board", UNITS[criterion], (how_many, one), detail=board.name)


def effective_mm2(die_mm2: float) -> float:
    """Wafer area that a good die of this area takes, in mm2."""
    cut = (math.sqrt(die_mm2) + KERF_MM) ** 2
    wafer = math.pi * (WAFER_MM / 2) ** 2
    dies = wafer / cut - math.pi * WAFER_MM / math.sqrt(2 * cut)
    return wafer / dies / math.exp(-math.sqrt(cut / 100 * DEFECTS_PER_CM2))


def _parts(board: Board, criterion: Criterion, factors: FactorSet) -> Iterator[Term]:
    amounts = (
        ("casing", board.casing_kg, "kg"), ("heat sink", board.heatsink_kg, "kg"),
        ("printed circuit board", board.board_cm2, "cm2"), ("graphics die", board.die_mm2, "mm2"),
        ("graphics memory", board.vram_mm2, "mm2"), ("transport of parts", board.mass_kg, "kg"),
        ("transport by ship", board.mass_kg * board.ship_km, "kg km"),
        ("transport by truck", board.mass_kg * board.truck_km, "kg km"), ("end of life", board.mass_kg, "kg"),
    )  # fmt: skip
    for label, amount, unit in amounts:
        name = f"component.graphics_{label.replace(' ', '_')}.{criterion}"
        given = leaf("amount", amount, unit, "given", detail=board.source_url)
        yield product(label, UNITS[criterion], (given, factor_leaf("impact per amount", name, factors)))


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("(r)", " ").replace("corporation", " ").split())


def _board(row: Mapping[str, str]) -> Board:
    gpu, vram_gb, vram_dies = float(row["die_mm2"]), float(row["vram_gb"]), int(row["vram_dies"])
    effective = gpu if row["die_is_effective"] == "yes" else effective_mm2(gpu)
    return Board(
        row["name"], float(row["mass_kg"]), float(row["casing_kg"]), float(row["heatsink_kg"]),
        float(row["board_cm2"]), effective,
        effective_mm2(vram_gb * VRAM_MM2_PER_GB / vram_dies) * vram_dies,
        float(row["ship_km"]), float(row["truck_km"]), row["source_url"],
    )  # fmt: skip

"""A maker's sheet is of one configuration: what is beyond it is added, what it lacks taken off.

Memory and SSDs by the area of their dies, hard disks by their number, with the components' own factors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..criteria import UNITS, Criterion
from ..explanation.leaves import factor_leaf
from ..explanation.term import Term, leaf, product, quotient, total
from ..hardware.description import Hardware
from ..tables.factor_set import FactorSet

GWP = Criterion.GWP


def corrections(subject: str, hardware: Hardware, factors: FactorSet) -> tuple[Term, ...]:
    """Climate impact of the difference to the sheet of a product ("maker|model"), by component.

    None where the sheet does not state its configuration, or the inventory does not know the parts.
    """
    rows = factors.facts.get("configurations", ())
    row = next((row for row in rows if row["subject"] == subject), None)
    return () if row is None else tuple(_corrections(row, hardware, factors))


def _corrections(row: Mapping[str, str], hardware: Hardware, factors: FactorSet) -> Iterator[Term]:
    memory_gb = sum(module.gb * module.units for module in hardware.memory)
    ssd_gb = sum(disk.gb * disk.units for disk in hardware.disks if disk.kind == "ssd")
    hdds = sum(disk.units for disk in hardware.disks if disk.kind == "hdd")
    known = ("memory_gb", memory_gb, hardware.memory), ("ssd_gb", ssd_gb, hardware.disks), (
        "hdds", hdds, hardware.disks,
    )  # fmt: skip
    for column, amount, parts in known:
        if parts and row[column] and amount != float(row[column]):
            yield _correction(column, amount, row, factors)


def _correction(column: str, amount: float, row: Mapping[str, str], factors: FactorSet) -> Term:
    unit, kg = "unit" if column == "hdds" else "GB", UNITS[GWP]
    more = total("difference to the sheet", unit, (
        leaf("in the inventory", float(amount), unit, "measured"),
        leaf("on the sheet, subtracted", -float(row[column]), unit, "given", detail=row["source_url"]),
    ))  # fmt: skip
    if column == "hdds":
        each = factor_leaf("hdd", f"component.hdd.{GWP}", factors)
        return product("disks beyond the sheet", kg, (more, each))
    kind = "memory" if column == "memory_gb" else "ssd"
    area = quotient("die area", "cm2", (more, factor_leaf("density", f"density.{kind}", factors)))
    per_area = factor_leaf("impact per area", f"component.{kind}_die.{GWP}", factors)
    label = "memory beyond the sheet" if kind == "memory" else "disks beyond the sheet"
    return product(label, kg, (area, per_area))

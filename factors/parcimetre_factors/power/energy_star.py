"""From the electricity of a year that a maker states (TEC) to watts awake: the ENERGY STAR test, backwards.

TEC = 8.76 x (sum over modes of watts x the mode's share of the year); the shares are those of the version in
force when the sheet was written (`power.test.*`). The two idle modes, display on and off, are one here: their
mean is what a sheet gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..explanation.leaves import MINUS, factor_leaf
from ..explanation.term import Term, leaf, product, quotient, total
from ..hardware.description import Hardware
from ..hardware.product_matching import Match, match
from ..tables.factor_set import Factor, FactorSet

VERSION_8_YEAR = 2021
HOURS = leaf("kilowatt-hours of a watt in a year", 8.76, "kWh/year/W", "constant")
TESTS = {"laptop": "laptop", "monitor": "monitor", "workstation": "workstation"}
ALWAYS_6 = frozenset({"thin_client"})
FAMILY = {"workstation": "desktop", "thin_client": "mini_pc"}


@dataclass(frozen=True)
class Consumption:
    """What a sheet of a kind of device states: kWh a year, and the year it was written in, where known."""

    kind: str
    tec_kwh: float
    year: int | None
    factor: str | None = None


def test_of(kind: str, year: int | None) -> str:
    """The name of the test by which a sheet of that year was made."""
    test = TESTS.get(kind, "desktop")
    if test in ("laptop", "monitor"):
        return f"power.test.{test}"
    new = (year or 0) >= VERSION_8_YEAR and kind not in ALWAYS_6
    return f"power.test.{test}.{8 if new else 6}"


def awake_term(stated: Consumption, factors: FactorSet) -> Term:
    """Watts awake in the test: TEC less its time off and asleep, over its time awake. A printer's mean."""
    tec = leaf(
        "yearly consumption", stated.tec_kwh, "kWh/year", "factor" if stated.factor else "given",
        factor=stated.factor,
    )  # fmt: skip
    mean = quotient("mean of the year", "W", (tec, HOURS))
    if stated.kind == "printer":
        return mean
    test, family = test_of(stated.kind, stated.year), FAMILY.get(stated.kind, stated.kind)
    quiet = tuple(
        product(
            f"{state} in the test", "W",
            (MINUS, factor_leaf("share of the year", f"{test}.{state}", factors),
             factor_leaf(state, f"power.{family}.{state}", factors)),
        )
        for state in ("off", "asleep")
        if f"{test}.{state}" in factors.factors
    )  # fmt: skip
    share = factor_leaf("share of the year", f"{test}.awake", factors)
    rest = total("mean without off and asleep", "W", (mean, *quiet))
    return quotient("awake in the test", "W", (rest, share))


def test_watts(stated: Consumption, factors: FactorSet) -> float:
    """The same as a number."""
    return awake_term(stated, factors).value


def sheet_of(hardware: Hardware, kind: str, factors: FactorSet) -> tuple[Match, Factor] | None:
    """The sheet that states this model's consumption, if it is one of that kind of device."""
    found = match(hardware.maker, hardware.model, hardware.category, factors, "product_power")
    sheets = [sheet for sheet in found.factors if sheet_kind(sheet) == kind] if found else []
    return (found, sheets[0]) if found and len(sheets) == 1 else None


def read(sheet: Factor) -> Consumption:
    """What a row of product_power.csv states."""
    return Consumption(sheet_kind(sheet), sheet.value, sheet.year, sheet.id)


def sheet_kind(sheet: Factor) -> str:
    """The kind of device that a row of product_power.csv is about, from its id."""
    return sheet.id.split(".")[2]

"""Fit client_power.csv to product_power.csv: watts awake by class, monitors by screen size, and their errors.

usage: fit_client_power.py product_carbon_footprints.csv   (Boavizta's database: only it states screen sizes)

Prints how far each is off on sheets that it was not made from. An error has two parts: what the sheets show,
and USE_SD, an estimate of ours for use that is unlike the test of the sheets.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, pstdev

import numpy as np
from build_products import COLUMNS, subject, write
from parcimetre_factors.power.energy_star import read, sheet_kind, test_of, test_watts
from parcimetre_factors.tables.factor_set import DISPUTED, Factor, FactorSet, load_factor_set

CLASSES = ("laptop", "desktop", "mini_pc", "all_in_one", "workstation", "thin_client")
USE_SD = math.log(1.5) / 1.96
USE = "and an estimate of 1.5 either way for use unlike the test"
OTHER_FACTOR = 4.0
USUAL_INCH = 24.0
FOLDS = 10
FEW = 10
DIGITS = re.compile(r"(OptiPlex|Latitude|Precision|XPS|Vostro|Inspiron|Wyse)\D*(\d{4})")
MONITOR = re.compile(r"\b([A-Z]+)(\d\d)\d*")
NOTE = "mean of display on and off in the test"
Out = list[tuple[object, ...]]


@dataclass(frozen=True)
class Sheet:
    """Watts awake that a sheet implies, share of the test with the display off, inches if stated."""

    kind: str
    subject: str
    watts: float
    dark: float
    inch: float


def main(database: Path) -> None:
    """Fit, judge and write."""
    sheets = read_sheets(database)
    rows: Out = []
    pooled, _ = spread_of_sisters(sheet for sheet in sheets if sheet.kind in CLASSES)
    for kind in CLASSES:
        rows += of_class(kind, [sheet for sheet in sheets if sheet.kind == kind], pooled)
    rows += other(next(row for row in rows if row[0] == "power.desktop.idle"))
    rows += [
        factor(
            "power.printer.sheet.error",
            "printer",
            1,
            0,
            "estimate: 1.5 either way for use unlike the test",
            "each sheet",
        )
    ]
    rows += displays(sheets)
    rows += monitors([sheet for sheet in sheets if sheet.kind == "monitor" and sheet.inch > 0])
    write("client_power", COLUMNS[:-1], rows)


def read_sheets(database: Path) -> list[Sheet]:
    """Every sheet that is not disputed."""
    with database.open(encoding="utf-8", newline="") as text:
        inches = {subject(row): float(row["screen_size"] or 0) for row in csv.DictReader(text)}
    known = load_factor_set()
    return [
        Sheet(
            sheet_kind(f), f.subject, test_watts(read(f), known), dark(f, known), inches.get(f.subject, 0.0)
        )
        for f in known.table("product_power")
        if f.quality != DISPUTED
    ]


def dark(sheet: Factor, known: FactorSet) -> float:
    """Share of the test's time awake with the display off."""
    name = f"{test_of(sheet_kind(sheet), sheet.year)}.dark"
    return known.get(name).value if name in known.factors else 0.0


def of_class(kind: str, sheets: Sequence[Sheet], pooled: float) -> Out:
    """Median watts of a class, its error for a model without a sheet, and that of a sheet.

    Where a class has few sisters, the spread within lines is that of all classes together.
    """
    watts = [sheet.watts for sheet in sheets]
    between = pstdev([math.log(value) for value in watts])
    within, pairs = spread_of_sisters(sheets)
    judge(kind, [(median(watts[:i] + watts[i + 1 :]), value) for i, value in enumerate(watts)])
    print(
        f"  between models {between:.3f}, within {pairs} sisters beyond the first of their line {within:.3f}"
    )
    many = f"{len(watts)} sheets"
    told = f"{pairs} sheets beyond the first"
    if pairs < FEW:
        within, told = pooled, f"{told}, so of all classes"
    return [
        factor(f"power.{kind}.idle", kind, median(watts), 0, "", f"median of {many}", NOTE),
        factor(f"power.{kind}.error", kind, 1, between, f"estimate: spread of {many}, {USE}", many),
        factor(f"power.{kind}.sheet.error", kind, 1, within,
               f"estimate: spread within lines and generations ({told}), {USE}", many),
    ]  # fmt: skip


def other(desktop: tuple[object, ...]) -> Out:
    """A device of no known class: a desktop, widely."""
    wide = math.log(OTHER_FACTOR) / 1.96
    return [
        factor("power.other.idle", "other", float(str(desktop[4])), 0, "", "as a desktop", NOTE),
        factor(
            "power.other.error",
            "other",
            1,
            wide,
            "estimate: factor four either way",
            "as a desktop",
            use=False,
        ),
    ]


def displays(sheets: Sequence[Sheet]) -> Out:
    """Share of an all-in-one's watts that its display takes: all-in-ones beside the micros of their line."""
    micros, shares = {line(s): s.watts for s in sheets if s.kind == "mini_pc" and line(s)}, []
    for sheet in sheets:
        if sheet.kind == "all_in_one" and line(sheet) in micros:
            display = (sheet.watts - micros[line(sheet)]) / (1 - sheet.dark)
            shares.append(display / (micros[line(sheet)] + display))
    shares.sort()
    print(f"all-in-one's display: {len(shares)} pairs, {shares[0]:.2f} to {shares[-1]:.2f}")
    return [(
        "power.all_in_one.display_share", "all_in_one display", "use", "", f"{median(shares):.4g}",
        f"{shares[0]:.4g}", f"{shares[-1]:.4g}", "source: least and most of the pairs", "1", "device", "",
        2023, "boavizta-pcf-2023", f"{len(shares)} OptiPlex all-in-ones beside micros of their generation",
        "",
    )]  # fmt: skip


def monitors(sheets: Sequence[Sheet]) -> Out:
    """ln(watts on) = a + b ln(inches / 24), by least squares; judged on ten folds by line and size."""
    x, y = (np.log([s.inch / USUAL_INCH for s in sheets]), np.log([s.watts for s in sheets]))
    b, a = np.polyfit(x, y, 1)
    folds = np.array([hash_of(sister(s)) % FOLDS for s in sheets])
    unseen = np.zeros_like(y)
    for k in range(FOLDS):
        slope, constant = np.polyfit(x[folds != k], y[folds != k], 1)
        unseen[folds == k] = constant + slope * x[folds == k]
    judge("monitor", list(zip(np.exp(unseen), np.exp(y), strict=True)))
    within, pairs = spread_of_sisters(sheets)
    sd = float(np.std(y - unseen))
    limit = [watts_allowed(s.inch) for s in sheets]
    share = median(s.watts / most for s, most in zip(sheets, limit, strict=True))
    print(f"  within lines {within:.3f}, unseen {sd:.3f}; {share:.2f} of the limit of Displays 7 (full HD)")
    many = f"{len(sheets)} sheets"
    return [
        factor("power.monitor.on", "monitor", math.exp(a), 0, "", f"fit over {many}: 24 inches"),
        factor("power.monitor.size", "monitor", float(b), 0, "", f"fit over {many}: exponent", unit="1"),
        factor("power.monitor.error", "monitor", 1, sd, f"estimate: 10-fold residuals, {USE}", many),
        factor("power.monitor.sheet.error", "monitor", 1, within,
               f"estimate: spread within lines and sizes ({pairs} sheets beyond the first), {USE}", many),
    ]  # fmt: skip


def watts_allowed(inch: float) -> float:
    """On watts by draft 2 of ENERGY STAR Displays 7.0: full HD, 16:9, half a watt asleep."""
    area = inch**2 * 16 * 9 / (16**2 + 9**2)
    tec = 6.13 * 2.07 + 91 * math.tanh(0.0016 * (area - 59) + 0.085) + 9
    return (tec / 8.76 - 0.65 * 0.5) / 0.35


def factor(
    name: str, subject: str, value: float, sd: float, basis: str, locator: str, note: str = "",
    unit: str = "", use: bool = True,
) -> tuple[object, ...]:  # fmt: skip
    """A row; without a basis its error is stated once, as that of its class."""
    whole = math.hypot(sd, USE_SD) if use else sd
    spread = math.exp(1.96 * whole) if basis else 1.0
    kind = name.split(".")[1]
    return (
        name, subject, "use", "", f"{value:.6g}", f"{value / spread if basis else value:.6g}",
        f"{value * spread if basis else value:.6g}", basis or f"error is stated once, as power.{kind}.error",
        unit or ("1" if basis else "W"), "device", "", 2023, "boavizta-pcf-2023",
        f"{locator}, by tools/fit_client_power.py", note,
    )  # fmt: skip


def spread_of_sisters(sheets: Iterable[Sheet]) -> tuple[float, int]:
    """Standard deviation of ln(watts) within lines and generations, and the degrees of freedom it has."""
    groups: dict[str, list[float]] = {}
    for sheet in sheets:
        if sister(sheet):
            groups.setdefault(sister(sheet), []).append(math.log(sheet.watts))
    squares = sum(pstdev(group) ** 2 * len(group) for group in groups.values())
    freedom = sum(len(group) - 1 for group in groups.values())
    return math.sqrt(squares / freedom) if freedom else 0.0, freedom


def sister(sheet: Sheet) -> str:
    """Line and generation of a computer, line and size of a monitor; empty where the name does not tell."""
    if sheet.kind == "monitor":
        found = MONITOR.search(sheet.subject.split("|")[1])
        return f"{found[1]} {found[2]}" if found else ""
    return f"{sheet.kind} {line(sheet)}" if line(sheet) else ""


def line(sheet: Sheet) -> str:
    """Line, form and generation (third digit) of a computer; of all but OptiPlexes the rank too."""
    found = DIGITS.search(sheet.subject)
    if not found:
        return ""
    name, digits = found.groups()
    if name != "OptiPlex":
        return f"{name} {digits[0]} {digits[2]}"
    form = "sff" if "Small" in sheet.subject else "tower" if "Tower" in sheet.subject else ""
    return f"{name} {form} {digits[2:] if digits[2:] == '00' else digits[2]}"


def hash_of(text: str) -> int:
    """A number that a text always gives."""
    return sum(ord(letter) * (i + 1) for i, letter in enumerate(text))


def judge(kind: str, pairs: Sequence[tuple[float, float]]) -> None:
    """How far off values are from what sheets state that they have not seen."""
    off = sorted(abs(told / stated - 1) for told, stated in pairs)
    bias = median(told / stated - 1 for told, stated in pairs)
    p90 = off[int(0.9 * (len(off) - 1))]
    print(f"{kind}: {len(off)} sheets, median {median(off):.1%}, p90 {p90:.1%}, bias {bias:+.1%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

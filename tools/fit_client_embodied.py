"""Fit what a client computer's or monitor's sheet says to what is known of the device: client_components.csv.

usage: fit_client_embodied.py product_carbon_footprints.csv   (Boavizta's database, ODbL 1.0)

Fitted is all of a sheet but its use stage, less processor, memory and disk by their own constants: a base,
and what grows with the squared diagonal (laptops, all-in-ones, monitors) or the weight (desktops, mini PCs),
by least absolute errors of the logarithm. Few sheets state memory or disk: the usual ones stand for the rest
(USUAL). Folds are by model line, so that a line is all seen or all unseen. Prints the error on unseen sheets
beside what else could be taken.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from build_products import Row, client_configuration, is_sound, slug, subject
from numpy.typing import NDArray
from parcimetre_factors.embodied.clients import parts_of
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory
from parcimetre_factors.tables.factor_set import COLUMNS, FactorSet, load_factor_set

OUT = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data" / "client_components.csv"
FOLDS, ROUNDS, STEPS = 10, 5, 60
DAMPING, LEAST_OFF = 0.7, 0.02
USUAL = Hardware("laptop", cpus=(Cpu(None, 1, 4),), memory=(Memory(8),), disks=(Disk("ssd", 256),))
USUAL_NOTE = "4 cores, 8 GB and an SSD of 256 GB assumed where a sheet does not state them"
SCREENED = {"laptop": "inch2", "all_in_one": "inch2", "monitor": "inch2"}
MINI = re.compile(r"micro|tiny|\bmini\b|nano|ultra\b", re.IGNORECASE)
THIN, ALL_IN_ONE = "thin_client", re.compile(r"imac|all-in-one|\baio\b", re.IGNORECASE)
LEAST_SCREEN_INCH = 10
ECODIAG = {
    "laptop": ((14, 250.0), (16, 294.0), (99, 365.0)),
    "monitor": ((24, 350.0), (32, 430.0), (99, 590.0)),
}  # fmt: skip
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """A sheet: kg CO2 eq of all stages but use, size (diagonal in inch, or weight in kg; 0 if not known)."""

    category: str
    line: str
    kg: float
    size: float
    parts_kg: float
    disk_gb: float | None
    model: str


def main(database: Path) -> None:
    """Fit, judge, write."""
    factors = load_factor_set()
    sheets = read(database, factors)
    table: list[tuple[object, ...]] = []
    for category, per in SCREENED.items():
        sized = [s for s in sheets if s.category == category and s.size >= LEAST_SCREEN_INCH]
        table += fitted_rows(category, per, sized)
        judge(category, sized, factors)
    boxes = [s for s in sheets if s.category in ("desktop", "mini_pc") and s.size > 0]
    table += fitted_rows("desktop", "kg", boxes)
    table += [usual_weight(form, [s for s in boxes if s.category == form]) for form in ("desktop", "mini_pc")]
    judge_boxes(boxes, factors)
    table.append(thin_clients([s for s in sheets if s.category == THIN]))
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(table)


def read(database: Path, factors: FactorSet) -> list[Sheet]:
    """The sound sheets of clients and monitors, a name that stands twice with different totals aside."""
    with database.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["category"] == "Workplace"]
    totals: dict[str, set[str]] = {}
    for row in rows:
        totals.setdefault(slug(subject(row)), set()).add(row["gwp_total"])
    sound = {slug(subject(row)): row for row in rows if is_sound(row)}
    found = (sheet(row, factors) for key, row in sorted(sound.items()) if len(totals[key]) == 1)
    return [s for s in found if s is not None]


def sheet(row: Row, factors: FactorSet) -> Sheet | None:
    """A row of the database; None for what is no client computer and no monitor."""
    category = category_of(row)
    if category is None:
        return None
    kg = float(row["gwp_total"]) * (1 - float(row["gwp_use_ratio"]))
    size = float(row["screen_size" if category in SCREENED else "weight"] or 0)
    memory_gb, ssd_gb = client_configuration(row)
    built = Hardware(
        category, cpus=USUAL.cpus, memory=(Memory(memory_gb),) if memory_gb else USUAL.memory,
        disks=(Disk("ssd", ssd_gb),) if ssd_gb else USUAL.disks,
    )  # fmt: skip
    parts_kg = 0.0 if category == "monitor" else sum(term.value for term in parts_of(built, factors))
    return Sheet(category, line_of(row), kg, size, parts_kg, ssd_gb, model_of(row))


def category_of(row: Row) -> str | None:
    """Ours for a row: an all-in-one states a screen, a mini PC its form in the name."""
    kind, name = row["subcategory"].lower(), row["name"]
    if kind == "thin client":
        return None if ALL_IN_ONE.search(name) or "5470" in name else THIN
    if kind == "desktop" and (float(row["screen_size"] or 0) >= LEAST_SCREEN_INCH or ALL_IN_ONE.search(name)):
        return None if re.match(r"precision \d", name.lower()) else "all_in_one"
    if kind == "desktop":
        return "mini_pc" if MINI.search(name) else "desktop"
    return {"laptop": "laptop", "monitor": "monitor"}.get(kind)


def line_of(row: Row) -> str:
    """A model line: maker, first word, and first digit of its number ("Dell latitude5")."""
    name = row["name"].lower()
    word = re.sub(r"[^a-z]", "", re.split(r"[\s-]", name)[0])
    digit = re.search(r"\d", name)
    return f"{row['manufacturer']} {word}{digit[0] if digit else ''}"


def model_of(row: Row) -> str:
    """A model without its configuration: sheet and name, what stands in brackets and capacities aside."""
    return row["sources"] + re.sub(r"\(.*?\)|[\d.]+ ?(GB|TB)", "", row["name"])


def features(sheets: Sequence[Sheet]) -> Array:
    """Base and size: squared diagonal, or weight."""
    power = [2 if s.category in SCREENED else 1 for s in sheets]
    return np.array([(1.0, s.size**p) for s, p in zip(sheets, power, strict=True)])


def fit(sheets: Sequence[Sheet]) -> Array:
    """Base and slope with the least absolute errors of the logarithm, by reweighted Gauss-Newton steps."""
    x, stated = features(sheets), np.array([s.kg for s in sheets])
    parts = np.array([s.parts_kg for s in sheets])
    found: Array = np.linalg.lstsq(x / stated[:, None], (stated - parts) / stated, rcond=None)[0]
    for _ in range(STEPS):
        shown = np.maximum(x @ found + parts, 1.0)
        off = np.log(shown / stated)
        weight = 1 / np.sqrt(np.maximum(np.abs(off), LEAST_OFF))
        step = np.linalg.lstsq(x * (weight / shown)[:, None], -off * weight, rcond=None)[0]
        found = found + DAMPING * step
    return found


def unseen(sheets: Sequence[Sheet], parts: Callable[[Sheet], float]) -> tuple[Array, Array]:
    """(predicted, stated) kg of each sheet, by fits without its line; `parts` is what a fit is told of it."""
    lines = sorted({s.line for s in sheets})
    predicted, stated = [], []
    for seed in range(ROUNDS):
        fold = dict(zip(lines, np.random.default_rng(seed).permutation(len(lines)) % FOLDS, strict=True))
        for k in range(FOLDS):
            out = [s for s in sheets if fold[s.line] == k]
            if out:
                found = fit([s for s in sheets if fold[s.line] != k])
                predicted += list(features(out) @ found + [parts(s) for s in out])
                stated += [s.kg for s in out]
    return np.array(predicted), np.array(stated)


def fitted_rows(category: str, per: str, sheets: Sequence[Sheet]) -> Iterator[tuple[object, ...]]:
    """Base, slope, and the error of the fit on unseen sheets."""
    base, slope = fit(sheets)
    predicted, stated = unseen(sheets, lambda s: s.parts_kg)
    low, high = np.quantile(stated / predicted, (0.025, 0.975))
    name, basis = f"client.{category}", f"error is stated once, as client.{category}.error"
    yield row_of(f"{name}.rest", category, base, base, base, basis, "device", sheets)
    yield row_of(f"{name}.per_{per}", category, slope, slope, slope, basis, per, sheets)
    if category != "monitor":
        usual = usual_parts_kg(sheets)
        yield usual_parts(f"{name}.usual_parts.gwp", category, usual, basis)
    basis = f"{FOLDS}-fold residuals on unseen model lines"
    yield row_of(f"{name}.error", category, 1, low, high, basis, "", sheets)


def usual_parts(name: str, category: str, kg: float, basis: str) -> tuple[object, ...]:
    """What stands for processor, memory and disk where they are not known."""
    return (
        name, category, "manufacturing", "gwp", f"{kg:.6g}", f"{kg:.6g}", f"{kg:.6g}", basis, "kg CO2 eq",
        "device", "", 2021, "uba-94-2021", "component constants of components.csv, summed", USUAL_NOTE,
    )  # fmt: skip


def usual_weight(form: str, sheets: Sequence[Sheet]) -> tuple[object, ...]:
    """Median weight of a form, for those whose weight is not known."""
    low, value, high = np.quantile([s.size for s in sheets], (0.025, 0.5, 0.975))
    basis = "source: percentiles of the sheets' weights"
    return (
        f"client.{form}.usual_kg", form, "", "", f"{value:.4g}", f"{low:.4g}", f"{high:.4g}", basis, "kg",
        "device", "", 2023, "boavizta-pcf-2023", f"median weight of {len(sheets)} sheets", "",
    )  # fmt: skip


def thin_clients(sheets: Sequence[Sheet]) -> tuple[object, ...]:
    """The average of thin clients, which stands in no other source."""
    kg = [s.kg for s in sheets]
    value, basis = float(np.median(kg)), "source: lowest and highest sheet"
    found = row_of(
        "category.thin_client", "mini_pc/thin_client", value, min(kg), max(kg), basis, "device", sheets
    )
    return (*found[:-1], "all embodied stages together; all of one maker, 2018 to 2020")


def row_of(
    name: str,
    about: str,
    value: float,
    low: float,
    high: float,
    basis: str,
    per: str,
    sheets: Sequence[Sheet],
) -> tuple[object, ...]:
    """A row of client_components.csv; without `per` it is an error."""
    error = not per
    return (
        name if error else f"{name}.gwp", about, "manufacturing", "" if error else "gwp", f"{value:.6g}",
        f"{low:.6g}", f"{high:.6g}", basis, "1" if error else "kg CO2 eq", per or "device", "", 2023,
        "boavizta-pcf-2023", f"fit over {len(sheets)} sheets by tools/fit_client_embodied.py",
        "" if about == "monitor" else USUAL_NOTE,
    )  # fmt: skip


def judge(category: str, sheets: Sequence[Sheet], factors: FactorSet) -> None:
    """Print how the fit does on unseen sheets, beside averages."""
    stated = np.array([s.kg for s in sheets])
    show(f"{category}: category average", averages(sheets, factors), stated)
    if category in ECODIAG:
        by_size = [next(kg for below, kg in ECODIAG[category] if s.size < below) for s in sheets]
        show(f"{category}: EcoDiag by size", np.array(by_size), stated)
    show(f"{category}: fit by size", *unseen(sheets, lambda s: s.parts_kg))
    if any(s.disk_gb for s in sheets):
        usual_kg = usual_parts_kg(sheets)
        show("  disk stated, by size alone", *of_known(sheets, lambda _: usual_kg))
        show("  disk stated, with components", *of_known(sheets, lambda s: s.parts_kg))
        judge_pairs(sheets)


def averages(sheets: Sequence[Sheet], factors: FactorSet) -> Array:
    """What the category's average says of each sheet."""
    return np.array([factors.get(f"category.{s.category}.gwp").value for s in sheets])


def usual_parts_kg(sheets: Sequence[Sheet]) -> float:
    """What the usual processor, memory and disk weigh in."""
    return next(s.parts_kg for s in sheets if not s.disk_gb)


def judge_pairs(sheets: Sequence[Sheet]) -> None:
    """Print how much of the difference between two sheets of one model, but for its disk, is explained."""
    pairs = [
        (abs(a.kg - b.kg), abs(a.kg - b.kg - a.parts_kg + b.parts_kg))
        for a, b in combinations([s for s in sheets if s.disk_gb], 2)
        if a.model == b.model and a.disk_gb != b.disk_gb
    ]
    without, explained = np.median(np.array(pairs), axis=0)
    print(f"  {len(pairs)} pairs of one model: {without:.1f} kg apart, {explained:.1f} kg with components")


def of_known(sheets: Sequence[Sheet], parts: Callable[[Sheet], float]) -> tuple[Array, Array]:
    """(predicted, stated) of sheets that state their disk, by fits without their line."""
    marked = [s for s in sheets if s.disk_gb]
    predicted = []
    for s in marked:
        found = fit([other for other in sheets if other.line != s.line])
        predicted.append(float((features([s]) @ found)[0]) + parts(s))
    return np.array(predicted), np.array([s.kg for s in marked])


def judge_boxes(sheets: Sequence[Sheet], factors: FactorSet) -> None:
    """The same for desktops and mini PCs: with the weight, and with the form's usual weight."""
    stated = np.array([s.kg for s in sheets])
    show("desktop, mini PC: category average", averages(sheets, factors), stated)
    show("desktop, mini PC: fit by weight", *unseen(sheets, lambda s: s.parts_kg))
    usual = {c: float(np.median([s.size for s in sheets if s.category == c])) for c in ("desktop", "mini_pc")}
    show("desktop, mini PC: fit, usual weight", *unseen_usual(sheets, usual))


def unseen_usual(sheets: Sequence[Sheet], usual: dict[str, float]) -> tuple[Array, Array]:
    """(predicted, stated) where only the form is known of an unseen sheet."""
    predicted = []
    for s in sheets:
        base, slope = fit([other for other in sheets if other.line != s.line])
        predicted.append(base + slope * usual[s.category] + s.parts_kg)
    return np.array(predicted), np.array([s.kg for s in sheets])


def show(title: str, predicted: Array, stated: Array) -> None:
    """One line: median and 90th percentile of the absolute error, median error."""
    error = predicted / stated - 1
    size = np.abs(error)
    print(
        f"{title:40} median {np.median(size):6.1%}  p90 {np.quantile(size, 0.9):6.1%}  "
        f"bias {np.median(error):+6.1%}  {len(stated)} predictions"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

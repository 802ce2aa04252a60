"""Fit idle and full-load wall power of servers to SPECpower results and write server_power.csv.

usage: fit_server_power.py measured_watts.csv

ln(watts) = constant + a ln(processors) + b ln(cores per processor) + c ln(GB) + d (year - 2015) + e AMD,
least squares over single-node systems. The model's own error is the spread of residuals on systems that
the fit has not seen (10 folds by system). Prints that error.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.factor import COLUMNS

OUT = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data" / "server_power.csv"
NAMES = ("constant", "processors", "cores", "memory", "year", "amd")
BASE_YEAR = 2015
FOLDS = 10
Array = NDArray[np.float64]


def main(measured: Path) -> None:
    """Fit, judge, write."""
    with measured.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if usable(row)]
    x = np.array([features(row) for row in rows])
    table: list[tuple[object, ...]] = []
    for load, column in (("idle", "watts_idle"), ("full", "watts_100")):
        y = np.log([float(row[column]) for row in rows])
        table += coefficients(load, fit(x, y), len(rows))
        residuals = unseen(x, y)
        ape = np.abs(np.exp(-residuals) - 1)
        print(f"{load}: median {np.median(ape):.1%}, p90 {np.quantile(ape, 0.9):.1%}, n {len(rows)}")
        low, high = np.exp(np.quantile(residuals, (0.025, 0.975)))
        basis = "10-fold residuals on unseen systems"
        table.append(row_of(f"{load}.error", 1.0, low, high, basis, "1", len(rows)))
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(table)


def usable(row: dict[str, str]) -> bool:
    """Single nodes with every figure and a plausible year."""
    needed = ("chips", "cores", "memory_gb", "watts_idle", "watts_100")
    year = year_of(row)
    return row["nodes"] == "1" and all(row[name] for name in needed) and 2007 <= year <= 2024


def year_of(row: dict[str, str]) -> int:
    """Year of submission, 0 where it is garbled."""
    found = re.search(r"20\d\d", row["submitted"])
    return int(found[0]) if found else 0


def features(row: dict[str, str]) -> list[float]:
    """The model's inputs."""
    chips, cores = float(row["chips"]), float(row["cores"])
    amd = float("AMD" in row["cpu"])
    memory, year = math.log(float(row["memory_gb"])), year_of(row) - BASE_YEAR
    return [1.0, math.log(chips), math.log(cores / chips), memory, float(year), amd]


def fit(x: Array, y: Array) -> Array:
    """Least squares."""
    solution: Array = np.linalg.lstsq(x, y, rcond=None)[0]
    return solution


def unseen(x: Array, y: Array) -> Array:
    """Residuals (measured less predicted, of logarithms) of each system by a fit without its fold."""
    fold = np.random.default_rng(1).permutation(len(y)) % FOLDS
    residuals = np.empty_like(y)
    for k in range(FOLDS):
        out = fold == k
        residuals[out] = y[out] - x[out] @ fit(x[~out], y[~out])
    return residuals


def coefficients(load: str, solution: Array, n: int) -> list[tuple[object, ...]]:
    """One row a coefficient; the constant as watts."""
    values = [math.exp(solution[0]), *solution[1:]]
    basis = f"error is stated once, as server.{load}.error"
    return [
        row_of(f"{load}.{name}", value, value, value, basis, "W" if name == "constant" else "1", n)
        for name, value in zip(NAMES, values, strict=True)
    ]


def row_of(
    name: str, value: float, low: float, high: float, basis: str, unit: str, n: int
) -> tuple[object, ...]:
    """A row of server_power.csv."""
    return (
        f"power.server.{name}", "server", "use", "", f"{value:.6g}", f"{low:.6g}", f"{high:.6g}", basis, unit,
        "server", "", "", "specpower-2008",
        f"fit over {n} single-node systems by tools/fit_server_power.py", "",
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Fit idle and full-load wall power of servers to SPECpower results and write server_power.csv.

usage: fit_server_power.py tests/data/power/specpower.csv

The features are those of parcimetre_factors.power.servers. Ridge regression of ln(watts) over single-node
results; generations, makers and processors are drawn towards no effect (PENALTY). Folds are by system: the
results of one system are all seen or all unseen. Prints the error on unseen systems; its 2.5 to 97.5
percentiles are the model's range. Prints also who shares that error, and how far off generations are that the
fit has not seen.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.hardware.description import Cpu, Hardware, Memory
from parcimetre_factors.power.servers import features, generation_of, maker_key
from parcimetre_factors.tables.factor_set import COLUMNS, FactorSet, load_factor_set

OUT = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data" / "server_power.csv"
PENALTY = {"constant": 0.0, "generation": 0.3, "maker": 4.0, "processor": 1.0}
CONTINUOUS_PENALTY = 1e-3
FOLDS, ROUNDS = 10, 20
COLUMN = {"idle": "watts_idle", "full": "watts_100"}
Array = NDArray[np.float64]
Row = dict[str, str]


def main(measured: Path) -> None:
    """Fit, judge, write."""
    rows = read(measured)
    names, x = design([server(row) for row in rows], load_factor_set())
    penalty = penalties(names)
    table: list[tuple[object, ...]] = []
    for load, column in COLUMN.items():
        y = np.log([float(row[column]) for row in rows])
        basis = f"error is stated once, as server.{load}.error"
        for name, value in zip(names, fit(x, y, penalty), strict=True):
            shown, unit = (math.exp(value), "W") if name == "constant" else (value, "1")
            table.append(row_of(f"{load}.{name}", shown, shown, shown, basis, unit, len(rows)))
        residuals = unseen(x, y, penalty, [system(row) for row in rows])
        print(judged(load, residuals, len(rows)))
        each = residuals.reshape(ROUNDS, len(rows)).mean(axis=0)
        told = (f"{name} {common(each, keys):.0%}" for name, keys in owners(rows).items())
        print(f"  share of its variance that is common to a {', to a '.join(told)}")
        off = generations_unseen(x, y, penalty, owners(rows)["generation"])
        print(f"  unseen generations: sd of the mean error {np.std(list(off.values())):.2f}")
        low, high = np.exp(np.quantile(residuals, (0.025, 0.975)))
        basis = f"{FOLDS}-fold residuals on unseen systems"
        table.append(row_of(f"{load}.error", 1.0, low, high, basis, "1", len(rows)))
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(table)


def read(measured: Path) -> list[Row]:
    """The usable results of a table."""
    with measured.open(encoding="utf-8", newline="") as text:
        return [row for row in csv.DictReader(text) if usable(row)]


def penalties(names: Sequence[str]) -> Array:
    """How strongly each effect is drawn towards none."""
    return np.array([PENALTY.get(name.split(".")[0], CONTINUOUS_PENALTY) for name in names])


def usable(row: Row) -> bool:
    """Single nodes with every figure."""
    return row["nodes"] == "1" and all(
        row[name] for name in ("chips", "cores", "memory_gb", *COLUMN.values())
    )


def system(row: Row) -> str:
    """The system of a result, its configuration aside."""
    return f"{row['vendor_sponsor'].split()[0]} {row['system'].split('(')[0].strip()}".lower()


def server(row: Row) -> Hardware:
    """The result's server as an agent would describe it."""
    chips, cores = int(row["chips"]), int(row["cores"])
    found = re.search(r"20\d\d", row["submitted"])
    return Hardware(
        "server", row["vendor_sponsor"], year=int(found[0]) if found else None,
        cpus=(Cpu(row["cpu"], chips, cores // chips),), memory=(Memory(float(row["memory_gb"])),),
    )  # fmt: skip


def design(servers: Sequence[Hardware], factors: FactorSet) -> tuple[list[str], Array]:
    """Names of the features (f,) and how much of each a server has (n, f)."""
    amounts = [
        {"constant": 1.0} | {feature.name: feature.amount for feature in features(found, factors)}
        for found in servers
    ]
    names = list(dict.fromkeys(name for row in amounts for name in row))
    return names, np.array([[row.get(name, 0.0) for name in names] for row in amounts])


def fit(x: Array, y: Array, penalty: Array) -> Array:
    """Ridge regression."""
    solution: Array = np.linalg.solve(x.T @ x + np.diag(penalty + 1e-9), x.T @ y)
    return solution


def unseen(x: Array, y: Array, penalty: Array, systems: Sequence[str]) -> Array:
    """Residuals (measured less predicted, of logarithms) of each system by fits without its fold."""
    names = sorted(set(systems))
    index = np.array([names.index(name) for name in systems])
    rounds = []
    for seed in range(ROUNDS):
        fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[index]
        residuals = np.empty_like(y)
        for k in range(FOLDS):
            out = fold == k
            residuals[out] = y[out] - x[out] @ fit(x[~out], y[~out], penalty)
        rounds.append(residuals)
    return np.concatenate(rounds)


def owners(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Whom an error may belong to: the generation, maker and system of each result."""
    servers = [server(row) for row in rows]
    generations = (generation_of(each.cpus[0].model or "") for each in servers)
    return {
        "generation": [found.name if found else "" for found in generations],
        "maker": [maker_key(each.maker) for each in servers],
        "system": [system(row) for row in rows],
    }


def common(errors: Array, keys: Sequence[str]) -> float:
    """Share of the errors' variance that is common to those with the same key.

    Method: one-way analysis of variance with random effects and groups of unequal size.
    """
    groups = [errors[np.array([key == name for key in keys])] for name in sorted(set(keys))]
    n, k = len(errors), len(groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / (n - k)
    between = sum(len(group) * float(group.mean() - errors.mean()) ** 2 for group in groups) / (k - 1)
    size = (n - sum(len(group) ** 2 for group in groups) / n) / (k - 1)
    shared = max(0.0, (between - within) / size)
    return shared / (shared + within)


def generations_unseen(x: Array, y: Array, penalty: Array, generations: Sequence[str]) -> dict[str, float]:
    """Mean error of the logarithm over each generation of three results or more, by a fit without it."""
    found = {}
    for name in sorted(set(generations) - {""}):
        out = np.array([generation == name for generation in generations])
        if out.sum() >= 3:
            found[name] = float(np.mean(y[out] - x[out] @ fit(x[~out], y[~out], penalty)))
    return found


def judged(load: str, residuals: Array, n: int) -> str:
    """Error on unseen systems, as a share of what was measured."""
    error = np.exp(-residuals) - 1
    size = np.abs(error)
    return (
        f"{load}: median {np.median(size):.1%}, p90 {np.quantile(size, 0.9):.1%}, "
        f"bias {np.median(error):+.1%}, n {n}"
    )


def row_of(
    name: str, value: float, low: float, high: float, basis: str, unit: str, n: int
) -> tuple[object, ...]:
    """A row of server_power.csv."""
    return (
        f"power.server.{name}", f"server {name.partition('.')[0]}", "use", "", f"{value:.6g}", f"{low:.6g}",
        f"{high:.6g}", basis, unit, "server", "", "", "specpower-2008",
        f"fit over {n} single-node systems by tools/fit_server_power.py", "",
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))

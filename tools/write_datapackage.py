"""Write what describes the factor tables: datapackage.json (Frictionless) and ATTRIBUTION.md.

usage: write_datapackage.py

Both follow from what is written elsewhere: columns from the tables' headers and the README beside them,
sources from the rows that cite them, licences from REUSE.toml. The version alone is set here.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from parcimetre_factors.tables.distribution import DISTRIBUTIONS
from parcimetre_factors.tables.factor_set import (
    COLUMNS,
    DISPUTED,
    ESTIMATE,
    PACKAGE,
    SHIPPED,
    FactorSet,
    Source,
    load_factor_set,
)

VERSION = "2026.11"  # of the tables: raised with each release that ships other ones
ATTRIBUTION = "ATTRIBUTION.md"
ROOT = Path(__file__).parents[1]
NUMBERS = frozenset({
    "value", "low", "high", "rel_sd", "tdp_w", "die_mm2", "mass_kg", "casing_kg", "heatsink_kg", "board_cm2",
    "vram_gb", "ship_km", "truck_km", "memory_gb", "ssd_gb", "hdd_gb", "psu_kg", "below_kg",
})  # fmt: skip
WHOLE = frozenset({
    "year", "cores", "threads", "vram_dies", "hdds", "cpus", "memory_modules", "ssds", "psus",
})  # fmt: skip
MUST = frozenset({"id", "subject", "value", "low", "high", "range_basis", "unit", "per", "source", "locator"})
CONSTRAINTS: dict[str, dict[str, Any]] = {
    "distribution": {"enum": ["", *DISTRIBUTIONS]},
    "quality": {"enum": ["", ESTIMATE, DISPUTED]},
    "rel_sd": {"minimum": 0},
}
FACTS_OF = {
    "archetypes": ("boaviztapi-2.5.0",), "classes": ("ecodiag-2022",),
    "configurations": ("boavizta-pcf-2023",), "cpus": ("cpus-table",), "graphics": ("boaviztapi-2.5.0",),
    "known_faults": ("boavizta-pcf-2023",), "zones": ("owid-ember-2025",),
}  # fmt: skip


def main() -> None:
    """Write both beside the tables."""
    for name, text in written(load_factor_set()).items():
        (SHIPPED / name).write_text(text, encoding="utf-8")


def written(factors: FactorSet) -> dict[str, str]:
    """The text of each file by its name."""
    package = {
        "profile": "tabular-data-package",
        "name": "parcimetre-factors",
        "title": "Factors of the footprint of IT equipment",
        "id": factors.id,
        "version": VERSION,
        "resources": [resource(file, factors) for file in sorted(SHIPPED.glob("*.csv"))],
    }
    return {
        PACKAGE: json.dumps(package, indent=1, ensure_ascii=False) + "\n",
        ATTRIBUTION: attribution(factors),
    }


def resource(file: Path, factors: FactorSet) -> dict[str, Any]:
    """One table: its columns, sources and licences."""
    with file.open(encoding="utf-8", newline="") as text:
        header = next(csv.reader(text))
    cited = sources_of(file.stem, factors)
    told = descriptions() if set(COLUMNS) <= set(header) else {}
    schema: dict[str, Any] = {"fields": [field(name, told.get(name, "")) for name in header]}
    if header[0] in ("id", "zone", "name"):
        schema["primaryKey"] = header[0]
    return {
        "name": file.stem, "path": file.name, "profile": "tabular-data-resource", "encoding": "utf-8",
        "schema": schema, "licenses": licences(file),
        "sources": [{"title": f"{s.publisher}: {s.title}", "path": s.url} for s in cited],
    }  # fmt: skip


def licences(file: Path) -> list[dict[str, str]]:
    """The SPDX names that REUSE.toml puts the file under: its last annotation of the file is in force."""
    annotations = tomllib.loads((ROOT / "REUSE.toml").read_text(encoding="utf-8"))["annotations"]
    inside = file.resolve().relative_to(ROOT).as_posix()
    named = [a["SPDX-License-Identifier"] for a in annotations if any(fnmatch(inside, p) for p in paths(a))]
    names = re.split(r" AND ", named[-1])
    return [{"name": name, "path": f"https://spdx.org/licenses/{name}.html"} for name in names]


def paths(annotation: dict[str, Any]) -> list[str]:
    """The paths that an annotation is about."""
    path = annotation["path"]
    return [path] if isinstance(path, str) else list(path)


def descriptions() -> dict[str, str]:
    """What the README says of each column of factor tables."""
    told: dict[str, str] = {}
    section = (SHIPPED / "README.md").read_text(encoding="utf-8").split("## ")[1]
    for row in re.findall(r"^\| (`.*?) \| (.*?) \| .*? \|$", section, re.MULTILINE):
        told |= {name: row[1].replace("\\|", "|") for name in re.findall(r"`(\w+)`", row[0])}
    return told


def field(name: str, description: str) -> dict[str, Any]:
    """A column: its type, what it means, and what may stand in it."""
    kind = "number" if name in NUMBERS else "integer" if name in WHOLE else "string"
    about: dict[str, Any] = {"name": name, "type": kind}
    if description:
        about["description"] = description
    constraints = ({"required": True} if name in MUST else {}) | CONSTRAINTS.get(name, {})
    return {**about, "constraints": constraints} if constraints else about


def sources_of(table: str, factors: FactorSet) -> list[Source]:
    """The sources that a table's rows cite, by id."""
    cited = {factor.source.id for factor in factors.table(table)} | set(FACTS_OF.get(table, ()))
    return [factors.sources[name] for name in sorted(cited)]


def attribution(factors: FactorSet) -> str:
    """Every source with what is bound to its use, and the tables that rest on it."""
    tables = sorted({*factors.tables, *FACTS_OF})
    lines = [
        "# Attribution",
        "",
        "Written by `tools/write_datapackage.py` from `sources.csv` and the rows that cite it.",
        "",
        "| source | licence | tables |",
        "| --- | --- | --- |",
    ]
    for source in factors.sources.values():
        used = ", ".join(f"`{t}.csv`" for t in tables if source in sources_of(t, factors))
        title = f"[{source.publisher}: {source.title}]({source.url}), {source.year}"
        lines.append(f"| {title} | {source.licence} | {used or 'bases of ranges and of fits'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""Write what describes the factor tables: datapackage.json (Frictionless) and ATTRIBUTION.md.

usage: write_datapackage.py

Both follow from the tables: columns from their headers, sources and licences from the rows that cite them.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from parcimetre_factors.factor import SHIPPED, FactorSet, Source, load_factor_set

PACKAGE, ATTRIBUTION = "datapackage.json", "ATTRIBUTION.md"
NUMBERS = frozenset({
    "value", "low", "high", "tdp_w", "die_mm2", "mass_kg", "casing_kg", "heatsink_kg", "board_cm2", "vram_gb",
    "ship_km", "truck_km", "memory_gb", "ssd_gb",
    "hdd_gb", "psu_kg", "below_kg",
})  # fmt: skip
WHOLE = frozenset({
    "year", "cores", "threads", "vram_dies", "hdds", "cpus", "memory_modules", "ssds", "psus",
})  # fmt: skip
MUST = frozenset({"id", "subject", "value", "low", "high", "range_basis", "unit", "per", "source", "locator"})
LICENCES = {
    "CC BY 4.0": "CC-BY-4.0", "EUPL-1.2": "EUPL-1.2", "Licence Ouverte / Etalab 2.0": "etalab-2.0",
    "ODbL 1.0 (database) and DbCL 1.0 (contents)": "ODbL-1.0",
}  # fmt: skip
FACTS = "other-open"
FACTS_OF = {
    "archetypes": ("boaviztapi-2.5.0",), "classes": ("ecodiag-2022",),
    "configurations": ("boavizta-pcf-2023",), "cpus": ("cpus-table",), "graphics": ("boaviztapi-2.5.0",),
    "zones": ("owid-ember-2025",),
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
    schema: dict[str, Any] = {"fields": [field(name) for name in header]}
    if header[0] in ("id", "zone", "name"):
        schema["primaryKey"] = header[0]
    return {
        "name": file.stem, "path": file.name, "profile": "tabular-data-resource", "encoding": "utf-8",
        "schema": schema, "licenses": licences(cited),
        "sources": [{"title": f"{s.publisher}: {s.title}", "path": s.url} for s in cited],
    }  # fmt: skip


def licences(cited: list[Source]) -> list[dict[str, str]]:
    """What the use of sources is bound to, each once."""
    return [
        {"name": LICENCES.get(title, FACTS), "title": title} for title in sorted({s.licence for s in cited})
    ]


def field(name: str) -> dict[str, Any]:
    """A column: its type, and whether it may be empty."""
    kind = "number" if name in NUMBERS else "integer" if name in WHOLE else "string"
    about: dict[str, Any] = {"name": name, "type": kind}
    return {**about, "constraints": {"required": True}} if name in MUST else about


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

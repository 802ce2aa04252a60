"""Write products.csv: embodied impact of models, from manufacturers' product carbon footprints.

usage: build_products.py product_carbon_footprints.csv   (Boavizta's database, ODbL 1.0)

Rows that cannot be right are left out: a share outside 0..1, shares that do not add up to 1 within 5 %,
a name that stands twice with different totals, and rows known to be wrong.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

OUT = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data" / "products.csv"
COLUMNS = (
    "id", "subject", "stage", "criterion", "value", "low", "high", "range_basis", "unit", "per", "zone",
    "year", "source", "locator", "note",
)  # fmt: skip
CATEGORIES = {
    "Laptop", "Desktop", "Workstation", "Monitor", "Server", "Printer", "Thin Client", "Thin client",
}  # fmt: skip
STAGES = (
    ("manufacturing", "gwp_manufacturing_ratio"),
    ("distribution", "gwp_transport_ratio"),
    ("end_of_life", "gwp_eol_ratio"),
)
KNOWN_WRONG = {"proliant dl360 gen10"}
ASSUMED_SD = 0.25
ASSUMED = f"assumed: relative standard deviation {ASSUMED_SD:.0%}, none in the sheet"
TOGETHER = "all embodied stages together: the sheet's shares are not given"
Row = dict[str, str]


def main(database: Path) -> None:
    """Convert the sound rows."""
    with database.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["subcategory"] in CATEGORIES]
    names: dict[str, set[str]] = {}
    for row in rows:
        names.setdefault(slug(subject(row)), set()).add(row["gwp_total"])
    kept = {slug(subject(row)): row for row in rows if is_sound(row)}
    with OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for key in sorted(key for key in kept if len(names[key]) == 1):
            writer.writerows(factors(subject(kept[key]), kept[key]))


def subject(row: Row) -> str:
    """Maker and model, the key of a product."""
    return f"{row['manufacturer'].strip()}|{row['name'].strip()}"


def is_sound(row: Row) -> bool:
    """Whether the row's figures agree with each other and with what is known of it."""
    if not row["gwp_total"] or not row["gwp_use_ratio"] or not row["sources"].startswith("http"):
        return False
    if any(name in row["name"].lower() for name in KNOWN_WRONG):
        return False
    use = float(row["gwp_use_ratio"])
    shares = [float(row[column]) for _, column in STAGES if row[column]]
    if not 0 <= use < 1 or any(not 0 <= share <= 1 for share in shares) or float(row["gwp_total"]) <= 0:
        return False
    return len(shares) < len(STAGES) or abs(use + sum(shares) - 1) <= 0.05


def factors(key: str, row: Row) -> Iterator[tuple[object, ...]]:
    """One factor a stage where the sheet states all of them, else one for all embodied stages together."""
    total_kg, use = float(row["gwp_total"]), float(row["gwp_use_ratio"])
    stated = [(stage, float(row[column])) for stage, column in STAGES if row[column]]
    by_stage = stated if len(stated) == len(STAGES) else [("manufacturing", 1 - use)]
    note = "" if len(stated) == len(STAGES) else TOGETHER
    sd = float(row["gwp_error_ratio"] or 0)
    basis = "source" if sd > 0 else ASSUMED
    spread = math.exp(1.96 * math.sqrt(math.log(1 + (sd or ASSUMED_SD) ** 2)))
    year = re.search(r"20\d\d", row["report_date"])
    for stage, share in by_stage:
        if share > 0:
            value = total_kg * share
            yield (
                f"product.{slug(key)}.{stage}.gwp", key, stage, "gwp", f"{value:.6g}",
                f"{value / spread:.6g}", f"{value * spread:.6g}", basis, "kg CO2 eq", "device", "",
                year[0] if year else "",
                "boavizta-pcf-2023", row["sources"].strip(), note,
            )  # fmt: skip


def slug(text: str) -> str:
    """Letters and digits joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

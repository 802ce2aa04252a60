"""Write product_power.csv: the yearly electricity that makers state on the sheets of their models.

usage: build_consumption.py product_carbon_footprints.csv   (Boavizta's database, ODbL 1.0)

The class of a sheet is told from its name, because the database calls many laptops and all-in-ones
desktops. A figure from which no device could idle (LIMITS, told in watts) is kept, marked as disputed.
Left out are servers, whose watts are told otherwise, and names that stand twice with different figures.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from build_products import COLUMNS, Row, slug, subject, write
from parcimetre_factors.power.energy_star import Consumption, test_watts
from parcimetre_factors.tables.factor_set import load_factor_set

SUBCATEGORIES = frozenset({
    "Laptop", "Desktop", "Workstation", "Monitor", "Printer", "Thin Client", "Thin client",
})  # fmt: skip
NAMES = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("all_in_one", r"all-in-one|surface studio"),
        ("thin_client", r"\bTC\b|thin client|zero client"),
        ("mini_pc", r"micro form factor|\bultra\b|\bmini pc\b|\bcompact\b"),
        ("workstation", r"precision (tower [57]\d{3}|[57]\d{3} (tower|rack))$"),
        ("desktop", r"tower|small form factor|\brack\b|optiplex|vostro 3910"),
    )
)
MOBILE_THIN_CLIENTS = frozenset({"Wyse 5470 Thin Client"})
LIMITS = {
    "laptop": (1.3, 25), "desktop": (3, 60), "mini_pc": (1.5, 30), "all_in_one": (5, 60),
    "workstation": (10, 250), "thin_client": (1.5, 30), "monitor": (2, 250), "printer": (0.5, 100),
}  # fmt: skip


def main(database: Path) -> None:
    """Convert the rows that state a yearly consumption."""
    with database.open(encoding="utf-8", newline="") as text:
        told = [row for row in csv.DictReader(text) if row["yearly_tec"]]
    rows = [row for row in told if row["subcategory"] in SUBCATEGORIES]
    stated: dict[str, set[str]] = {}
    for row in rows:
        stated.setdefault(slug(subject(row)), set()).add(row["yearly_tec"])
    sound = {slug(subject(row)): row for row in rows if row["sources"].startswith("http")}
    write("product_power", COLUMNS, factors(sound[key] for key in sorted(sound) if len(stated[key]) == 1))


def factors(rows: Iterator[Row]) -> Iterator[tuple[object, ...]]:
    """One factor a sheet."""
    known = load_factor_set()
    for row in rows:
        kind = class_of(row)
        year = re.search(r"20\d\d", row["report_date"])
        made = int(year[0]) if year else None
        tec_kwh = float(row["yearly_tec"])
        watts = test_watts(Consumption(kind, tec_kwh, made), known)
        low, high = LIMITS[kind]
        implied = f"It implies {watts:.1f} W awake; the class takes {low} to {high} W."
        note = "" if low <= watts <= high else implied
        yield (
            f"power.tec.{kind}.{slug(subject(row))}", subject(row), "use", "", f"{tec_kwh:g}", f"{tec_kwh:g}",
            f"{tec_kwh:g}", f"error is stated once, as power.{kind}.sheet.error", "kWh/year", "device", "",
            made or "", "boavizta-pcf-2023", row["sources"].strip(), note, "disputed" if note else "",
        )  # fmt: skip


def class_of(row: Row) -> str:
    """What kind of device a sheet is about."""
    name, stated = row["name"].strip(), row["subcategory"]
    if stated in ("Monitor", "Printer"):
        return stated.lower()
    if stated == "Laptop" or name in MOBILE_THIN_CLIENTS:
        return "laptop"
    told = next((kind for kind, pattern in NAMES if pattern.search(name)), None)
    return told or ("laptop" if float(row["screen_size"] or 0) > 0 else "desktop")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

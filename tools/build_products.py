"""Write products.csv and configurations.csv: embodied impact of models, and what their sheets were made for.

usage: build_products.py product_carbon_footprints.csv   (Boavizta's database, ODbL 1.0)

Rows that cannot be right are left out: a share outside 0..1, shares that do not add up to 1 within 5 %, a
name that stands twice with different totals. One whose figure is contradicted is kept, marked as disputed.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

DATA = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data"
COLUMNS = (
    "id", "subject", "stage", "criterion", "value", "low", "high", "range_basis", "unit", "per", "zone",
    "year", "source", "locator", "note", "quality",
)  # fmt: skip
CATEGORIES = {
    "Laptop", "Desktop", "Workstation", "Monitor", "Server", "Printer", "Thin Client", "Thin client",
}  # fmt: skip
STAGES = (
    ("manufacturing", "gwp_manufacturing_ratio"),
    ("distribution", "gwp_transport_ratio"),
    ("end_of_life", "gwp_eol_ratio"),
)
ISSUE = "https://github.com/Boavizta/environmental-footprint-data/issues/51"
DISPUTED = (
    "product.hp-proliant-dl360-gen10.disputed.gwp", "HP|ProLiant DL360 Gen10", "", "gwp", 1710, 1710, 6270,
    "source: 1,710 kg in the database, 6,270 kg in the maker's current sheet", "kg CO2 eq", "device", "", "",
    "boavizta-pcf-2023", ISSUE, "The two figures contradict each other: kept, and used by nothing.",
    "disputed",
)  # fmt: skip
CONFIGURATION = ("subject", "memory_gb", "ssd_gb", "hdds", "source_url")
DISKS = re.compile(r"x(\d+) ([\d.]+)(GB|TB)[^x]*?(SSD|HDD)")
NO_DISKS = ("No Hard Drive", "Blank", "0 SSD")
GB_PER_TB = 1000
COMPUTERS = ("Laptop", "Desktop", "Workstation")
SIZE = re.compile(r"([\d.]+) ?(GB|TB)\b( (?:of )?memory)?")
LEAST_DISK_GB, MOST_UNSTATED_GB = 128, 512
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
    products = [kept[key] for key in sorted(key for key in kept if len(names[key]) == 1)]
    rows_of_all = [found for row in products for found in factors(subject(row), row)]
    write("products", COLUMNS, sorted([*rows_of_all, DISPUTED], key=lambda row: str(row[0])))
    stated = (configuration_of(row) for row in products)
    write("configurations", CONFIGURATION, (row for row in stated if row is not None))


def write(name: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """One table."""
    with (DATA / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def configuration_of(row: Row) -> tuple[object, ...] | None:
    """What a sheet was made for: subject, memory, SSDs, hard disks, source; None where it does not say."""
    if row["subcategory"] == "Server":
        return configuration(row) if row["memory"] else None
    memory_gb, ssd_gb = client_configuration(row)
    if memory_gb is None and ssd_gb is None:
        return None
    shown = ("" if gb is None else f"{gb:g}" for gb in (memory_gb, ssd_gb))
    return (subject(row), *shown, "" if ssd_gb is None else 0, row["sources"].strip())


def client_configuration(row: Row) -> tuple[float | None, float | None]:
    """GB of memory and of SSD of a client's sheet, None where neither its name nor its disk column tells.

    A size that the name calls memory is memory. Others are a disk if they are large enough for one; its kind
    must be stated or follow: no laptop of these sheets has a hard disk, and none is of 512 GB or less.
    """
    if row["subcategory"] not in COMPUTERS:
        return None, None
    sizes = [(gb(size, unit, bool(memory)), bool(memory)) for size, unit, memory in SIZE.findall(row["name"])]
    memory = next((size for size, is_memory in sizes if is_memory), None)
    column = [gb(size, unit) for size, unit, _ in SIZE.findall(row["hard_drive"])]
    disks = [size for size, is_memory in sizes if not is_memory] or [
        size for size in column if size != memory
    ]
    disk = next((size for size in disks if size >= LEAST_DISK_GB), None)
    solid = "SSD" in row["hard_drive"] or row["subcategory"] == "Laptop" or (disk or 0) <= MOST_UNSTATED_GB
    return memory, disk if solid else None


def gb(size: str, unit: str, is_memory: bool = False) -> float:
    """A nominal size in GB. A terabyte of memory is 1,024 GB; a disk of 1,024 GB is sold as a terabyte."""
    binary = float(size) * (1024 if unit == "TB" else 1)
    return binary if is_memory or binary < 1024 else binary / 1024 * GB_PER_TB


def configuration(row: Row) -> tuple[object, ...]:
    """Memory in GB, SSDs in GB together, and the number of hard disks; empty where the sheet does not say."""
    stated = DISKS.findall(row["hard_drive"])
    none = any(text in row["hard_drive"] for text in NO_DISKS)
    ssd_gb = sum(int(n) * float(size) * (GB_PER_TB if unit == "TB" else 1)
                 for n, size, unit, kind in stated if kind == "SSD")  # fmt: skip
    hdds = sum(int(n) for n, _, _, kind in stated if kind == "HDD")
    disks = (f"{ssd_gb:g}", hdds) if stated or none else ("", "")
    return (subject(row), f"{float(row['memory']):g}", *disks, row["sources"].strip())


def subject(row: Row) -> str:
    """Maker and model, the key of a product."""
    return f"{row['manufacturer'].strip()}|{row['name'].strip()}"


def is_sound(row: Row) -> bool:
    """Whether the row's figures agree with each other and with what is known of it."""
    if not row["gwp_total"] or not row["gwp_use_ratio"] or not row["sources"].startswith("http"):
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
                "boavizta-pcf-2023", row["sources"].strip(), note, "",
            )  # fmt: skip


def slug(text: str) -> str:
    """Letters and digits joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

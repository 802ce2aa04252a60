"""Write cpus.csv: facts about processors, each with the page they were read from.

usage: build_cpus.py FACTS.csv   (columns name, manufacturer, code_name, cores, threads, tdp_w, die_mm2,
source)
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

OUT = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data" / "cpus.csv"
COLUMNS = ("name", "maker", "family", "cores", "threads", "tdp_w", "die_mm2", "source_url")


def main(facts: Path) -> None:
    """Keep the rows that say where they come from, in the order of the source, which settles ties."""
    with facts.open(encoding="utf-8", newline="") as text, OUT.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in csv.DictReader(text):
            if row["source"].strip():
                numbers = (plain(row[name]) for name in ("cores", "threads", "tdp_w", "die_mm2"))
                writer.writerow(
                    (row["name"], row["manufacturer"], row["code_name"], *numbers, row["source"].strip())
                )


def plain(number: str) -> str:
    """12.0 as 12; nothing stays nothing."""
    return f"{float(number):g}" if number else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))

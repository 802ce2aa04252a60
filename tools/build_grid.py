"""Write grid_year.csv, zones.csv and grid_profile.csv.

usage: build_grid.py ANNUAL.csv MIX.csv ECO2MIX.csv
ANNUAL: country, iso3, year, gco2eq_per_kwh (Our World in Data / Ember); MIX: ADEME Base IMPACTS mixes;
ECO2MIX: quarter hours of French production by fuel (RTE).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.grid.intensity import intensity
from parcimetre_factors.grid.observations import collect_observations
from parcimetre_factors.tables.factor_set import COLUMNS, load_factor_set
from parcimetre_server.grid.feeds import parse_feed

OUT = Path(__file__).parents[1] / "factors" / "parcimetre_factors" / "data"
ZONES = {
    "AT": "AUT", "BE": "BEL", "CA": "CAN", "CH": "CHE", "DE": "DEU", "DK": "DNK", "ES": "ESP", "FR": "FRA",
    "GB": "GBR", "IE": "IRL", "IT": "ITA", "LU": "LUX", "NL": "NLD", "PL": "POL", "PT": "PRT", "SE": "SWE",
    "US": "USA",
}  # fmt: skip
YEARS = ("2022", "2023", "2024")
ASSUMED = 0.10
ASSUMED_ADPE = 0.5
QUARTERS = 96
METALS = "Resource use (min"


def main(annual: Path, mix: Path, eco2mix: Path) -> None:
    """Write the three tables."""
    yearly = [row for row in rows(annual) if row["iso3"] in ZONES.values() and row["year"] in YEARS]
    iso2 = {iso3: zone for zone, iso3 in ZONES.items()}
    named = {(iso2[row["iso3"]], row["iso3"], row["country"]) for row in yearly}
    write("zones", ("zone", "iso3", "name"), sorted(named))
    gwp = [gwp_row(iso2[row["iso3"]], row) for row in yearly]
    metals = [row for row in rows(mix) if row["iso2"] in ZONES and row["criterion"].startswith(METALS)]
    write("grid_year", COLUMNS, sorted(gwp) + sorted(adpe_row(row) for row in metals))
    write("grid_profile", COLUMNS, profile(eco2mix))


def rows(file: Path) -> list[dict[str, str]]:
    """All rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def write(name: str, columns: tuple[str, ...], table: list[tuple[object, ...]]) -> None:
    """One table."""
    with (OUT / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(table)


def gwp_row(zone: str, row: dict[str, str]) -> tuple[object, ...]:
    """Life-cycle intensity of a country and year."""
    kg = float(row["gco2eq_per_kwh"]) / 1000
    return (
        f"grid.{zone.lower()}.{row['year']}.gwp", "electricity", "use", "gwp", f"{kg:.6g}",
        f"{kg / (1 + ASSUMED):.6g}", f"{kg * (1 + ASSUMED):.6g}", "assumed: +-10 %, no range in source",
        "kg CO2 eq", "kWh", zone, row["year"], "owid-ember-2025", f"{row['country']}, {row['year']}",
        "Of generation in the zone: imports are not included.",
    )  # fmt: skip


def adpe_row(row: dict[str, str]) -> tuple[object, ...]:
    """Metals and minerals of a country's mix."""
    value = float(row["value_per_kwh"])
    return (
        f"grid.{row['iso2'].lower()}.2011.adpe", "electricity", "use", "adpe", f"{value:.6g}",
        f"{value * (1 - ASSUMED_ADPE):.6g}", f"{value * (1 + ASSUMED_ADPE):.6g}",
        "assumed: +-50 %, mix of 2011, no range in source", "kg Sb eq", "kWh", row["iso2"], "2011",
        "base-impacts-2.01", f"{row['country']}, resource use (minerals and metals)", "The mix of 2011.",
    )  # fmt: skip


def profile(eco2mix: Path) -> list[tuple[object, ...]]:
    """Ratio of each quarter hour of the day (UTC) to the day's mean, over the days of the sample."""
    found = collect_observations(parse_feed(eco2mix.read_text(encoding="utf-8"), "FR"))
    assert found is not None
    slots = intensity("FR", found.starts, load_factor_set(), found)
    assert slots is not None
    sums = np.bincount(found.starts // SLOT_S % QUARTERS, slots.kg_per_kwh, QUARTERS)
    mean = sums.mean()
    first, last = found.starts[[0, -1]].astype("datetime64[s]").astype("datetime64[D]")
    days = f"{first} to {last}"
    table: list[tuple[object, ...]] = [
        (
            f"grid_profile.fr.{i:02}", "electricity", "use", "gwp", *[f"{value / mean:.4f}"] * 3,
            "see grid_profile.fr.error", "1", "day mean", "FR", "2023", "rte-eco2mix-2023", days,
            f"quarter hour {i // 4:02}:{i % 4 * 15:02} UTC",
        )
        for i, value in enumerate(sums)
    ]  # fmt: skip
    table.append((
        "grid_profile.fr.error", "profile error", "use", "gwp", "1", "0.8", "1.25",
        "estimate: three days of October 2023 stand for the year", "1", "day mean", "FR", "2023",
        "rte-eco2mix-2023", days, "common to all quarter hours",
    ))  # fmt: skip
    return table


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))

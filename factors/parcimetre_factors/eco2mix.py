"""Life-cycle intensity of French production in a quarter hour, from RTE's megawatts by fuel."""

from __future__ import annotations

from collections.abc import Mapping

from .factor import FactorSet

FUELS = {
    "fioul": "oil", "charbon": "coal", "gaz": "gas", "nucleaire": "nuclear", "eolien": "wind",
    "solaire": "solar", "hydraulique": "hydro", "bioenergies": "biomass",
}  # fmt: skip


def intensity_of(row: Mapping[str, str], factors: FactorSet) -> float:
    """kg CO2 eq per kWh produced, from one row of eCO2mix (MW by fuel).

    A fuel with negative production (plants that only take their own use from the grid) counts as zero, and
    pumping is demand, not production. Imports are not known by origin and are left out.
    Raises ValueError when nothing is produced.
    """
    produced_mw = {fuel: max(0.0, float(row[column] or 0)) for column, fuel in FUELS.items()}
    whole_mw = sum(produced_mw.values())
    if whole_mw <= 0:
        raise ValueError("no production in this quarter hour")
    kg = sum(mw * factors.get(f"fuel.{fuel}.gwp").value for fuel, mw in produced_mw.items())
    return kg / whole_mw

"""Impact criteria, life-cycle stages and the units of each."""

from __future__ import annotations

from enum import StrEnum


class Criterion(StrEnum):
    """Impact criteria, named as in DESIGN and in the sources."""

    GWP = "gwp"
    ADPE = "adpe"
    PE = "pe"


class Stage(StrEnum):
    """Life-cycle stages of EN 15804, merged to the four that product footprints state."""

    MANUFACTURING = "manufacturing"
    DISTRIBUTION = "distribution"
    USE = "use"
    END_OF_LIFE = "end_of_life"


EMBODIED = (Stage.MANUFACTURING, Stage.DISTRIBUTION, Stage.END_OF_LIFE)

UNITS = {Criterion.GWP: "kg CO2 eq", Criterion.ADPE: "kg Sb eq", Criterion.PE: "MJ"}

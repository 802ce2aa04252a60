"""Where each maker's power units and PoE switches state the power of their outlets.

A value of a row is so many watts, or watt-hours, a step. Standards of all makers stand here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["outlet", "bank", "inlet", "output"]
UnitKind = Literal["pdu", "ups"]
UPS_MAKER, UPS_MODEL = "1.3.6.1.2.1.33.1.1.1.0", "1.3.6.1.2.1.33.1.1.2.0"
UPS_INPUTS, UPS_OUTPUTS = "1.3.6.1.2.1.33.1.3.3.1.5", "1.3.6.1.2.1.33.1.4.4.1.4"
OIDS = ("power", "energy", "digits", "label", "part")
"""The fields of a table that are OIDs."""


@dataclass(frozen=True)
class OutletTable:
    """A table whose rows are outlets, banks, inlets or outputs of a power unit.

    A step of `power` is `watts` W, one of the counter `energy` is `wh` Wh, both moved by the decimal `digits`
    of the row where the device states them. `power_row` and `energy_row` end the index of a row where a table
    holds quantities of all kinds. `label` is what the maker printed beside the outlet. With `first_unit`, an
    index begins with the number of the unit in a chain, counted from it.
    """

    kind: UnitKind
    role: Role
    source: str
    power: str
    watts: float = 1.0
    energy: str = ""
    wh: float = 1.0
    power_row: str = ""
    energy_row: str = ""
    digits: str = ""
    label: str = ""
    first_unit: int | None = None


@dataclass(frozen=True)
class PortTable:
    """A table whose rows are ports that feed others by PoE, a step being `watts` W.

    The port of a row is the part of ENTITY-MIB that `part` names, or with `if_index` the interface by which
    the row's index ends.
    """

    source: str
    power: str
    watts: float = 0.001
    part: str = ""
    if_index: bool = False


UPS_MIB: Sequence[OutletTable] = (
    OutletTable("ups", "output", "ups_mib", UPS_OUTPUTS),
    OutletTable("ups", "inlet", "ups_mib", UPS_INPUTS),
)
"""RFC 1628: upsOutputPower and upsInputTruePower, in watts by line."""

"""What each maker's devices answer beyond the standard MIB: one TOML table a maker, read when one is met.

OIDs in the tables are relative to 1.3.6.1.4.1 (enterprises). A counter is the sum of those of its OIDs that
the device has; `codes` look a counter up by its number in a table of the printer's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from ..configuration.settings import parse
from .outlet_tables import OIDS, OutletTable, PortTable

ENTERPRISES = "1.3.6.1.4.1"
TABLES = Path(__file__).with_name("mibs")
COUNTERS = ("mono", "colour", "duplex", "a3", "copies", "prints", "faxes", "scans")


@dataclass(frozen=True)
class NumberedCounters:
    """A table of the printer that holds numbered counters: where the numbers and the values are."""

    numbers: str
    values: str
    codes: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class PowerStateTable:
    """Where the maker's printers state their power state, and what its numbers mean."""

    oid: str
    awake: Sequence[int]
    asleep: Sequence[int]

    def power(self, value: object) -> Literal["awake", "asleep"] | None:
        """What a number means; None for one that is not known."""
        if value in self.awake:
            return "awake"
        return "asleep" if value in self.asleep else None


@dataclass(frozen=True)
class Maker:
    """A maker and its own OIDs, whole; the standard MIB comes first where it answers.

    `network` is a maker of network devices alone, all of whose answers are those of one. `power` are the
    tables of its power units, `poe` that of the ports of its switches.
    """

    name: str
    serial: Sequence[str] = ()
    model: Sequence[str] = ()
    counters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    coded: NumberedCounters | None = None
    network: bool = False
    power: Sequence[OutletTable] = ()
    poe: PortTable | None = None
    states: PowerStateTable | None = None

    @property
    def oids(self) -> list[str]:
        """Every single OID to ask for."""
        return [*self.serial, *self.model, *(oid for oids in self.counters.values() for oid in oids)]


def maker_of(object_id: str, folder: Path = TABLES) -> Maker | None:
    """The maker whose enterprise a sysObjectID names; None for one without a table."""
    prefix = ENTERPRISES + "."
    if not object_id.startswith(prefix):
        return None
    return _by_enterprise(folder).get(object_id[len(prefix) :].partition(".")[0])


@lru_cache(maxsize=4)
def _by_enterprise(folder: Path) -> dict[str, Maker]:
    found = {}
    for path in sorted(folder.glob("*.toml")):
        table = parse(path.read_text(encoding="utf-8"), path)
        maker = _maker(table)
        found.update({str(number): maker for number in table["enterprises"]})
    return found


def _maker(table: Mapping[str, Any]) -> Maker:
    return Maker(
        name=table["maker"],
        serial=_whole(table.get("serial", [])),
        model=_whole(table.get("model", [])),
        counters={name: _whole(table.get("counters", {}).get(name, [])) for name in COUNTERS},
        coded=_coded(table["coded"]) if "coded" in table else None,
        network=table.get("network", False),
        power=[OutletTable(**_row(one)) for one in table.get("power", [])],
        poe=PortTable(**_row(table["poe"])) if "poe" in table else None,
        states=_states(table["power_state"]) if "power_state" in table else None,
    )


def _states(table: Mapping[str, Any]) -> PowerStateTable:
    (oid,) = _whole([table["oid"]])
    return PowerStateTable(oid, table["awake"], table["asleep"])


def _coded(table: Mapping[str, Any]) -> NumberedCounters:
    numbers, values = _whole([table["numbers"], table["values"]])
    return NumberedCounters(numbers, values, dict(table["codes"]))


def _row(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a table of outlets or ports, with whole OIDs."""
    return {key: f"{ENTERPRISES}.{one}" if key in OIDS else one for key, one in fields.items()}


def _whole(oids: Sequence[str]) -> list[str]:
    return [f"{ENTERPRISES}.{oid}" for oid in oids]

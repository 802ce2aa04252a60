"""PoE ports of a switch and their names, which never come from descriptions that people typed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ..identification.names import printable
from .answers import Answers
from .network import PART_NAMES
from .outlet_tables import PortTable
from .taps import Tap

INTERFACE_NAMES = "1.3.6.1.2.1.31.1.1.1.1"
MOST_PORTS = 1000
NAMED = re.compile(r"[A-Za-z][A-Za-z-]{0,24} ?\d{1,3}([/.:]\d{1,3}){0,3}|\d{1,3}([/.:]\d{1,3}){0,3}")


def name_oids(table: PortTable, powers: Answers, parts: Answers) -> dict[str, str]:
    """Where the name of each row's port stands, by row; `parts` are those of ENTITY-MIB that rows name."""
    if table.if_index:
        return {row: f"{INTERFACE_NAMES}.{row.rpartition('.')[2]}" for row in powers}
    found = {row: parts.get(row) for row in powers}
    return {row: f"{PART_NAMES}.{part}" for row, part in found.items() if isinstance(part, int) and part > 0}


def ports(table: PortTable, powers: Answers, oids: Mapping[str, str], names: Answers) -> list[Tap]:
    """Return the ports that state their power; one without a name of its own is named by its row."""
    rows = [row for row, value in powers.items() if isinstance(value, int) and value >= 0][:MOST_PORTS]
    labels = {row: printable(names.get(oids.get(row, ""))) or "" for row in rows}
    times = Counter(labels.values())
    return [
        Tap(_name(row, labels[row], times), table.source, "poe", [f"{table.power}.{row}"], table.watts)
        for row in rows
    ]


def _name(row: str, label: str, times: Mapping[str, int]) -> str:
    """The name of the maker's form, if no other port has it; else the row's numbers."""
    own = NAMED.fullmatch(label) is not None and times[label] == 1
    return label if own else f"port {row.replace('.', '/')}"[:40]

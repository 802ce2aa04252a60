"""Interpret the answers of a PDU or UPS: which outlets, banks, inlets and outputs it meters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..identification.hashes import asset_hash, serial_hash
from ..identification.names import first_word, printable
from ..report import Inventory, SensorOutcome
from . import device_identity
from .answers import DESCRIPTION, NAME, OBJECT_ID, Answers
from .device_identity import KnownDevice, device_key, first_model
from .makers import Maker
from .meters import PowerMeters
from .network import stated_serial
from .outlet_tables import UPS_MAKER, UPS_MODEL, OutletTable, Role, UnitKind
from .taps import OUTLETS, Tap

KINDS: Sequence[UnitKind] = ("pdu", "ups")
UNMETERED = "the unit does not report the energy of its outlets, inlet or output"
COARSEST_WH = 10.0
MOST_TAPS = 1000
PRINTED = re.compile(r"[A-Za-z]{0,3}\d{1,3}")


@dataclass(frozen=True)
class TableRows:
    """What was found in a table: the values of the power, digits, counters and labels, by row."""

    table: OutletTable
    powers: Answers
    energies: Answers = field(default_factory=dict)
    digits: Answers = field(default_factory=dict)
    labels: Answers = field(default_factory=dict)


@dataclass(frozen=True)
class PowerUnit:
    """What a unit gives over `taps`, and what it takes in where that is metered apart."""

    kind: UnitKind
    taps: Sequence[Tap] = ()
    intake: Sequence[Tap] = ()


def power_unit(found: Sequence[TableRows], kind: UnitKind) -> PowerUnit:
    """The finest that is metered: outlets, else banks, else the whole; no energy is in two taps.

    What is taken in stands beside it for a unit alone, all of whose outlets are metered.
    """
    by_role: dict[Role, list[Tap]] = {}
    for rows in found:
        by_role.setdefault(rows.table.role, []).extend(_taps(rows))
    inlets = by_role.get("inlet", [])
    for role in ("outlet", "bank", "output"):
        taps = by_role.get(role, [])[:MOST_TAPS]
        if taps:
            whole = role != "bank" and len(inlets) == 1 and not any(map(_left_out, found))
            return PowerUnit(kind, taps, inlets if whole and _draws(found) else [])
    return PowerUnit(kind, inlets)


def _draws(found: Sequence[TableRows]) -> bool:
    """Whether an inlet says more than 0, as one that has no meter does not."""
    inlets = (rows for rows in found if rows.table.role == "inlet")
    return any(rows.powers[index] for rows in inlets for index in metered(rows))


def _taps(rows: TableRows) -> list[Tap]:
    """The taps of a table: one a row for outlets and banks, one a unit for what is a whole."""
    made: dict[str, Tap] = {}
    for index in metered(rows):
        tap = _tap(rows, index)
        known = made.get(tap.outlet)
        if known is None:
            made[tap.outlet] = tap
        elif rows.table.role in ("inlet", "output"):
            made[tap.outlet] = replace(
                known, power=[*known.power, *tap.power], energy=[*known.energy, *tap.energy]
            )
        else:
            made[index] = replace(tap, outlet=f"{tap.outlet} row {index}"[:40])
    return list(made.values())


def _tap(rows: TableRows, index: str) -> Tap:
    table = rows.table
    row = index[: -len(table.power_row) - 1] if table.power_row else index
    counted = f"{row}.{table.energy_row}" if table.energy_row else row
    wh = table.wh * _shift(rows, counted)
    counts = counted in rows.energies and wh <= COARSEST_WH
    return Tap(
        outlet=_name(rows, row),
        source=table.source,
        scope="wall_ac",
        power=[f"{table.power}.{index}"],
        watts=table.watts * _shift(rows, index),
        energy=[f"{table.energy}.{counted}"] if counts else [],
        wh=wh if counts else 0.0,
    )


def metered(rows: TableRows) -> list[str]:
    """The rows with a power; a negative one says that there is no meter."""
    values = ((index, rows.powers[index]) for index in _of_power(rows))
    return [index for index, value in values if isinstance(value, int) and value >= 0]


def _of_power(rows: TableRows) -> list[str]:
    """The rows that are of power, where a table holds quantities of all kinds."""
    ending = rows.table.power_row
    return [index for index in rows.powers if not ending or index.endswith(f".{ending}")]


def _left_out(rows: TableRows) -> bool:
    """Whether an outlet is without a meter, which nothing may be concluded without."""
    return rows.table.role == "outlet" and len(metered(rows)) < len(_of_power(rows))


def _shift(rows: TableRows, index: str) -> float:
    """What the decimal digits of a row make of a step."""
    digits = rows.digits.get(index)
    return 10.0**-digits if isinstance(digits, int) and 0 <= digits <= 9 else 1.0


def _name(rows: TableRows, row: str) -> str:
    """The tap's name, the same for ever: what is printed beside it, else its number; never what was typed."""
    table = rows.table
    number, before = row, ""
    if table.first_unit is not None:
        first, _, number = row.partition(".")
        place = int(first) - table.first_unit + 1 if first.isdigit() else 1
        before, number = "" if place == 1 else f"unit {place} ", number or row
    if table.role in ("inlet", "output"):
        return f"{before}{table.role}"
    label = printable(rows.labels.get(row)) or ""
    return f"{before}{table.role} {label if PRINTED.fullmatch(label) else number}"[:40]


def identify_power_unit(
    answers: Answers, host: str, maker: Maker | None, made: PowerUnit, power: PowerMeters | None
) -> KnownDevice:
    """Who the unit is, from its answers."""
    description = printable(answers.get(UPS_MAKER)) or printable(answers.get(DESCRIPTION))
    name = maker.name if maker else first_word(description) or "unknown"
    model = first_model(answers, [*(maker.model if maker else ()), UPS_MODEL], maker)
    serial = stated_serial(answers, ["1"], maker)
    hashed = serial_hash(name, serial)
    key = device_key(hashed, f"{host} {name} {model}")
    return KnownDevice(
        key, str(answers.get(OBJECT_ID, "")), 1, name, model, hashed, printable(answers.get(NAME)),
        category=made.kind, meters=power, taps=made.taps, intake=made.intake, asset_hash=asset_hash(serial),
    )  # fmt: skip


def traits(found: KnownDevice) -> list[str]:
    """What a unit meters, in words for people."""
    outlets, banks = (sum(role in tap.outlet.split() for tap in found.taps) for role in ("outlet", "bank"))
    kind = found.category.upper()
    if outlets:
        return [kind, f"{outlets} outlets metered", *(["inlet metered"] if found.intake else [])]
    if banks:
        return [kind, f"{banks} banks metered, no outlets"]
    if not found.taps and found.meters is None:
        return [kind, "meters nothing"]
    whole = "output" if any("output" in tap.outlet for tap in found.taps) else "inlet"
    both = " and inlet" if found.intake else ""
    return [kind, f"{whole}{both} metered, no outlets"]


def inventory(found: KnownDevice, taken_at: int, outcomes: list[SensorOutcome]) -> Inventory:
    """The unit as the report has it, with whether it meters."""
    return device_identity.base_inventory(found, taken_at, [*outcomes, *outlets_outcome(found, outcomes)])


def outlets_outcome(found: KnownDevice, outcomes: Sequence[SensorOutcome]) -> list[SensorOutcome]:
    """That outlets are metered, where nothing else is known of them."""
    if OUTLETS in {one.sensor for one in outcomes}:
        return []
    if found.taps or found.meters:
        return [SensorOutcome(OUTLETS, "ok")]
    return [SensorOutcome(OUTLETS, "no_data", UNMETERED)]


def discovery_fields(found: KnownDevice) -> Mapping[str, Any]:
    """Return the fields of a unit in the JSON of discovery."""
    return {"outlets_metered": [tap.outlet for tap in found.taps], "inlet_metered": bool(found.intake)}

"""Interpret a printer's answers. The standard MIBs (RFC 3805, RFC 2790) first, the maker's own beside.

prtMarkerLifeCount is the total; what the maker counts only splits it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..identification.hashes import asset_hash, serial_hash
from ..identification.names import first_word, printable
from ..report import MOST_IMPRESSIONS, Marking, Printer
from .answers import DESCRIPTION, NAME, OBJECT_ID, UPTIME, Answers, Value
from .device_identity import KnownDevice, device_key, first_model, first_serial
from .makers import Maker, PowerStateTable, maker_of

Power = Literal["awake", "asleep"]
DEVICE_TYPES = "1.3.6.1.2.1.25.3.2.1.2"
PRINTER_TYPE = "1.3.6.1.2.1.25.3.1.5"
DEVICE_MODEL = "1.3.6.1.2.1.25.3.2.1.3"
DEVICE_STATUS = "1.3.6.1.2.1.25.3.2.1.5"
PRINTER_STATUS = "1.3.6.1.2.1.25.3.5.1.1"
SERIAL = "1.3.6.1.2.1.43.5.1.1.17.1"
CHASSIS_SERIAL = "1.3.6.1.2.1.47.1.1.1.1.11.1"
PRINTER_NAME = "1.3.6.1.2.1.43.5.1.1.16.1"
LIFE_COUNT = "1.3.6.1.2.1.43.10.2.1.4.1.1"
MARK_TECHNOLOGY = "1.3.6.1.2.1.43.10.2.1.2.1.1"
COLORANTS = "1.3.6.1.2.1.43.10.2.1.6.1.1"
TRAYS = "1.3.6.1.2.1.43.8.2.1"
UNIT, LENGTH, WIDTH = 3, 4, 5
PATH_TYPES = "1.3.6.1.2.1.43.13.4.1.9"
SUPPLIES = "1.3.6.1.2.1.43.11.1.1"
COLOURS = "1.3.6.1.2.1.43.12.1.1.4"

RUNNING, WARNING = 2, 3
OTHER = 1
DUPLEX_PATHS = (3, 4)
LASER, INKJET = (3, 4, 5), (12, 13, 14)
MM_PER_UNIT = {3: 0.00254, 4: 0.001}
TABLOID_WIDTH_MM = 279.0


@dataclass(frozen=True)
class Trays:
    """The declared size of the media in each input tray, by tray: unit, along the feed, across it."""

    units: Answers
    lengths: Answers
    widths: Answers


def standard_status_oids(index: int) -> list[str]:
    """Return the OIDs of the state that every printer answers without waking its engine."""
    return [OBJECT_ID, NAME, UPTIME, f"{DEVICE_STATUS}.{index}", f"{PRINTER_STATUS}.{index}"]


def status_oids(known: KnownDevice) -> list[str]:
    """Return the OIDs of one poll: the printer's state, and its power where it states it."""
    states = _states(known)
    own = [] if states is None else [states.oid]
    return [*standard_status_oids(known.index), *own, *(known.meters.oids if known.meters else ())]


def identity_oids(index: int, maker: Maker | None) -> list[str]:
    """What says who a printer is."""
    own = [*maker.serial, *maker.model, *([maker.states.oid] if maker.states else ())] if maker else []
    standard = [
        DESCRIPTION, NAME, f"{DEVICE_MODEL}.{index}", SERIAL, CHASSIS_SERIAL, PRINTER_NAME, LIFE_COUNT,
        MARK_TECHNOLOGY, COLORANTS,
    ]  # fmt: skip
    return [*standard, *own]


def power(answers: Answers, known: KnownDevice) -> Power:
    """Awake or asleep, by the maker's own word where the printer has it.

    Else by RFC 3805, 2.2.13.2: in standby the device runs and the printer says "other".
    """
    states, index = _states(known), known.index
    own_state = None if states is None else states.power(answers.get(states.oid))
    if own_state is not None:
        return own_state
    device, printer = answers.get(f"{DEVICE_STATUS}.{index}"), answers.get(f"{PRINTER_STATUS}.{index}")
    return "asleep" if printer == OTHER and device in (RUNNING, WARNING) else "awake"


def _states(known: KnownDevice) -> PowerStateTable | None:
    """Return where the maker's printers state their power state; None if this one does not."""
    maker = maker_of(known.object_id) if known.states else None
    return None if maker is None else maker.states


def looks_like(answers: Answers, known: KnownDevice) -> bool:
    """Whether a status comes from the known printer, by its object id and name."""
    return str(answers.get(OBJECT_ID)) == known.object_id and printable(answers.get(NAME)) == known.name


def printer_index(types: Answers) -> int | None:
    """Which of the host's devices is the printer, from a walk of DEVICE_TYPES; None where none is."""
    found = [index for index, kind in types.items() if kind == PRINTER_TYPE and index.isdigit()]
    return int(found[0]) if found else None


def trays(columns: Answers) -> Trays:
    """The trays, from a walk of the columns of their table."""
    of: dict[str, dict[str, Value]] = {str(column): {} for column in (UNIT, LENGTH, WIDTH)}
    for rest, value in columns.items():
        column, _, tray = rest.partition(".")
        of.setdefault(column, {})[tray] = value
    return Trays(of[str(UNIT)], of[str(LENGTH)], of[str(WIDTH)])


def identify_printer(
    answers: Answers, host: str, index: int, maker: Maker | None, media: Printer
) -> KnownDevice:
    """Identify the printer from its answers; `media` is what its trays and paths show."""
    name = maker.name if maker else first_word(printable(answers.get(DESCRIPTION))) or "unknown"
    model = _model(answers, index, maker)
    serial = stated_serial(answers, maker)
    hashed = serial_hash(name, serial)
    key = device_key(hashed, f"{host} {name} {model}")
    object_id = str(answers.get(OBJECT_ID, ""))
    states = maker is not None and maker.states is not None and maker.states.oid in answers
    return KnownDevice(
        key, object_id, index, name, model, hashed, printable(answers.get(NAME)), media, states=states,
        asset_hash=asset_hash(serial),
    )  # fmt: skip


def stated_serial(answers: Answers, maker: Maker | None) -> str | None:
    """Return the serial number that the printer states."""
    oids = [SERIAL, *(maker.serial if maker else ()), CHASSIS_SERIAL]
    return first_serial(printable(answers.get(oid)) for oid in oids)


def _model(answers: Answers, index: int, maker: Maker | None) -> str | None:
    """The model without its maker's name before it."""
    oids = [*(maker.model if maker else ()), f"{DEVICE_MODEL}.{index}", PRINTER_NAME]
    return first_model(answers, oids, maker)


def capabilities(answers: Answers, trays: Trays, paths: Answers) -> Printer:
    """Marking, colour, duplex and A3, from the marker, the trays and the paths of the media."""
    technology, colorants = answers.get(MARK_TECHNOLOGY), answers.get(COLORANTS)
    marking: Marking | None = None
    if isinstance(technology, int) and technology > 2:
        marking = "laser" if technology in LASER else "inkjet" if technology in INKJET else "other"
    return Printer(
        marking=marking,
        colour=colorants > 1 if isinstance(colorants, int) and colorants > 0 else None,
        duplex=any(kind in DUPLEX_PATHS for kind in paths.values()) if paths else None,
        a3=_takes_a3(trays),
    )


def _takes_a3(trays: Trays) -> bool | None:
    """Whether a tray holds paper as wide as A3, or as the American format of its class (279 mm)."""
    widths_mm = [
        min(length, width) * MM_PER_UNIT[unit]
        for tray, unit in trays.units.items()
        if (length := _positive(trays.lengths.get(tray))) is not None
        and (width := _positive(trays.widths.get(tray))) is not None
        and isinstance(unit, int)
        and unit in MM_PER_UNIT
    ]
    return max(widths_mm) >= TABLOID_WIDTH_MM if widths_mm else None


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def is_count(value: object) -> bool:
    """Whether a counter is one that a printer can have reached."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_IMPRESSIONS

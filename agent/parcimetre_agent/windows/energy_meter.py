"""Pure parser of the Energy Meter Interface (emi.h of the Windows SDK): bytes in, channels and joules out."""

from __future__ import annotations

import struct
from typing import NamedTuple

J_PER_PWH = 3.6e-9
TICKS_PER_S = 1e7
_CHANNELS_AT = 68
_PICOWATT_HOURS = 0
_READING_BYTES = 16
_ALL_ONES = 2**64 - 1


class EnergyMeterReading(NamedTuple):
    """One channel's counter: joules since an arbitrary start, at seconds of the meter's own clock."""

    energy_j: float
    at_s: float


def channels(version: int, metadata: bytes) -> list[str] | None:
    """The names of a meter's channels, in the order of its readings; None when they make no sense."""
    if version == 1:
        name = _name(metadata, 72, _word(metadata, 70)) if _unit(metadata, 0) else None
        return None if name is None else [name]
    if version != 2 or len(metadata) < _CHANNELS_AT:
        return None
    names, at = [], _CHANNELS_AT
    for _ in range(_word(metadata, 66)):
        size = _word(metadata, at + 4)
        name = _name(metadata, at + 6, size) if _unit(metadata, at) else None
        if name is None:
            return None
        names.append(name)
        at += 6 + size
    return names or None


def readings(answer: bytes, count: int) -> list[EnergyMeterReading] | None:
    """A reading for each of so many channels; None when the answer is too short or holds no counter."""
    if not count or len(answer) < count * _READING_BYTES:
        return None
    pairs = [struct.unpack_from("<QQ", answer, at * _READING_BYTES) for at in range(count)]
    if any(_ALL_ONES in pair or pair[1] == 0 for pair in pairs):
        return None
    return [EnergyMeterReading(energy * J_PER_PWH, ticks / TICKS_PER_S) for energy, ticks in pairs]


def is_package(name: str) -> bool:
    """Whether a channel is a whole processor; others (PP0, PP1, DRAM, single cores) lie within or beside."""
    return name.upper().endswith("_PKG")


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _unit(data: bytes, at: int) -> bool:
    """Whether a channel counts picowatt-hours, the only unit there is."""
    return len(data) >= at + 4 and int.from_bytes(data[at : at + 4], "little") == _PICOWATT_HOURS


def _name(data: bytes, at: int, size: int) -> str | None:
    """A name of so many bytes; None when it is cut off, empty or no text."""
    if not 2 <= size <= 512 or at + size > len(data):
        return None
    name = data[at : at + size].decode("utf-16-le", "replace").partition("\0")[0]
    return name if name and name.isprintable() and "\ufffd" not in name else None

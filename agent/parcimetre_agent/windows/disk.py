"""Disks by their driver's answers (ntddstor.h): how they are asked, and pure parsers of what they say."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .devices import Devices

INTERFACE = "{53f56307-b6bf-11d0-94f2-00a0c91efb8b}"
_PROPERTY, _GEOMETRY = 0x2D1400, 0x000700A0
_DESCRIPTION, _SEEK_PENALTY = 0, 7
_BUS_AT, _SIZE_AT = 28, 24


class DiskDescription(NamedTuple):
    """Bus (STORAGE_BUS_TYPE), whether the medium leaves the drive, maker and model."""

    bus: int
    removable: bool
    maker: str | None
    model: str | None


def paths(devices: Devices) -> list[str]:
    """What to open, for every disk."""
    try:
        found = devices.interfaces(INTERFACE)
    except OSError:
        found = []
    return found or [f"\\\\.\\PhysicalDrive{number}" for number in range(16)]


def describe(devices: Devices, path: str) -> DiskDescription | None:
    """A disk's description. Raises OSError."""
    return description(devices.ask(path, _PROPERTY, _query(_DESCRIPTION)))


def size_bytes(devices: Devices, path: str) -> int | None:
    """A disk's size. Raises OSError."""
    return size(devices.ask(path, _GEOMETRY))


def is_seeking(devices: Devices, path: str) -> bool | None:
    """Whether its head has to move: true for a hard disk, false for flash, None if its driver is silent."""
    try:
        return penalty(devices.ask(path, _PROPERTY, _query(_SEEK_PENALTY)))
    except OSError:
        return None


def description(answer: bytes) -> DiskDescription | None:
    """Of a STORAGE_DEVICE_DESCRIPTOR, whose texts stand behind offsets; None when it is too short."""
    if len(answer) < _BUS_AT + 4:
        return None
    maker_at, model_at = struct.unpack_from("<II", answer, 12)
    (bus,) = struct.unpack_from("<I", answer, _BUS_AT)
    return DiskDescription(bus, bool(answer[10]), _text(answer, maker_at), _text(answer, model_at))


def size(answer: bytes) -> int | None:
    """Bytes of a DISK_GEOMETRY_EX; None when it states none."""
    if len(answer) < _SIZE_AT + 8:
        return None
    (found,) = struct.unpack_from("<q", answer, _SIZE_AT)
    return found if found > 0 else None


def penalty(answer: bytes) -> bool | None:
    """Of a DEVICE_SEEK_PENALTY_DESCRIPTOR."""
    return bool(answer[8]) if len(answer) > 8 else None


def _query(number: int) -> bytes:
    return struct.pack("<III", number, 0, 0)


def _text(answer: bytes, at: int) -> str | None:
    """The text at an offset; offset 0 says that there is none."""
    if not _BUS_AT < at < len(answer):
        return None
    raw = answer[at:].partition(b"\0")[0]
    text = " ".join(raw.decode("ascii", "replace").split())
    return text or None

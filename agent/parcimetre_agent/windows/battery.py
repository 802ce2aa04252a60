"""Batteries by their driver's answers (batclass.h): how they are asked, and pure parsers of what they say."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .devices import READ, Devices

INTERFACE = "{72631e54-78a4-11d0-bcf7-00aa00b7b32a}"
ON_LINE, DISCHARGING = 1, 2
_TAG, _INFORMATION, _STATUS = 0x294040, 0x294044, 0x29404C
_INFORMATION_BYTES, _STATUS_BYTES = 36, 16
_BASIC, _MODEL, _MAKER = 0, 4, 6
_SYSTEM, _RELATIVE, _SHORT_TERM = 0x80000000, 0x40000000, 0x20000000
_UNKNOWN = 0xFFFFFFFF
_UNKNOWN_RATE = -0x80000000


class BatteryDescription(NamedTuple):
    """What does not change: capacities in mWh, None where unstated or only relative."""

    in_system: bool
    relative: bool
    chemistry: str | None
    design_mwh: int | None
    full_mwh: int | None
    cycles: int | None


class BatteryStatus(NamedTuple):
    """What changes: `rate_mw` is negative while discharging; None where unknown."""

    power_state: int
    left_mwh: int | None
    rate_mw: int | None


def description(answer: bytes) -> BatteryDescription | None:
    """Of a BATTERY_INFORMATION; None when it is too short."""
    if len(answer) < _INFORMATION_BYTES:
        return None
    capabilities, _, chemistry, design, full, _, _, _, cycles = struct.unpack_from("<I4s4s6I", answer)
    relative = bool(capabilities & _RELATIVE)
    return BatteryDescription(
        in_system=bool(capabilities & _SYSTEM) and not capabilities & _SHORT_TERM,
        relative=relative,
        chemistry=_text(chemistry),
        design_mwh=None if relative else _known(design),
        full_mwh=None if relative else _known(full),
        cycles=cycles if 0 < cycles < 100_000 else None,
    )


def status(answer: bytes) -> BatteryStatus | None:
    """Of a BATTERY_STATUS; None when it is too short."""
    if len(answer) < _STATUS_BYTES:
        return None
    power_state, left, _, rate = struct.unpack_from("<IIIi", answer)
    return BatteryStatus(power_state, _known(left), None if rate == _UNKNOWN_RATE else rate)


class BatteryGauge(NamedTuple):
    """One battery's driver."""

    devices: Devices
    path: str
    tag: int

    def describe(self) -> BatteryDescription | None:
        """Its description. Raises OSError."""
        return description(self._information(_BASIC))

    def status(self) -> BatteryStatus | None:
        """Its state now. Raises OSError."""
        question = struct.pack("<5I", self.tag, 0, 0, 0, 0)
        return status(self.devices.ask(self.path, _STATUS, question, _STATUS_BYTES, READ))

    def model(self) -> str | None:
        """The name that its maker gave it."""
        return self._named(_MODEL)

    def maker(self) -> str | None:
        """Its maker."""
        return self._named(_MAKER)

    def _named(self, level: int) -> str | None:
        try:
            answer = self._information(level)
        except OSError:
            return None
        return answer.decode("utf-16-le", "replace").partition("\0")[0].strip() or None

    def _information(self, level: int) -> bytes:
        question = struct.pack("<IIi", self.tag, level, 0)
        return self.devices.ask(self.path, _INFORMATION, question, 512, READ)


def gauges(devices: Devices) -> list[BatteryGauge]:
    """Every battery bay with a battery in it. Raises OSError."""
    found = []
    for path in devices.interfaces(INTERFACE):
        try:
            answer = devices.ask(path, _TAG, bytes(4), 4, READ)
        except FileNotFoundError:
            continue
        tag = int.from_bytes(answer[:4], "little")
        if tag:
            found.append(BatteryGauge(devices, path, tag))
    return found


def _known(mwh: int) -> int | None:
    """A capacity that a battery of a machine can have; drivers say 0 or all ones for unknown."""
    return mwh if 0 < mwh < 10_000_000 and mwh != _UNKNOWN else None


def _text(raw: bytes) -> str | None:
    text = raw.partition(b"\0")[0].decode("ascii", "replace").strip()
    return text or None

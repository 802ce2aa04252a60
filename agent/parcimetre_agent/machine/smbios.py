"""Pure parser of the SMBIOS table (DMTF DSP0134): bytes in, structures and what we need of them out.

Linux and Windows hand over the same table. Serial numbers are read only to be hashed by `identity`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_BIOS, _SYSTEM, _BOARD, _CHASSIS, _PROCESSOR, _MEMORY_DEVICE, _END = 0, 1, 2, 3, 4, 17, 127
_POPULATED = 0x40
_CENTRAL = 3
_KINDS = {
    0x12: "DDR", 0x13: "DDR2", 0x18: "DDR3", 0x1A: "DDR4", 0x1B: "LPDDR", 0x1C: "LPDDR2", 0x1D: "LPDDR3",
    0x1E: "LPDDR4", 0x20: "HBM", 0x21: "HBM2", 0x22: "DDR5", 0x23: "LPDDR5",
}  # fmt: skip
_FORMS = {0x03: "SIMM", 0x09: "DIMM", 0x0B: "row of chips", 0x0C: "RIMM", 0x0D: "SODIMM", 0x0F: "FB-DIMM"}
_FLASH = 0x11
CHASSIS = {
    3: "desktop", 4: "low profile desktop", 5: "pizza box", 6: "mini tower", 7: "tower", 8: "portable",
    9: "laptop", 10: "notebook", 11: "hand held", 13: "all in one", 14: "sub notebook", 15: "space-saving",
    16: "lunch box", 17: "main server chassis", 23: "rack mount chassis", 24: "sealed-case PC",
    25: "multi-system", 28: "blade", 29: "blade enclosure", 30: "tablet", 31: "convertible",
    32: "detachable", 33: "IoT gateway", 34: "embedded PC", 35: "mini PC", 36: "stick PC",
}  # fmt: skip
_CATEGORIES = {
    "desktop": (3, 4, 5, 6, 7, 15, 16, 24),
    "laptop": (8, 9, 10, 14, 31, 32),
    "all_in_one": (13,),
    "server": (17, 23, 25, 28, 29),
    "tablet": (11, 30),
    "mini_pc": (33, 34, 35, 36),
}


class Structure(NamedTuple):
    """One structure: its formatted area, header included, and its strings (the first is number 1)."""

    kind: int
    data: bytes
    strings: list[str]

    def byte(self, at: int) -> int:
        """The byte at an offset; 0 when the structure is older and ends before."""
        return self.data[at] if at < len(self.data) else 0

    def word(self, at: int) -> int:
        """Two bytes, little-endian."""
        return self.byte(at) | self.byte(at + 1) << 8

    def dword(self, at: int) -> int:
        """Four bytes, little-endian."""
        return self.word(at) | self.word(at + 2) << 16

    def text(self, at: int) -> str | None:
        """The string whose number stands at an offset; None when it is unset."""
        number = self.byte(at)
        if not 1 <= number <= len(self.strings):
            return None
        return self.strings[number - 1].strip() or None


class SmbiosModule(NamedTuple):
    """One fitted memory module."""

    size_mib: int
    kind: str | None
    form: str | None
    maker: str | None
    part: str | None


class SmbiosSystem(NamedTuple):
    """What the firmware says of the machine, placeholders and all; empty where it says nothing.

    `serial`, `uuid` and `board_serial` are for `identity` alone.
    """

    maker: str | None = None
    model: str | None = None
    version: str | None = None
    sku: str | None = None
    family: str | None = None
    board: str | None = None
    bios_date: str | None = None
    chassis_type: int = 0
    serial: str | None = None
    uuid: str | None = None
    board_serial: str | None = None


class SmbiosProcessor(NamedTuple):
    """One processor in its socket; cores and threads of this one, None where unstated."""

    maker: str | None
    model: str | None
    cores: int | None
    threads: int | None


def structures(table: bytes) -> Iterator[Structure]:
    """Every whole structure up to the end mark; a damaged rest is left out."""
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if length < 4 or end < 0:
            return
        raw = table[at + length : end]
        strings = [part.decode("utf-8", "replace") for part in raw.split(b"\0")] if raw else []
        yield Structure(kind, table[at : at + length], strings)
        if kind == _END:
            return
        at = end + 2


def stated(table: bytes) -> SmbiosSystem | None:
    """Types 0 to 3 of the table, the first of each; None when it describes no system."""
    first: dict[int, Structure] = {}
    for structure in structures(table):
        first.setdefault(structure.kind, structure)
    if _SYSTEM not in first:
        return None
    nothing = Structure(0, b"", [])
    system, board = first[_SYSTEM], first.get(_BOARD, nothing)
    return SmbiosSystem(
        maker=system.text(0x04),
        model=system.text(0x05),
        version=system.text(0x06),
        sku=system.text(0x19),
        family=system.text(0x1A),
        board=board.text(0x05),
        bios_date=first.get(_BIOS, nothing).text(0x08),
        chassis_type=first.get(_CHASSIS, nothing).byte(0x05),
        serial=system.text(0x07),
        uuid=_uuid(system.data[0x08:0x18]),
        board_serial=board.text(0x07),
    )


def processors(table: bytes) -> list[SmbiosProcessor]:
    """Central processors (type 4) in their sockets; empty sockets are left out."""
    return [
        SmbiosProcessor(one.text(0x07), one.text(0x10), _count(one, 0x23, 0x2A), _count(one, 0x25, 0x2E))
        for one in structures(table)
        if one.kind == _PROCESSOR and one.byte(0x05) == _CENTRAL and one.byte(0x18) & _POPULATED
    ]


def memory_modules(table: bytes) -> list[SmbiosModule]:
    """Fitted modules; the flash chip of the firmware is not memory."""
    found = (
        _module(structure)
        for structure in structures(table)
        if structure.kind == _MEMORY_DEVICE and structure.byte(0x12) != _FLASH
    )
    return [module for module in found if module is not None]


def _module(structure: Structure) -> SmbiosModule | None:
    size_mib = _size_mib(structure)
    if size_mib <= 0:
        return None
    return SmbiosModule(
        size_mib=size_mib,
        kind=_KINDS.get(structure.byte(0x12)),
        form=_FORMS.get(structure.byte(0x0E)),
        maker=structure.text(0x17),
        part=structure.text(0x1A),
    )


def _size_mib(structure: Structure) -> int:
    """Size in MiB; 0 when the slot is empty or the size unknown."""
    word = structure.word(0x0C)
    if word in (0, 0xFFFF):
        return 0
    if word == 0x7FFF:
        return structure.dword(0x1C) & 0x7FFFFFFF
    if word & 0x8000:
        return (word & 0x7FFF) // 1024
    return word


def _uuid(raw: bytes) -> str | None:
    """As Linux writes it: the first three fields are little-endian (SMBIOS 2.6 and later)."""
    if len(raw) != 16:
        return None
    fields = (raw[3::-1], raw[5:3:-1], raw[7:5:-1], raw[8:10], raw[10:])
    return "-".join(field.hex() for field in fields)


def _count(structure: Structure, at: int, wide_at: int) -> int | None:
    """A number of cores or threads: one byte, and a word further on where that is 255."""
    count = structure.byte(at)
    if count == 0xFF:
        count = structure.word(wide_at)
    return count if 0 < count < 0xFFFF else None


def category(chassis_type: int) -> str:
    """The report's category for an SMBIOS chassis type; "other" where it says nothing."""
    for name, types in _CATEGORIES.items():
        if chassis_type & 0x7F in types:
            return name
    return "other"

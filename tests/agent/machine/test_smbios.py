"""The SMBIOS parser against tables built to DSP0134, and against noise."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.machine import smbios


def _structure(kind: int, body: bytes, *strings: str) -> bytes:
    tail = b"\0".join(s.encode() for s in strings) + b"\0\0" if strings else b"\0\0"
    return struct.pack("<BBH", kind, 4 + len(body), 0) + body + tail


def _module(size: int, extended_mib: int = 0, kind: int = 0x1A) -> bytes:
    body = bytearray(0x28 - 4)
    struct.pack_into("<H", body, 0x0C - 4, size)
    body[0x0E - 4], body[0x12 - 4], body[0x17 - 4], body[0x1A - 4] = 0x0D, kind, 1, 2
    struct.pack_into("<I", body, 0x1C - 4, extended_mib)
    return _structure(17, bytes(body), "Samsung", "M471A1G44AB0")


END = _structure(127, b"")


@pytest.mark.parametrize(
    ("size", "extended", "mib"),
    [(8192, 0, 8192), (0x7FFF, 65536, 65536), (0x8000 | 2048, 0, 2)],
    ids=["MiB", "extended", "KiB"],
)
def test_module_size_is_read_in_every_form(size: int, extended: int, mib: int) -> None:
    assert smbios.memory_modules(_module(size, extended) + END) == [
        smbios.SmbiosModule(mib, "DDR4", "SODIMM", "Samsung", "M471A1G44AB0")
    ]


@pytest.mark.parametrize(
    "table", [_module(0), _module(0xFFFF), _module(16, kind=0x11)], ids=["empty", "?", "flash"]
)
def test_empty_slots_unknown_sizes_and_firmware_flash_are_no_memory(table: bytes) -> None:
    assert smbios.memory_modules(table + END) == []


def test_nothing_is_read_beyond_the_end_mark() -> None:
    assert smbios.memory_modules(END + _module(8192)) == []


@pytest.mark.parametrize(
    ("chassis", "category"),
    [(9, "laptop"), (10 | 0x80, "laptop"), (3, "desktop"), (23, "server"), (13, "all_in_one"), (2, "other")],
)
def test_chassis_type_gives_the_category_with_or_without_its_lock_bit(chassis: int, category: str) -> None:
    assert smbios.category(chassis) == category


@given(st.binary(max_size=500))
def test_noise_never_raises_and_always_ends(data: bytes) -> None:
    smbios.memory_modules(data)


@given(st.lists(st.tuples(st.integers(0, 126), st.binary(max_size=40)), max_size=8))
def test_well_formed_structures_are_all_found(parts: list[tuple[int, bytes]]) -> None:
    table = b"".join(_structure(kind, body) for kind, body in parts) + END
    assert [s.kind for s in smbios.structures(table)] == [kind for kind, _ in parts] + [127]

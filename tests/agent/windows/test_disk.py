"""The disks' parsers against structures built to ntddstor.h, and against noise."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.windows import disk


def descriptor(bus: int, maker: str = "", model: str = "", removable: bool = False) -> bytes:
    """A STORAGE_DEVICE_DESCRIPTOR: fixed part, then the texts."""
    at = 40
    maker_at = at if maker else 0
    model_at = at + (len(maker) + 1 if maker else 0) if model else 0
    texts = b"".join(text.encode() + b"\0" for text in (maker, model) if text)
    head = struct.pack(
        "<II4B6I", 40, at + len(texts), 0, 0, removable, 0, maker_at, model_at, 0, 0, bus, len(texts)
    )
    return head.ljust(at, b"\0") + texts


def geometry(size_bytes: int) -> bytes:
    """A DISK_GEOMETRY_EX."""
    return bytes(24) + struct.pack("<q", size_bytes)


def test_maker_model_and_bus_are_read_behind_their_offsets() -> None:
    seen = disk.description(descriptor(17, "NVMe", "SAMSUNG  MZVL2512HCJQ-00BL7 "))
    assert seen == disk.DiskDescription(17, False, "NVMe", "SAMSUNG MZVL2512HCJQ-00BL7")
    assert disk.description(descriptor(11)) == disk.DiskDescription(11, False, None, None)


def test_size_and_seek_penalty_are_read() -> None:
    assert disk.size(geometry(512_110_190_592)) == 512_110_190_592
    assert disk.size(geometry(0)) is None
    assert [disk.penalty(bytes(8) + one) for one in (b"\0", b"\1", b"")] == [False, True, None]


@given(st.binary(max_size=200))
def test_noise_never_raises_and_sizes_are_positive(data: bytes) -> None:
    disk.description(data)
    disk.penalty(data)
    assert (disk.size(data) or 1) > 0

"""Parse EDID, the 128 bytes by which a display states its maker, model and serial number."""

from __future__ import annotations

from typing import NamedTuple

_HEADER = b"\x00\xff\xff\xff\xff\xff\xff\x00"
_DESCRIPTORS = (54, 72, 90, 108)
_NAME_TAG = 0xFC
_SERIAL_TAG = 0xFF
_MODEL_YEAR = 0xFF


class Edid(NamedTuple):
    """Maker as three letters, product code in hexadecimal, size and resolution; None where unstated."""

    maker: str
    product: str
    name: str | None
    week: int | None
    year: int
    width_mm: int | None
    height_mm: int | None
    width_px: int | None
    height_px: int | None
    serial: str | None = None


def parse(data: bytes) -> Edid | None:
    """Return what the display states; None when the bytes are not an EDID or their checksum is wrong."""
    if len(data) < 128 or data[:8] != _HEADER or sum(data[:128]) % 256:
        return None
    maker = _letters((data[8] << 8) | data[9])
    if maker is None:
        return None
    week = data[16] if 1 <= data[16] <= 54 else None
    width_mm, height_mm = _size_mm(data)
    width_px, height_px = _native(data)
    return Edid(
        maker=maker,
        product=f"{data[10] | data[11] << 8:04x}",
        name=_text(data, _NAME_TAG),
        week=week,
        year=1990 + data[17],
        width_mm=width_mm or None,
        height_mm=height_mm or None,
        width_px=width_px or None,
        height_px=height_px or None,
        serial=_text(data, _SERIAL_TAG) or _serial_number(data),
    )


def _letters(packed: int) -> str | None:
    """Three letters of five bits each; None when one of them is no letter."""
    codes = [(packed >> shift) & 31 for shift in (10, 5, 0)]
    if not all(1 <= code <= 26 for code in codes):
        return None
    return "".join(chr(64 + code) for code in codes)


def _has_timing(data: bytes) -> bool:
    return bool(data[54] or data[55])


def _size_mm(data: bytes) -> tuple[int, int]:
    """From the first detailed timing, else from the centimetres of the basic block.

    There, a single number beside a zero is an aspect ratio (EDID 1.4), and no size.
    """
    if _has_timing(data):
        width_mm = data[66] | (data[68] >> 4) << 8
        height_mm = data[67] | (data[68] & 15) << 8
        if width_mm and height_mm:
            return width_mm, height_mm
    return (data[21] * 10, data[22] * 10) if data[21] and data[22] else (0, 0)


def _native(data: bytes) -> tuple[int, int]:
    """Pixels of the first detailed timing, which is the preferred one."""
    if not _has_timing(data):
        return 0, 0
    return data[56] | (data[58] >> 4) << 8, data[59] | (data[61] >> 4) << 8


def _serial_number(data: bytes) -> str | None:
    """The number of the basic block; one byte four times over (0, 0x01010101) is a placeholder."""
    raw = data[12:16]
    return None if len(set(raw)) == 1 else str(int.from_bytes(raw, "little"))


def _text(data: bytes, tag: int) -> str | None:
    """The text of the first descriptor with that tag."""
    for at in _DESCRIPTORS:
        if data[at : at + 3] == b"\0\0\0" and data[at + 3] == tag:
            raw = data[at + 5 : at + 18].partition(b"\n")[0]
            text = raw.decode("ascii", "replace").replace("\0", "").strip()
            return text or None
    return None

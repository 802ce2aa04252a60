"""The SMBIOS table as Windows hands it over, to everybody."""

from __future__ import annotations

import ctypes
import struct

from .library import last_error, library

_PROVIDER = int.from_bytes(b"RSMB", "big")
_HEADER_BYTES = 8


def table() -> bytes:
    """The table alone. Raises OSError."""
    ask = library("kernel32").GetSystemFirmwareTable
    size = ask(_PROVIDER, 0, None, 0)
    answer = ctypes.create_string_buffer(size)
    if not size or ask(_PROVIDER, 0, answer, size) != size:
        raise last_error()
    return without_header(answer.raw)


def without_header(answer: bytes) -> bytes:
    """The table behind its header (RawSMBIOSData): calling method, version, revision, length in bytes."""
    if len(answer) < _HEADER_BYTES:
        return b""
    (length,) = struct.unpack_from("<I", answer, 4)
    return answer[_HEADER_BYTES : _HEADER_BYTES + length]

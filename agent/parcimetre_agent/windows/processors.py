"""Sockets, cores and threads, as GetLogicalProcessorInformationEx returns them."""

from __future__ import annotations

import ctypes
import struct
from typing import NamedTuple

from .library import last_error, library

_ALL = 0xFFFF
_CORE, _PACKAGE = 0, 3
_MASKS_AT, _MASK_BYTES = 32, 16


class Topology(NamedTuple):
    """How many there are in the machine."""

    sockets: int
    cores: int
    threads: int


def relations() -> bytes:
    """The answer as it is. Raises OSError."""
    ask = library("kernel32").GetLogicalProcessorInformationEx
    size = ctypes.c_uint32()
    ask(_ALL, None, ctypes.byref(size))
    answer = ctypes.create_string_buffer(max(1, size.value))
    if not ask(_ALL, answer, ctypes.byref(size)):
        raise last_error()
    return answer.raw[: size.value]


def topology(answer: bytes) -> Topology | None:
    """Counted from records (SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX); None when they make no sense.

    A record's threads are the bits of its group masks.
    """
    sockets = cores = threads = at = 0
    while at + 8 <= len(answer):
        kind, size = struct.unpack_from("<II", answer, at)
        if size < 8 or at + size > len(answer):
            return None
        if kind == _PACKAGE:
            sockets += 1
        elif kind == _CORE:
            cores += 1
            threads += _bits(answer[at : at + size])
        at += size
    return Topology(sockets, cores, threads) if 0 < sockets <= cores <= threads else None


def _bits(record: bytes) -> int:
    """Processors in the record's group masks: a 64-bit mask at the start of each."""
    if len(record) < _MASKS_AT:
        return 0
    (groups,) = struct.unpack_from("<H", record, 30)
    masks = range(_MASKS_AT, min(len(record) - 7, _MASKS_AT + groups * _MASK_BYTES), _MASK_BYTES)
    return sum(bin(struct.unpack_from("<Q", record, at)[0]).count("1") for at in masks)

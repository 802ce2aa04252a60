"""Devices as Windows lists them (SetupAPI), and what their drivers answer (DeviceIoControl)."""

from __future__ import annotations

import contextlib
import ctypes
import struct
from collections.abc import Iterator
from typing import Any

from .library import INVALID_HANDLE, last_error, library

NO_ACCESS, READ = 0, 0x80000000
_PRESENT, _INTERFACES = 0x02, 0x10
_SHARED, _EXISTING = 3, 3
_NAME_CHARS = 1024
_DETAIL_SIZE = 8 if ctypes.sizeof(ctypes.c_void_p) == 8 else 6


class _Device(ctypes.Structure):
    """SP_DEVINFO_DATA."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("guid", ctypes.c_ubyte * 16),
        ("number", ctypes.c_uint32),
        ("reserved", ctypes.c_void_p),
    )


class _Interface(ctypes.Structure):
    """SP_DEVICE_INTERFACE_DATA."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("guid", ctypes.c_ubyte * 16),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_void_p),
    )


def guid_bytes(text: str) -> bytes:
    """A GUID, written with or without braces, as it stands in memory."""
    one, two, three, four, five = text.strip("{}").split("-")
    return struct.pack("<IHH", int(one, 16), int(two, 16), int(three, 16)) + bytes.fromhex(four + five)


class Devices:
    """This machine's devices."""

    def interfaces(self, guid: str) -> list[str]:
        """Paths that can be opened, of the devices that offer an interface now. Raises OSError."""
        key = guid_bytes(guid)
        found: list[str] = []
        with _listed(key, _PRESENT | _INTERFACES) as (setup, listed):
            item = _Interface(size=ctypes.sizeof(_Interface))
            while setup.SetupDiEnumDeviceInterfaces(listed, None, key, len(found), ctypes.byref(item)):
                found.append(_path(setup, listed, item))
        return found

    def present(self, guid: str) -> list[str]:
        """Instance names, such as PCI\\VEN_8086&DEV_46A6\\3&1, of the devices of a class. Raises OSError."""
        found: list[str] = []
        with _listed(guid_bytes(guid), _PRESENT) as (setup, listed):
            item = _Device(size=ctypes.sizeof(_Device))
            while setup.SetupDiEnumDeviceInfo(listed, len(found), ctypes.byref(item)):
                name = ctypes.create_unicode_buffer(_NAME_CHARS)
                if not setup.SetupDiGetDeviceInstanceIdW(listed, ctypes.byref(item), name, _NAME_CHARS, None):
                    raise last_error()
                found.append(name.value)
        return found

    def ask(
        self, path: str, code: int, question: bytes = b"", room: int = 1024, access: int = NO_ACCESS
    ) -> bytes:
        """A driver's answer to one control code, at most `room` bytes. Raises OSError."""
        kernel = library("kernel32")
        kernel.CreateFileW.restype = ctypes.c_void_p
        opened = kernel.CreateFileW(path, ctypes.c_uint32(access), _SHARED, None, _EXISTING, 0, None)
        if opened == INVALID_HANDLE:
            raise last_error()
        handle = ctypes.c_void_p(opened)
        try:
            answer, length = ctypes.create_string_buffer(room), ctypes.c_uint32()
            if not kernel.DeviceIoControl(
                handle,
                ctypes.c_uint32(code),
                question,
                len(question),
                answer,
                room,
                ctypes.byref(length),
                None,
            ):
                raise last_error()
            return answer.raw[: length.value]
        finally:
            kernel.CloseHandle(handle)


@contextlib.contextmanager
def _listed(guid: bytes, flags: int) -> Iterator[tuple[Any, ctypes.c_void_p]]:
    """SetupAPI and a list of devices, freed afterwards."""
    setup = library("setupapi")
    setup.SetupDiGetClassDevsW.restype = ctypes.c_void_p
    made = setup.SetupDiGetClassDevsW(guid, None, None, flags)
    if made == INVALID_HANDLE:
        raise last_error()
    listed = ctypes.c_void_p(made)
    try:
        yield setup, listed
    finally:
        setup.SetupDiDestroyDeviceInfoList(listed)


def _path(setup: Any, listed: ctypes.c_void_p, item: _Interface) -> str:
    """The path in SP_DEVICE_INTERFACE_DETAIL_DATA, behind its four bytes of size."""
    room = 4 + 2 * _NAME_CHARS
    detail = ctypes.create_string_buffer(room)
    struct.pack_into("<I", detail, 0, _DETAIL_SIZE)
    if not setup.SetupDiGetDeviceInterfaceDetailW(listed, ctypes.byref(item), detail, room, None, None):
        raise last_error()
    return detail.raw[4:].decode("utf-16-le", "replace").partition("\0")[0]

"""How lit displays are attached, as QueryDisplayConfig returns it; not to a service, which has no desktop."""

from __future__ import annotations

import ctypes
import struct

from .library import library

_LIT = 2
_PATH_BYTES, _MODE_BYTES, _NAME_BYTES = 72, 64, 420
_ADAPTER_AT, _TARGET_AT = 20, 28
_ASK_NAME = 2
_WITHIN = frozenset({6, 11, 13, 0x80000000})
"""LVDS, embedded DisplayPort, embedded UDI, internal: a panel in the machine's own case."""


def targets() -> list[bytes]:
    """A DISPLAYCONFIG_TARGET_DEVICE_NAME for each lit display; none where Windows does not answer."""
    try:
        user = library("user32")
        paths, modes = ctypes.c_uint32(), ctypes.c_uint32()
        if user.GetDisplayConfigBufferSizes(_LIT, ctypes.byref(paths), ctypes.byref(modes)):
            return []
        path_rows = ctypes.create_string_buffer(max(1, paths.value * _PATH_BYTES))
        mode_rows = ctypes.create_string_buffer(max(1, modes.value * _MODE_BYTES))
        if user.QueryDisplayConfig(
            _LIT, ctypes.byref(paths), path_rows, ctypes.byref(modes), mode_rows, None
        ):
            return []
        answers = []
        for at in range(0, paths.value * _PATH_BYTES, _PATH_BYTES):
            row = path_rows.raw[at : at + _PATH_BYTES]
            head = struct.pack("<II", _ASK_NAME, _NAME_BYTES) + row[_ADAPTER_AT : _TARGET_AT + 4]
            answer = ctypes.create_string_buffer(head, _NAME_BYTES)
            if not user.DisplayConfigGetDeviceInfo(answer):
                answers.append(answer.raw)
        return answers
    except (OSError, AttributeError):
        return []


def attached(answer: bytes) -> tuple[str, bool] | None:
    """A display's instance name in capitals, and whether it is built in; None when this is no such answer."""
    if len(answer) < _NAME_BYTES:
        return None
    (technology,) = struct.unpack_from("<I", answer, 24)
    path = answer[164:_NAME_BYTES].decode("utf-16-le", "replace").partition("\0")[0]
    parts = path.upper().replace("\\\\?\\", "").split("#")
    return ("\\".join(parts[:3]), technology in _WITHIN) if len(parts) >= 3 else None

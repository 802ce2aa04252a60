"""The console's display as Windows announces it: PowerSettingRegisterNotification with a callback."""

from __future__ import annotations

import ctypes
import errno
import threading
from typing import Any

from .devices import guid_bytes
from .library import callback, library

CONSOLE_DISPLAY = guid_bytes("6fe69556-704a-47a0-8f24-c28d936fda47")
_CHANGE = 0x8013
_BY_CALLBACK = 2
_OFF, _DIMMED = 0, 2
_SETTING_BYTES = 24
_FIRST_S = 0.5


class _Subscription(ctypes.Structure):
    """DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS."""

    _fields_ = (("called", ctypes.c_void_p), ("context", ctypes.c_void_p))


def lit(setting: bytes) -> bool | None:
    """Of a POWERBROADCAST_SETTING: on or dimmed, or off; None when it is about something else."""
    if len(setting) < _SETTING_BYTES - 4 or setting[:16] != CONSOLE_DISPLAY:
        return None
    state = int.from_bytes(setting[20:24], "little")
    return state != _OFF if state <= _DIMMED else None


class DisplayState:
    """Registers at the first question and remembers the last announcement."""

    def __init__(self) -> None:
        self._lit: bool | None = None
        self._announced = threading.Event()
        self._kept: tuple[Any, ...] = ()

    def lit(self) -> bool | None:
        """The last announcement; None when none came in time. Raises OSError when Windows makes none."""
        if not self._kept:
            self._register()
            self._announced.wait(_FIRST_S)
        return self._lit

    def announced(self, setting: bytes) -> None:
        """Windows says something of a power setting."""
        seen = lit(setting)
        if seen is not None:
            self._lit = seen
            self._announced.set()

    def _register(self) -> None:
        made = callback(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
        called = made(self._called)
        subscription = _Subscription(ctypes.cast(called, ctypes.c_void_p), None)
        handle = ctypes.c_void_p()
        try:
            register = library("powrprof").PowerSettingRegisterNotification
        except AttributeError:
            raise OSError(errno.ENOSYS, "this version of Windows does not report the display state") from None
        code = register(CONSOLE_DISPLAY, _BY_CALLBACK, ctypes.byref(subscription), ctypes.byref(handle))
        if code:
            raise OSError(code, f"error {code} at the registration")
        self._kept = (called, subscription, handle)

    def _called(self, _context: int | None, kind: int, setting: int | None) -> int:
        if kind == _CHANGE and setting:
            self.announced(ctypes.string_at(setting, _SETTING_BYTES))
        return 0

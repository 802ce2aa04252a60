"""This process as a service of Windows: what it reports to the service control manager, and what that asks.

The manager is answered on a thread of its own, so that the main thread is the resident's, where a signal can
end its wait.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from .library import callback, last_error, library

_OWN_PROCESS = 0x10
_STOPPED, _STOP_PENDING, _RUNNING = 1, 3, 4
_STOP, _INTERROGATE, _SHUTDOWN = 1, 4, 5
_TAKES_STOP_AND_SHUTDOWN = 1 | 4
_DONE, _NOT_TAKEN, _OWN_ERROR = 0, 120, 1066
_TO_STOP_MS = 20_000
_TO_BEGIN_S = 30.0


class ServiceStatus(ctypes.Structure):
    """SERVICE_STATUS."""

    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in ("kind", "state", "takes", "error", "own_error", "check_point", "wait_hint_ms")
    )


class _Entry(ctypes.Structure):
    """SERVICE_TABLE_ENTRYW."""

    _fields_ = (("name", ctypes.c_wchar_p), ("main", ctypes.c_void_p))


class Service:
    """The service of this name; `stop` is called when Windows wants it to end."""

    def __init__(self, name: str, stop: Callable[[], None]) -> None:
        self._name = name
        self._stop = stop
        self._state = _RUNNING
        self._handle: int | None = None
        self._refused: OSError | None = None
        self._begun = threading.Event()
        self._main = callback(None, ctypes.c_uint32, ctypes.c_void_p)(self._run)
        self._control = callback(
            ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p
        )(self.asked)
        self._manager = threading.Thread(target=self._connect, daemon=True)

    def begin(self) -> None:
        """Say that the service runs. Raises OSError when the service control manager did not start it."""
        self._manager.start()
        self._begun.wait(_TO_BEGIN_S)
        if self._refused is not None or self._handle is None:
            raise self._refused or OSError("the service control manager did not answer")

    def end(self, code: int) -> NoReturn:
        """Say that it stopped, and end this process at once: an installer that waits for it wants its files.

        Another code than 0 makes Windows start it again, as the recovery says.
        """
        self._tell(status(_STOPPED, code))
        os._exit(code)

    def asked(self, control: int, _kind: int, _data: int | None, _context: int | None) -> int:
        """Answer a control code, on the manager's thread."""
        if control in (_STOP, _SHUTDOWN):
            self._tell(status(_STOP_PENDING))
            self._stop()
        elif control == _INTERROGATE:
            self._tell(status(self._state))
        else:
            return _NOT_TAKEN
        return _DONE

    def _connect(self) -> None:
        table = (_Entry * 2)(_Entry(self._name, ctypes.cast(self._main, ctypes.c_void_p)), _Entry())
        if not library("advapi32").StartServiceCtrlDispatcherW(table):
            self._refused = last_error()
            self._begun.set()

    def _run(self, _count: int, _arguments: int | None) -> None:
        register = library("advapi32").RegisterServiceCtrlHandlerExW
        register.restype = ctypes.c_void_p
        self._handle = register(ctypes.c_wchar_p(self._name), self._control, None)
        if self._handle is None:
            self._refused = last_error()
        else:
            self._tell(status(_RUNNING))
        self._begun.set()
        threading.Event().wait()  # to return would be to say that the service is over

    def _tell(self, now: Any) -> None:
        self._state = now.state
        library("advapi32").SetServiceStatus(ctypes.c_void_p(self._handle), ctypes.byref(now))


def status(state: int, code: int = 0) -> ServiceStatus:
    """Return a state as Windows is notified of it; a code other than 0 is an error of the service's own."""
    return ServiceStatus(
        _OWN_PROCESS,
        state,
        _TAKES_STOP_AND_SHUTDOWN if state == _RUNNING else 0,
        _OWN_ERROR if code else 0,
        code,
        0,
        _TO_STOP_MS if state == _STOP_PENDING else 0,
    )

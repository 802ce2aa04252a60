"""The one place that loads libraries of Windows; on another system every load is an OSError."""

from __future__ import annotations

import ctypes
import errno
import sys
from functools import cache
from typing import Any

INVALID_HANDLE = ctypes.c_void_p(-1).value

if sys.platform == "win32":

    @cache
    def library(name: str) -> Any:
        """A library by name. Raises OSError when this Windows lacks it."""
        return ctypes.WinDLL(name, use_last_error=True)

    def last_error() -> OSError:
        """Why the last call failed; a PermissionError when it was forbidden."""
        return ctypes.WinError(ctypes.get_last_error())

    def callback(result: Any, *arguments: Any) -> Any:
        """The type of a function that Windows calls."""
        return ctypes.WINFUNCTYPE(result, *arguments)

else:

    def library(name: str) -> Any:
        """Raises OSError: this is not Windows."""
        raise OSError(errno.ENOSYS, "this is not Windows", name)

    def last_error() -> OSError:
        """Never reached: no library loads."""
        return OSError(errno.ENOSYS, "this is not Windows")

    def callback(result: Any, *arguments: Any) -> Any:
        """A type that no library will call."""
        return ctypes.CFUNCTYPE(result, *arguments)

"""Who may look into a folder: its access list as SDDL text, read and, for a new folder, set."""

from __future__ import annotations

import ctypes
import re

from .library import last_error, library

PRIVATE = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
"""Windows itself, administrators, and the account that owns it; nothing inherited from above."""
_FILE, _DACL, _REVISION = 1, 4, 1
_ALLOWED = re.compile(r"\(A;[^;]*;([^;]*);[^;]*;[^;]*;([^;)]*)")
_CROWDS = {
    "WD": "Everyone", "S-1-1-0": "Everyone", "AU": "Authenticated Users", "S-1-5-11": "Authenticated Users",
    "BU": "Users", "S-1-5-32-545": "Users", "IU": "Interactive", "NU": "Network", "AN": "Anonymous",
    "BG": "Guests", "DU": "Domain Users",
}  # fmt: skip


class _Attributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("size", ctypes.c_uint32), ("descriptor", ctypes.c_void_p), ("inherited", ctypes.c_int))


def groups_with_access(sddl: str) -> list[str]:
    """Groups of many people that an access list lets in, by their English names."""
    if "D:" not in sddl or "NO_ACCESS_CONTROL" in sddl:
        return ["Everyone"]
    let_in = [_CROWDS[who] for rights, who in _ALLOWED.findall(sddl) if rights and who in _CROWDS]
    return sorted(set(let_in))


def access_list(path: str) -> str:
    """The access list of a file or folder. Raises OSError."""
    guard, kernel = library("advapi32"), library("kernel32")
    descriptor, text = ctypes.c_void_p(), ctypes.c_wchar_p()
    code = guard.GetNamedSecurityInfoW(path, _FILE, _DACL, None, None, None, None, ctypes.byref(descriptor))
    if code:
        raise OSError(code, "the access list cannot be read", path)
    try:
        if not guard.ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor, _REVISION, _DACL, ctypes.byref(text), None
        ):
            raise last_error()
        found = text.value or ""
        kernel.LocalFree(text)
        return found
    finally:
        kernel.LocalFree(descriptor)


def make_private(path: str) -> None:
    """Make a folder that crowds are not let into. Raises OSError; FileExistsError when it is there."""
    guard, kernel = library("advapi32"), library("kernel32")
    descriptor = ctypes.c_void_p()
    if not guard.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        PRIVATE, _REVISION, ctypes.byref(descriptor), None
    ):
        raise last_error()
    try:
        attributes = _Attributes(ctypes.sizeof(_Attributes), descriptor, 0)
        if not kernel.CreateDirectoryW(path, ctypes.byref(attributes)):
            raise last_error()
    finally:
        kernel.LocalFree(descriptor)

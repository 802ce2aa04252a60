"""Sensors and power sources are loaded by file name: `x_linux.py` on Linux only, `x.py` everywhere.

The system is known from the name, before any import, so nobody pays for another system's code.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

SYSTEMS = ("linux", "windows", "macos")
_PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}


def this_system() -> str:
    """The file-name suffix of the system this runs on."""
    return _PLATFORMS.get(sys.platform, sys.platform)


def suits(name: str, system: str) -> bool:
    """Whether a module of this name is meant for that system."""
    suffix = name.rpartition("_")[2]
    return suffix not in SYSTEMS or suffix == system


def concept(name: str) -> str:
    """What a module reads, without the system: "battery" for "battery_linux"."""
    head, _, suffix = name.rpartition("_")
    return head if suffix in SYSTEMS else name


def load(package: ModuleType, system: str | None = None) -> list[ModuleType]:
    """The modules of a package that suit the system, by name; a new file needs no registration."""
    wanted = system or this_system()
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names if suits(name, wanted)]

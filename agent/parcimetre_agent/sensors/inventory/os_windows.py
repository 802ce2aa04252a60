"""Name, version and build of Windows from the registry, and the architecture. No list of software.

Python's `platform` is not asked: since 3.12 it goes through WMI.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...base.outcome import Ok, Outcome
from ...identification.names import clipped
from ...report import OperatingSystem
from ...windows.registry import Registry
from ..machine import Machine

KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_FIRST_11 = 22_000


def read(
    _machine: Machine, registry: Registry | None = None, environ: Mapping[str, str] = os.environ
) -> Outcome[dict[str, Any]]:
    """Such as Windows 11 Pro, 23H2 (build 22631). Windows 11 calls itself 10 in the registry."""
    values = (registry or Registry()).values(KEY)
    build = str(values.get("CurrentBuildNumber") or "")
    name = str(values.get("ProductName") or "Windows")
    if build.isdigit() and int(build) >= _FIRST_11 and values.get("InstallationType") == "Client":
        name = name.replace("Windows 10", "Windows 11")
    release = str(values.get("DisplayVersion") or values.get("ReleaseId") or "")
    version = " ".join(part for part in (release, f"(build {build})" if build else "") if part)
    architecture = environ.get("PROCESSOR_ARCHITEW6432") or environ.get("PROCESSOR_ARCHITECTURE")
    return Ok({"os": OperatingSystem(clipped(name) or "Windows", clipped(version), clipped(architecture))})

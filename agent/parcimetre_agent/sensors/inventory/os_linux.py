"""Name and version of the distribution, and the architecture of the machine. No list of software."""

from __future__ import annotations

import platform
from typing import Any

from ...base.outcome import Ok, Outcome
from ...identification.names import clipped
from ...machine import sysfs
from ...report import OperatingSystem
from ..machine import Machine


def read(machine: Machine) -> Outcome[dict[str, Any]]:
    """From /etc/os-release; "Linux" and the kernel's version where there is none."""
    text = sysfs.text(machine.path("etc/os-release")) or sysfs.text(machine.path("usr/lib/os-release")) or ""
    facts = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in text.splitlines())}
    system = OperatingSystem(
        name=clipped(facts.get("NAME")) or "Linux",
        version=clipped(facts.get("VERSION_ID") or platform.release()),
        architecture=clipped(platform.machine()),
    )
    return Ok({"os": system})
